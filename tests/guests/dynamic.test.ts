import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runProgram } from '../support/run-program.ts';

const LOADER = '/lib64/ld-linux-x86-64.so.2';
const here = process.platform === 'linux' && process.arch === 'x64' && existsSync(LOADER);
const folder = mkdtempSync(join(tmpdir(), 'dynamic-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What Debian's programs are made of. */
const grants = ['/lib', '/lib64', '/bin', '/usr', '/etc']
  .filter((path) => existsSync(path))
  .map((path) => ({ host: path, guest: path, readOnly: true }));
const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };

describe.skipIf(!here)('dynamic programs do what they do natively', () => {
  const built = join(folder, 'dynamic');
  const compiled = here && spawnSync('g++', ['--version']).status === 0;
  it.skipIf(!compiled)('libraries, threads, exceptions, and interpreters that are none', { timeout: 60_000 }, () => {
    execFileSync('g++', ['-O1', '-w', '-o', built, join(import.meta.dirname, 'programs/dynamic.cpp')]);
    const { stdout, status } = spawnSync(built, [], { encoding: 'utf8', env });
    for (const cpus of [1, 4])
      expect(runProgram(built, [], { grants, env, cpus })).toMatchObject({ stdout, end: { kind: 'exited', status } });
  });

  const commands: readonly (readonly [string, ...string[]])[] = [
    ['/bin/ls', '-d', '/', '/tmp'],
    ['/usr/bin/perl', '-e', 'print join(",", map { $_ * 2 } grep { /1/ } 1 .. 20), "\n"; exit 3'],
    ['/usr/bin/sqlite3', ':memory:', 'create table t(a); insert into t values (1),(2); select sum(a) from t'],
    ['/bin/sh', '-c', 'echo one two | tr a-z A-Z; seq 3 | while read n; do echo "<$n>"; done; (exit 4); echo $?'],
    [LOADER, '/bin/echo', 'loaded by hand'],
  ];
  for (const [program, ...args] of commands)
    it.skipIf(!existsSync(program))(`${program} ${args.join(' ')}`, { timeout: 60_000 }, () => {
      const { stdout, status } = spawnSync(program, args, { encoding: 'utf8', env });
      const run = runProgram(program, args, { grants, env });
      expect(run).toMatchObject({ stdout, end: { kind: 'exited', status } });
    });
});
