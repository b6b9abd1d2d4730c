import { afterAll, describe, expect, it } from 'vitest';
import { ONE_LINE, swapgs } from '../support/cli.ts';
import { Workshop } from '../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());
const listings = new URL('../../guest/codegen/', import.meta.url);

const GS = '0xffff994763f00000';
const TASK = 0xffff_9947_4028_0000n;

/** Calls one of the two listings of syscall_exit_work on a CPU with a task. */
function exitWork(listing: string, work: number, flag: number): Record<string, unknown> {
  const pointer = Buffer.alloc(8);
  pointer.writeBigUInt64LE(TASK);
  const { status, stdout, stderr } = swapgs([
    ...['call', new URL(listing, listings).pathname, 'syscall_exit_work', '--zero', '--json'],
    ...['--arg', '0', '--arg', String(work), '--gs', GS],
    ...[
      '--mem',
      `0xffff994763f2ac80=${pointer.toString('hex')}`,
      '--mem',
      `0x${(TASK + 0x800n).toString(16)}=0${flag}`,
    ],
  ]);
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

const at = (address: string): object => expect.objectContaining({ reason: 'left', at: address });

describe('swapgs call', () => {
  it('runs syscall_exit_work as it was before', () => {
    expect(exitWork('before.txt', 0x20, 0)).toMatchObject({ gsLoads: 2, loads: 4, end: at('0xffffffff8111e154') });
    expect(exitWork('before.txt', 0, 0)).toMatchObject({
      gsLoads: 1,
      end: at('0xffffffff8111e154'),
      branches: { '+11': 'taken' },
    });
    expect(exitWork('before.txt', 0x20, 1)).toMatchObject({ gsLoads: 1, end: at('0xffffffff8111e22a') });
  });

  it('runs it as it is after', () => {
    for (const work of [0, 0x20])
      expect(exitWork('after.txt', work, 0)).toMatchObject({ gsLoads: 1, end: at('0xffffffff8111cbaf') });
    expect(exitWork('after.txt', 0x20, 1)).toMatchObject({ gsLoads: 1, end: at('0xffffffff8111cc7a') });
  });

  const object = workshop.assemble(`.text
.globl f
.type f,@function
f: push %rbx
mov %rdi,%rbx
mov %rsi,%rdi
call ask
add 8(%rbx),%eax
mov %eax,counter(%rip)
mov %rax,16(%rbx)
pop %rbx
ret
.size f,.-f
.type null,@function
null: mov 0,%eax
ret
.size null,.-null
.type forever,@function
forever: jmp forever
.size forever,.-forever
.bss
.globl counter
.type counter,@object
counter: .long 0
.size counter,4
`);

  it('answers calls, supplies memory, and tells what was written', () => {
    const args = [
      'call',
      object,
      'f',
      '--arg',
      '0x600000000000',
      '--arg',
      '7',
      '--stub',
      'ask=5',
      '--mem',
      '0x600000000008=0a',
      '--zero',
    ];
    const { status, stdout } = swapgs(args);
    expect(status).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'f returns',
      '  rax    0xf',
      '  9 instructions, 1 loads, 2 stores, 0 %gs loads',
      '  call   ask(0x7) = 0x5',
      '  wrote  counter: 0f 00 00 00',
      '  wrote  0x600000000010: 0f 00 00 00 00 00 00 00',
      '  unknown memory supplied: 0x600000000000',
      '',
    ]);
  });

  it('is the same for one seed', () => {
    const run = (seed: string): string =>
      swapgs(['call', object, 'f', '--arg', '0x600000000000', '--seed', seed, '--json']).stdout;
    expect(run('7')).toBe(run('7'));
    expect(run('7')).not.toBe(run('8'));
  });

  it('ends with a fault where the code loads page tables of its own', () => {
    const tables = workshop.assemble(
      `.globl own\n.type own,@function\nown: mov $0x2000,%eax\nmov %rax,%cr3\nret\n.size own,.-own`,
    );
    expect(swapgs(['call', tables, 'own'])).toMatchObject({ stdout: expect.stringMatching(/^own faults: #PF at 0x/) });
  });

  it('tells how else a call may end', () => {
    expect(swapgs(['call', object, 'null'])).toMatchObject({
      status: 123,
      stdout: expect.stringContaining('null faults: #PF at 0x0, at null+0'),
    });
    expect(swapgs(['call', object, 'forever', '--max-insns', '100'])).toMatchObject({
      status: 124,
      stdout: expect.stringContaining('the limit of instructions'),
    });
    const missing = swapgs(['call', object, 'nul']);
    expect([missing.status, missing.stderr]).toEqual([
      125,
      expect.stringMatching(/no function nul, the nearest are null/),
    ]);
    expect(missing.stderr).toMatch(ONE_LINE);
  });
});
