import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root, say } from './base.js';

const page = join(root, 'docs/benchmarks.md');

/** Puts text between `<!-- bench:NAME -->` and `<!-- end -->` of docs/benchmarks.md. */
export function writeSection(name, text) {
  const before = readFileSync(page, 'utf8');
  const begin = `<!-- bench:${name} -->`;
  const from = before.indexOf(begin);
  const to = before.indexOf('<!-- end -->', from);
  if (from < 0 || to < 0) fail(`docs/benchmarks.md has no ${begin} … <!-- end -->`);
  writeFileSync(page, `${before.slice(0, from + begin.length)}\n${text}\n${before.slice(to)}`);
  say(`wrote «${name}» of docs/benchmarks.md`);
}
