import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { guestPath } from '../../guests/expected.ts';
import { flat } from '../../support/boot.ts';
import { swapgs } from '../../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'swapgs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const SMP = guestPath('kernel/smp.bin');
const SAID = 'long mode\nevery CPU has counted\nthe timer has ticked\nevery CPU has answered\n';
const boot = (...args: string[]) => swapgs(['run', '--bare', '--multiboot', '--memory', '16M', ...args]);
function kernel(code: string): string {
  const path = join(folder, 'kernel');
  writeFileSync(path, flat(code));
  return path;
}

describe('swapgs run --bare --multiboot', () => {
  it('shows the serial port and passes on the status of the debug-exit port', () => {
    expect(boot('--cpus', '2', SMP)).toMatchObject({ status: 1, stdout: SAID, stderr: '' });
  });

  it('runs again from the schedule that it has recorded', () => {
    const schedule = join(folder, 'schedule');
    const hash = ({ stderr }: { stderr: string }): string | undefined => /hash (.*)/.exec(stderr)?.[1];
    const first = boot('--cpus', '3', '--seed', '9', '--record-schedule', schedule, '--stats', SMP);
    const again = boot('--cpus', '3', '--schedule', schedule, '--stats', '--engine', 'interpreter', SMP);
    expect(hash(first)).toMatch(/^[0-9a-f.]+$/);
    expect(hash(again)).toBe(hash(first));
  });

  it.each([
    [
      'a deadlock',
      'fa f4',
      124,
      'swapgs: deadlock: every CPU is halted with its interrupts off\n  CPU 0: halted at 0x100021\n',
    ],
    ['an endless wait', 'fb f4', 124, 'swapgs: every CPU is halted, and nothing is under way that could wake one\n'],
    ['an exception', '0f 0b', 123, 'swapgs: #UD without an IDT that could take it on CPU 0: at 0x100020\n'],
    ['what is not implemented', 'cd 80', 126, 'swapgs: not implemented: int (cd 80) on CPU 0: at 0x100020\n'],
  ])('says so at %s', (_, code, status, line) => {
    const done = boot(kernel(code));
    expect(done.status).toBe(status);
    expect(done.stderr).toContain(line);
  });

  it('refuses what is no kernel, and a schedule that is none, in one line', () => {
    expect(boot(guestPath('bare/sum.bin'))).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^swapgs: no multiboot header in its first 8192 bytes: .*\n$/),
    });
    expect(boot('--schedule', guestPath('bare/sum.bin'), SMP)).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^swapgs: no schedule: .*\n$/),
    });
    expect(boot('--cpus', '1000', SMP)).toMatchObject({
      status: 125,
      stderr: 'swapgs: 1000 are too many CPUs: --cpus: give 1 to 255\n',
    });
  });
});
