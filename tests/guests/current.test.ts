import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { swapgs } from '../support/cli.ts';
import { KERNEL, said } from '../support/small-kernel.ts';

const folder = mkdtempSync(join(tmpdir(), 'swapgs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
/** A function's instructions: bytes and text. */
const listing = (name: string): string[] =>
  swapgs(['disasm', KERNEL, '--symbol', name, '--sym', 'const_pcpu_hot=8'])
    .stdout.split('\n')
    .filter((line) => /^\s*[0-9a-f]+:/.test(line))
    .map((line) => line.replace(/^\s*[0-9a-f]+:\s*/, '').replace(/\s+/g, ' '));

describe('a constant alias of a variable that the same file defines', () => {
  it('is folded: the task is an immediate, and the slot is never read', () => {
    const [first, ...rest] = listing('adopt_mm_folded');
    expect(first).toMatch(/^48 c7 c7 [0-9a-f]{2} [0-9a-f]{2} [0-9a-f]{2} 80 mov \$0xffffffff80[0-9a-f]{6},%rdi/);
    expect([first, ...rest].join('\n')).not.toContain('%gs');
  });

  it('is a load where only the linker knows the alias', () => {
    expect(listing('adopt_mm_loaded')[0]).toMatch(
      /^65 48 8b 3d .* mov %gs:0x[0-9a-f]+\(%rip\),%rdi # 0x8 <const_pcpu_hot>$/,
    );
  });

  it.each(ENGINE_NAMES)('so the store lands in the wrong task, and a worker dies of it (%s)', (engine) => {
    expect(said('early', { engine, cpus: 2 })).toEqual([
      "cpu 1: idle's mm none, init_task's mm init_mm",
      'kworker/u4:1: vector 14 error 2 cr2 0 flags 10246',
    ]);
  });
});

describe('the worker’s death as Linux tells it', () => {
  const info = join(folder, 'info.json');
  writeFileSync(
    info,
    JSON.stringify({ pid: 52, comm: 'kworker/u4:1', release: '6.6.0', build: '7', flags: 'PREEMPT SMP PTI' }),
  );
  const run = (commandLine: string) =>
    swapgs([
      ...['run', '--bare', '--multiboot', KERNEL, '--cpus', '2', '--append', commandLine],
      ...['--explain', 'oops', '--oops-info', info],
    ]);

  it('from the machine as the exception found it', () => {
    const { status, stdout, stderr } = run('early');
    expect([status, stdout.split('\n')[1]]).toEqual([1, 'kworker/u4:1: vector 14 error 2 cr2 0 flags 10246']);
    const lines = stderr.split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'BUG: kernel NULL pointer dereference, address: 0000000000000000',
      '#PF: supervisor write access in kernel mode',
      '#PF: error_code(0x0002) - not-present page',
    ]);
    expect(lines.slice(4, 6)).toEqual([
      'Oops: 0002 [#1] PREEMPT SMP PTI',
      'CPU: 1 PID: 52 Comm: kworker/u4:1 Not tainted 6.6.0 #7',
    ]);
    expect(lines[6]).toMatch(/^RIP: 0010:begin_new_exec\+0x[0-9a-f]+\/0x[0-9a-f]+$/);
    expect(lines[7]).toMatch(/^Code: ([0-9a-f]{2} ){42}<f0> 41 ff 0c 24( [0-9a-f]{2}){17}$/);
    expect(lines[8]).toMatch(/^RSP: 0018:[0-9a-f]{16} EFLAGS: 00010246$/);
    expect(stderr).toMatch(/^R10: [0-9a-f]{16} R11: [0-9a-f]{16} R12: 0{16}$/m);
    expect(stderr).toMatch(/^CR2: 0000000000000000 CR3: /m);
    expect(stderr).toContain('---[ end trace 0000000000000000 ]---\n');
  });

  it('and nothing where it lives', () => {
    expect(run('early loaded')).toMatchObject({ status: 1, stderr: '' });
  });
});

describe('between the switch of stacks and the write of `current`', () => {
  it('an exception finds another task than the stack’s: one event', () => {
    const trace = join(folder, 'switch.trace');
    const run = (commandLine: string): string[] => {
      const args = ['run', '--bare', '--multiboot', KERNEL, '--append', commandLine];
      swapgs([...args, '-e', 'current_not_stack_owner', '-o', trace]);
      return swapgs(['report', trace]).stdout.trimEnd().split('\n');
    };
    const [cpus, ...events] = run('switch probe');
    expect(cpus).toBe('cpus=1');
    expect(events).toHaveLength(1);
    expect(events[0]).toMatch(
      /^ +task\/1-1 +\[000\] +\d+\.\d{6}: current_not_stack_owner: current=1 owner=2 sp=[0-9a-f]{16} ip=switch_window\+0xb$/,
    );
    expect(run('switch')).toEqual(['cpus=1']);
  });
});

describe('the same operation on a variable of the CPU', () => {
  it.each([
    ['smp', /^65 48 8b 05 .* mov %gs:0x[0-9a-f]+\(%rip\),%rax # 0x8 <const_pcpu_hot>$/],
    ['up', /^48 8b 05 .* mov 0x[0-9a-f]+\(%rip\),%rax # 0xffffffff[0-9a-f]{8} <up_hot>$/],
  ])('with a segment prefix or without, its slot has a name: %s', (variant, load) => {
    expect(listing(`current_pid_${variant}`)[0]).toMatch(load);
  });

  it.each(ENGINE_NAMES)('and both read what was stored (%s)', (engine) => {
    expect(said('slots', { engine, cpus: 1 })).toEqual(['slots: smp 7, up 7']);
  });
});
