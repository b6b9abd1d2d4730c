import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runProgram } from '../support/run-program.ts';

const BUSYBOX = '/bin/busybox';
const able = process.platform === 'linux' && existsSync(BUSYBOX) && spawnSync('gcc', ['--version']).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'terminal-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The prompt, behind which busybox asks where the cursor is. */
const PROMPT = '@ \x1b[6n';
const SLEEP = (word: string): string =>
  `${BUSYBOX} sh -c 'echo ${word[0]}""${word.slice(1)}; exec ${BUSYBOX} sleep 100'\r`;

/** What is waited for, and what is typed then. */
const DIALOGUE: readonly (readonly [string, string])[] = [
  [PROMPT, 'echo one $((1+1))\r'],
  [PROMPT, 'test -t 0 && test -t 1 && echo terminal\r'],
  [PROMPT, 'echo edied\x1b[D\x1b[Dt\r'],
  [PROMPT, 'echo re""ady; cat\r'],
  ['\nready\r\n', 'typed\r'],
  ['typed\r\ntyped\r\n', '\x04'],
  [PROMPT, SLEEP('up')],
  ['\nup\r\n', '\x03'],
  [PROMPT, 'echo code $?\r'],
  [PROMPT, SLEEP('on')],
  ['\non\r\n', '\x1a'],
  [PROMPT, 'jobs\r'],
  [PROMPT, 'kill %1; fg\r'],
  [PROMPT, 'exit 4\r'],
];

it.skipIf(!able)('an interactive shell under a terminal is what it is natively', { timeout: 60_000 }, () => {
  const program = join(folder, 'dialogue');
  execFileSync('gcc', ['-O2', '-static', '-o', program, join(import.meta.dirname, 'programs/dialogue.c')]);
  copyFileSync(BUSYBOX, join(folder, 'busybox'));
  const args = [...DIALOGUE.flat(), '--', BUSYBOX, 'sh', '-i'];
  const env = { PS1: '@ ', PATH: '/bin' };
  const native = spawnSync(program, args, { encoding: 'utf8', env });
  expect(native.stdout).toContain('\nleft 0, status 400\n');
  for (const cpus of [1, 3]) {
    const grants = [{ host: folder, guest: '/bin', readOnly: true }];
    const run = runProgram(program, args, { env, cpus, grants, limits: { instructions: 1e9 } });
    expect(run.output).toBe(native.stdout);
    expect(run.end).toEqual({ kind: 'exited', status: 0 });
  }
});
