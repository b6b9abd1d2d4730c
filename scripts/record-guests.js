#!/usr/bin/env node
// Runs every row of tests/guests/expected.json on this x86-64 Linux host and writes back what it printed and how it
// ended. A new guest is a row with `guest` and `args`; `{folder}` stands for an empty folder of its own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = join(root, 'tests/guests/expected.json');
const runs = JSON.parse(readFileSync(file, 'utf8'));

const recorded = runs.map(({ guest, args, env }) => {
  const folder = mkdtempSync(join(tmpdir(), 'guest-'));
  const actual = args.map((a) => a.replace('{folder}', folder));
  const done = spawnSync(join(root, 'guest', guest), actual, { encoding: 'utf8', env: env ?? {} });
  rmSync(folder, { recursive: true, force: true });
  if (done.error) throw done.error;
  const ending = done.signal ? { signal: done.signal } : { status: done.status };
  return { guest, args, ...(env && { env }), stdout: done.stdout, ...ending };
});

writeFileSync(file, `${JSON.stringify(recorded, null, 1)}\n`);
console.error(`record-guests: ${recorded.length} runs`);
