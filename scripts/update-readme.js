// Runs the commands that the README and some pages of docs/ show and puts their real output behind each: node scripts/update-readme.js [--check]
// A block is `<!-- output: swapgs ARGS -->` … `<!-- end -->`. With --check nothing is written: the status tells whether it is current,
// durations aside.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const PAGES = ['README.md', 'docs/linux.md', 'docs/codegen.md'];
const timeless = (text) => text.replace(/in [\d.]+ m?s\b/g, 'in N');

/** A page with the output of its commands as it is now. */
function updated(before) {
  return before.replace(/<!-- output: swapgs (.*?) -->\n[\s\S]*?<!-- end -->/g, (_, args) => {
    const { stdout, stderr } = spawnSync(process.execPath, ['bin/swapgs.js', ...args.split(' ')], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });
    const text = `${stdout}${stderr}`.trimEnd().replace(/[ \t]+$/gm, '');
    return `<!-- output: swapgs ${args} -->\n\`\`\`console\n$ npx swapgs ${args}\n${text}\n\`\`\`\n<!-- end -->`;
  });
}

let stale = false;
for (const page of PAGES) {
  const path = join(root, page);
  const before = readFileSync(path, 'utf8');
  const after = updated(before);
  if (!process.argv.includes('--check')) writeFileSync(path, after);
  else if (timeless(before) !== timeless(after)) {
    console.error(`${page}: its output is not what the commands print: run node scripts/update-readme.js`);
    stale = true;
  }
}
process.exit(stale ? 1 : 0);
