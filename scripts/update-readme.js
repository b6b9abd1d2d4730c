// Runs the commands that the README shows and puts their real output behind each: node scripts/update-readme.js [--check]
// A block is `<!-- output: swapgs ARGS -->` … `<!-- end -->`. With --check nothing is written: the status tells whether it is current,
// durations aside.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const path = join(root, 'README.md');
const before = readFileSync(path, 'utf8');
const after = before.replace(/<!-- output: swapgs (.*?) -->\n[\s\S]*?<!-- end -->/g, (_, args) => {
  const { stdout, stderr } = spawnSync(process.execPath, ['bin/swapgs.js', ...args.split(' ')], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  const text = `${stdout}${stderr}`.trimEnd().replace(/[ \t]+$/gm, '');
  return `<!-- output: swapgs ${args} -->\n\`\`\`console\n$ npx swapgs ${args}\n${text}\n\`\`\`\n<!-- end -->`;
});
const timeless = (text) => text.replace(/in [\d.]+ m?s\b/g, 'in N');
if (process.argv.includes('--check')) {
  const current = timeless(before) === timeless(after);
  if (!current)
    console.error('README.md: its output is not what the commands print: run node scripts/update-readme.js');
  process.exit(current ? 0 : 1);
}
writeFileSync(path, after);
