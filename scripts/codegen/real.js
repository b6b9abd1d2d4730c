// Real C functions, each compiled in many ways, run on the same inputs: `npm run real-functions -- --help`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { compare, runChanged } from '../../dist/codegen/compare.js';
import { openBuild } from '../../dist/codegen/inputs/open.js';
import { memorySource } from '../../dist/elf/source.js';
import { EXPLAINED, PACKAGES } from './real-packages.js';

const HELP = `Usage: npm run real-functions -- [options]

compile C files of Debian's source packages in many ways, and run each function of the first build and of every other one on the same inputs

  --sources <DIR>     where the packages are, or are fetched to by apt-get source (default: .cache/sources)
  --packages <LIST>   ${Object.keys(PACKAGES).join(',')} (default: all but musl)
  --builds <LIST>     the first is what the others are compared with
                      (default: gcc-O2,gcc-O1,gcc-O3,gcc-Os,clang-O1,clang-O2,clang-O3,clang-Os)
  --inputs <N>        for each function (default: 30)
  --seed <N>          (default: 1)
  --fetch             only fetch the sources
  --json              one JSON object for all
  --write             put the table into docs/real-functions.md

Exit status: 0 every difference is explained, 1 one is not, 2 something is missing.`;

const ALL_BUILDS = 'gcc-O2,gcc-O1,gcc-O3,gcc-Os,clang-O1,clang-O2,clang-O3,clang-Os';
const FLAGS = ['-g', '-w', '-fno-pic', '-fwrapv'];

function fail(text) {
  process.stderr.write(`real-functions: ${text}\n`);
  process.exit(2);
}

function tool(program, args, options = {}) {
  const done = spawnSync(program, args, { encoding: 'utf8', ...options });
  if (done.error !== undefined) fail(`${program} is not there: install it`);
  return done;
}

/** The folder of a package's source; fetched where it is not there. */
function sourceOf(name, sources) {
  const find = () => readdirSync(sources).find((entry) => PACKAGES[name].folder.test(entry));
  mkdirSync(sources, { recursive: true });
  let folder = find();
  if (folder === undefined) {
    process.stderr.write(`real-functions: fetching the source of ${name}\n`);
    const { source = name, prepare } = PACKAGES[name];
    const fetched = tool('apt-get', ['source', '--download-only', '-qq', source], { cwd: sources });
    const archive = readdirSync(sources).find(
      (entry) => entry.startsWith(`${source}_`) && entry.includes('.orig.tar.') && !entry.endsWith('.asc'),
    );
    if (fetched.status !== 0 || archive === undefined) {
      fail(`apt-get source ${source} failed: sources need a line with deb-src; or unpack it to ${sources} by hand`);
    }
    if (tool('tar', ['xf', archive], { cwd: sources }).status !== 0) fail(`${archive} cannot be unpacked`);
    folder = find();
    if (folder !== undefined && prepare !== undefined) tool('sh', ['-c', prepare], { cwd: join(sources, folder) });
    if (folder === undefined) fail(`${archive} has no folder like ${PACKAGES[name].folder}`);
  }
  return join(sources, folder);
}

/** Object files of a package by build, compiled into `work`. */
function compilePackage(name, root, builds, work) {
  const { files, include = [], flags = [], headers = {} } = PACKAGES[name];
  const extra = join(work, `${name}-include`);
  mkdirSync(extra, { recursive: true });
  for (const [header, text] of Object.entries(headers)) writeFileSync(join(extra, header), text);
  const sources = files.flatMap((pattern) => expand(root, pattern));
  return sources.map((source) => {
    const objects = {};
    for (const build of builds) {
      const [compiler, level] = build.split('-');
      const object = join(work, `${name}-${build}-${source.replaceAll('/', '_')}.o`);
      const paths = [extra, ...include.map((path) => join(root, path))].flatMap((path) => ['-I', path]);
      const done = tool(compiler, [`-${level}`, ...FLAGS, ...flags, ...paths, '-c', join(root, source), '-o', object]);
      if (done.status === 0) objects[build] = object;
      else process.stderr.write(`real-functions: ${compiler} does not compile ${name}/${source}: left out\n`);
    }
    return { source, objects };
  });
}

/** Files of one folder by a pattern with `*`. */
function expand(root, pattern) {
  const folder = pattern.slice(0, Math.max(0, pattern.lastIndexOf('/')));
  const last = new RegExp(`^${basename(pattern).replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
  return readdirSync(join(root, folder))
    .filter((entry) => last.test(entry))
    .sort()
    .map((entry) => (folder === '' ? entry : `${folder}/${entry}`));
}

const open = (path) => openBuild(path, memorySource(readFileSync(path)));

function compareBuilds(name, objects, old, fresh, options) {
  const row = {
    package: name,
    old,
    new: fresh,
    same: 0,
    equal: 0,
    different: [],
    inconclusive: [],
    taken: 0,
    branches: 0,
  };
  for (const { source, objects: paths } of objects) {
    if (paths[old] === undefined || paths[fresh] === undefined) continue;
    let comparison;
    try {
      comparison = compare(open(paths[old]), open(paths[fresh]));
    } catch (error) {
      if (/no executable section/.test(error.message)) continue;
      throw error;
    }
    runChanged(comparison, options);
    for (const { name: fn, status, run } of comparison.functions) {
      if (status === 'identical' || status === 'relocation-only') row.same++;
      if (run === undefined) continue;
      row.taken += run.coverage.old.taken;
      row.branches += run.coverage.old.all;
      if (run.verdict === 'equal') row.equal++;
      else
        row[run.verdict].push({
          source,
          function: fn,
          what: run.differences[0] ?? run.reason ?? 'no input ran to its end',
        });
    }
  }
  return row;
}

const explanationOf = (row, { function: fn, what }) =>
  EXPLAINED.find((known) => known.package === row.package && known.functions.includes(fn) && known.what.test(what))
    ?.why ?? null;

function main() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        sources: { type: 'string', default: '.cache/sources' },
        packages: {
          type: 'string',
          default: Object.keys(PACKAGES)
            .filter((name) => name !== 'musl')
            .join(','),
        },
        builds: { type: 'string', default: ALL_BUILDS },
        inputs: { type: 'string', default: '30' },
        seed: { type: 'string', default: '1' },
        fetch: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    fail(error.message);
  }
  if (values.help) return process.stdout.write(`${HELP}\n`);
  const packages = values.packages.split(',');
  const builds = values.builds.split(',');
  for (const name of packages)
    if (PACKAGES[name] === undefined) fail(`no package ${name}; there are ${Object.keys(PACKAGES).join(', ')}`);
  for (const build of builds)
    if (!/^(gcc|clang)-O[0123sgz]$/.test(build)) fail(`no build ${build}: gcc-O2, clang-Os …`);
  for (const name of ['inputs', 'seed'])
    if (!/^\d+$/.test(values[name])) fail(`--${name} ${values[name]}: give a number`);
  if (values.fetch) return packages.forEach((name) => sourceOf(name, values.sources));
  const options = { inputs: Number(values.inputs), seed: Number(values.seed) };
  const work = mkdtempSync(join(tmpdir(), 'swapgs-real-'));
  const rows = [];
  try {
    for (const name of packages) {
      const objects = compilePackage(name, sourceOf(name, values.sources), builds, work);
      for (const fresh of builds.slice(1)) {
        process.stderr.write(`real-functions: ${name}, ${builds[0]} against ${fresh}\n`);
        rows.push(compareBuilds(name, objects, builds[0], fresh, options));
      }
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  for (const row of rows) for (const found of row.different) found.why = explanationOf(row, found);
  const unexplained = rows.flatMap((row) => row.different.filter(({ why }) => why === null));
  const text = tableOf(rows, options, unexplained);
  if (values.write) writeFileSync('docs/real-functions.md', text);
  process.stdout.write(values.json ? `${JSON.stringify({ rows, unexplained })}\n` : text);
  process.exitCode = unexplained.length > 0 ? 1 : 0;
}

function tableOf(rows, { inputs, seed }, unexplained) {
  const sum = (key) =>
    rows.reduce((total, row) => total + (typeof row[key] === 'number' ? row[key] : row[key].length), 0);
  const line = (row) =>
    `| ${row.package} | ${row.old} | ${row.new} | ${row.same} | ${row.equal} | ${row.different.length} | ${row.inconclusive.length} | ${row.taken} of ${row.branches} |`;
  const listed = (key, text) =>
    rows.flatMap((row) =>
      row[key].map((found) => `* ${row.package} \`${found.function}\`, ${row.new}: ${text(found)}`),
    );
  return [
    '# Real functions',
    '',
    `Made by \`npm run real-functions -- --inputs ${inputs} --seed ${seed} --write\`: C files of Debian's source packages, compiled with \`${FLAGS.join(' ')}\`; each function that two`,
    'builds compile to other code is run by both on the same inputs. «same» are those that differ in nothing but addresses; «branches» are the directions of',
    'conditional branches that some input took in the first build.',
    '',
    '| package | old | new | same | equal | different | inconclusive | branches |',
    '|---|---|---|---:|---:|---:|---:|---:|',
    ...rows.map(line),
    `| | | | **${sum('same')}** | **${sum('equal')}** | **${sum('different')}** | **${sum('inconclusive')}** | **${sum('taken')} of ${sum('branches')}** |`,
    '',
    '## Different',
    '',
    `${sum('different')}, of which ${unexplained.length} are not explained.`,
    '',
    ...listed('different', ({ what, why }) => `${what}${why === null ? '; **not explained**' : ` (${why})`}`),
    '',
    '## Inconclusive',
    '',
    ...listed('inconclusive', ({ what }) => what),
    '',
  ].join('\n');
}

main();
