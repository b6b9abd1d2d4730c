// Checks that imports go one way: a folder of src imports itself and folders to its left in LAYERS. Also holds files to 600 lines.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Left imports nothing to its right. */
const LAYERS = [
  'bits',
  'decode',
  'elf',
  'state',
  'ir',
  'semantics',
  'memory',
  'exec',
  'machine',
  'kernel',
  'trace',
  'oracle',
  'codegen',
  'fuzz',
  'explore',
  'debug',
  'cli',
];
/** Longer files that are tables, by path. */
const TABLES = new Set([]);
const MAX_LINES = 600;

const SRC = join(dirname(fileURLToPath(import.meta.url)), '..', 'src');
const files = readdirSync(SRC, { recursive: true }).filter((f) => f.endsWith('.ts'));
const problems = [];
for (const file of files) {
  const from = file.split(/[\\/]/)[0];
  const text = readFileSync(join(SRC, file), 'utf8');
  if (!LAYERS.includes(from)) problems.push(`src/${file}: ${from} is no layer: add it to scripts/check-layers.js`);
  for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
    const to = relative(SRC, resolve(join(SRC, dirname(file)), target)).split(/[\\/]/)[0];
    if (LAYERS.indexOf(to) > LAYERS.indexOf(from))
      problems.push(`src/${file}: ${from} imports ${to}, which is to its right`);
  }
  const lines = text.split('\n').length;
  if (lines > MAX_LINES && !TABLES.has(file))
    problems.push(`src/${file}: ${lines} lines; a file past ${MAX_LINES} has more than one subject`);
}
for (const problem of problems) console.error(problem);
console.log(`${files.length} files, ${LAYERS.length} layers, ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
