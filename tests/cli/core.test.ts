import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swapgs } from '../support/cli.ts';

const onLinux = process.platform === 'linux' && process.arch === 'x64';
const has = (tool: string): boolean => onLinux && spawnSync(tool, ['--version']).status === 0;

const SOURCE = `
#include <pthread.h>
#include <unistd.h>
int global = 42;
void *other(void *unused) { pause(); return unused; }
__attribute__((noinline)) int deep(int n) { if (n == 0) *(volatile int *)0x1234 = 7; return deep(n - 1) + 1; }
int main(void) {
  pthread_t thread;
  pthread_create(&thread, 0, other, 0);
  usleep(1000);
  global = 77;
  return deep(3);
}
`;

describe.skipIf(!has('gcc') || !has('gdb'))('--core', () => {
  const folder = mkdtempSync(join(tmpdir(), 'core-'));
  const [program, core] = [join(folder, 'crash'), join(folder, 'core')];
  beforeAll(() => {
    writeFileSync(join(folder, 'crash.c'), SOURCE);
    execFileSync('gcc', ['-g', '-O0', '-w', '-static', '-pthread', '-o', program, join(folder, 'crash.c')]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('writes a file that gdb reads: where each thread was, and what memory held', { timeout: 60_000 }, () => {
    const run = swapgs(['run', '--core', core, '--explain', 'none', program]);
    expect(run.status).toBe(139);
    const commands = ['bt', 'print global', 'print $_siginfo._sifields._sigfault.si_addr', 'thread 2', 'bt 1'];
    const { stdout } = spawnSync('gdb', ['-nx', '-batch', ...commands.flatMap((c) => ['-ex', c]), program, core], {
      encoding: 'utf8',
    });
    expect(stdout).toContain('Program terminated with signal SIGSEGV');
    for (const n of [0, 1, 2, 3]) expect(stdout).toMatch(new RegExp(`#${n} .*in deep \\(n=${n}\\)`));
    expect(stdout).toMatch(/#4 .*in main \(\)/);
    expect(stdout).toContain('$1 = 77');
    expect(stdout).toContain('$2 = (void *) 0x1234');
    expect(stdout).toMatch(/#0 .*in pause \(\)/);
    // Stacks that nobody touched are holes.
    expect(statSync(core).blocks * 512).toBeLessThan(2 << 20);
  });

  it('shows the registers of the thread that died, whoever ended last', () => {
    const { stderr } = swapgs(['run', program]);
    expect(stderr).toMatch(/^instruction {2}0x\w+ <deep\+0x\w+>/m);
  });

  it('writes nothing for a death without a core, and says where it cannot write', () => {
    const other = join(folder, 'other');
    const killed = swapgs(['run', '--core', other, '--dir', '/bin=/b:ro', '/bin/busybox', 'sh', '-c', 'kill -TERM $$']);
    expect([killed.status, existsSync(other)]).toEqual([143, false]);
    const nowhere = swapgs(['run', '--core', join(folder, 'no/such/core'), program]);
    expect(nowhere.stderr.split('\n')[0]).toMatch(/^swapgs: .*no\/such\/core/);
  });
});
