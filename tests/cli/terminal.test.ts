import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const BUSYBOX = '/bin/busybox';
const SWAPGS = fileURLToPath(new URL('../../bin/swapgs.js', import.meta.url));
const here = existsSync(BUSYBOX) && spawnSync('script', ['--version']).status === 0;

/** Runs a shell before a terminal and types one line after each prompt, or text, that is waited for. */
function typed(
  dialogue: readonly (readonly [wait: string, type: string])[],
): Promise<{ text: string; status: number }> {
  const command = `stty rows 30 columns 90; exec ${process.execPath} ${SWAPGS} run ${BUSYBOX} sh -i`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: { ...process.env, SHELL: '/bin/sh' } });
  let text = '';
  let seen = 0;
  const left = [...dialogue];
  child.stdout.on('data', (bytes: Buffer) => {
    text += bytes;
    for (let next = left[0]; next !== undefined && text.indexOf(next[0], seen) >= 0; next = left[0]) {
      seen = text.indexOf(next[0], seen) + next[0].length;
      child.stdin.write(next[1]);
      left.shift();
    }
  });
  return new Promise((resolve) => child.on('close', (status) => resolve({ text, status: status ?? -1 })));
}

describe.skipIf(!here)('before a terminal', () => {
  it('a shell edits lines, knows its terminal, and loses a program to ^C, not itself', {
    timeout: 60_000,
  }, async () => {
    const { text, status } = await typed([
      ['# ', 'busybox tty; busybox stty size; exho\x7f\x7f\x7fcho edited\n'],
      ['# ', "busybox sh -c 'echo up$((1+0)); exec busybox cat'\n"],
      ['up1', 'twice\n'],
      ['twice\r\ntwice', '\x03'],
      ['# ', "busybox sh -c 'echo up$((1+1)); exec busybox sleep 1000'\n"],
      ['up2', '\x1a'],
      ['Stopped', ''],
      ['# ', 'exit 7\n'],
      ['You have stopped jobs', 'exit 7\n'],
    ]);
    expect(text).toContain('/dev/pts/0\r\n30 90\r\nedited\r\n');
    expect(text).toContain('^C');
    expect(status).toBe(7);
  });

  it('is a pipe where that is asked for', { timeout: 60_000 }, () => {
    const command = `${process.execPath} ${SWAPGS} run --no-terminal ${BUSYBOX} tty`;
    const done = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8', input: '' });
    expect(done.stdout).toContain('not a tty');
    expect(done.status).toBe(1);
  });
});

describe.skipIf(!existsSync(BUSYBOX))('standard input that is not there yet', () => {
  it('lets other processes go on meanwhile', { timeout: 60_000 }, async () => {
    const script = 'busybox sleep 0.01 && echo woken & read line; echo "got $line"; wait';
    const child = spawn(process.execPath, [SWAPGS, 'run', BUSYBOX, 'sh', '-c', script]);
    let text = '';
    child.stdout.on('data', (bytes: Buffer) => {
      text += bytes;
      // Only then is there something to read.
      if (text === 'woken\n') child.stdin.end('late\n');
    });
    await new Promise((resolve) => child.on('close', resolve));
    expect(text).toBe('woken\ngot late\n');
  });
});
