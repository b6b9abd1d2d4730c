import { describe, expect, it } from 'vitest';
import { hex, parseHexBytes } from '../../src/bits/hex.ts';
import { BareGuest, type BareProgram } from '../../src/machine/bare.ts';
import { registerSetting } from '../../src/machine/registers.ts';
import type { Window } from '../../src/trace/filter.ts';
import { Names } from '../../src/trace/names.ts';
import { runWindow } from '../../src/trace/stepping.ts';
import { stepJson, stepLine } from '../../src/trace/text.ts';
import { type Step, Watcher } from '../../src/trace/watcher.ts';

const BASE = 0x10_0000n;
const EVERYTHING: Window = { from: 1, to: Number.POSITIVE_INFINITY, ranges: [] };
const guest = new BareGuest({ memory: 4 << 20 });

function trace(code: string, registers: Record<string, bigint> = {}, window = EVERYTHING): Step[] {
  const bytes = parseHexBytes(code);
  const program: BareProgram = {
    regions: [{ address: BASE, size: 0x1000, write: true, execute: true, user: true }],
    contents: [{ address: BASE, bytes }],
    entry: BASE,
    cpl: 0,
    registers: Object.entries(registers).map(([name, value]) => registerSetting(name, value)),
  };
  guest.load(program);
  const watcher = new Watcher(guest.machine);
  const steps: Step[] = [];
  guest.run({ instructions: 1000 }, (budget) =>
    runWindow(guest.machine, watcher, window, (step) => steps.push(step), budget),
  );
  return steps;
}

describe('Watcher', () => {
  it('numbers instructions from 1 and tells registers and flags that changed', () => {
    // xor %eax,%eax; dec %eax; hlt
    const steps = trace('31 c0 ff c8 f4', { rax: 5n });
    expect(steps.map(({ number, registers, flags }) => [number, registers, flags])).toEqual([
      [1, [{ name: 'rax', before: 5n, after: 0n }], '+P+Z'],
      [2, [{ name: 'rax', before: 0n, after: 0xffff_ffffn }], '+A-Z+S'],
    ]);
  });

  it('tells what was read and written, the stack included', () => {
    // push %rax; pop %rbx; addl $1,0x100f00; hlt
    const steps = trace('50 5b 83 04 25 00 0f 10 00 01 f4', { rax: 0x1122n });
    expect(steps[0]!.accesses).toMatchObject([{ kind: 'write', address: 0x7fff_fff8n }]);
    expect(steps[1]!.accesses).toMatchObject([{ kind: 'read', address: 0x7fff_fff8n, after: null }]);
    expect(steps[1]!.accesses[0]!.before[1]).toBe(0x11);
    expect(steps[2]!.accesses).toMatchObject([
      { kind: 'update', address: 0x10_0f00n, after: Uint8Array.of(1, 0, 0, 0) },
    ]);
  });

  it('takes a repeated string instruction one element at a time, and no access for a count of zero', () => {
    // rep stos %al,(%rdi); hlt
    const steps = trace('f3 aa f4', { rax: 0x41n, rcx: 2n, rdi: BASE + 0x800n });
    expect(steps.map((step) => step.accesses.map((access) => access.address))).toEqual([
      [BASE + 0x800n],
      [BASE + 0x801n],
    ]);
    expect(trace('f3 aa f4', { rdi: BASE + 0x800n })[0]!.accesses).toEqual([]);
  });

  it('shows code that has just changed itself as it is now', () => {
    // movb $7,1(%rip); mov $1,%al; hlt
    const steps = trace('c6 05 01 00 00 00 07 b0 01 f4');
    expect(steps[1]!.insn.text).toBe('mov    $0x7,%al');
  });

  it('names x87 and vector registers', () => {
    const [fld1, movd] = trace('d9 e8 66 0f 6e c0 f4', { rax: 9n });
    expect(fld1!.registers.map(({ name }) => name)).toEqual(expect.arrayContaining(['fpr7', 'sw', 'tag']));
    expect(movd!.registers).toContainEqual({ name: 'xmm0', before: 0n, after: 9n });
  });

  it('watches a window of numbers or addresses and runs the rest', () => {
    const code = '90 90 90 90 f4';
    expect(trace(code, {}, { from: 2, to: 3, ranges: [] }).map(({ number }) => number)).toEqual([2, 3]);
    const inside = { from: 1, to: 9, ranges: [{ from: BASE + 1n, to: BASE + 2n }] };
    expect(trace(code, {}, inside).map(({ number }) => number)).toEqual([2]);
    expect(guest.machine.cpu.icount).toBe(4);
  });

  it('retires nothing where an exception is raised', () => {
    expect(trace('90 0f 0b')).toHaveLength(1);
  });
});

describe('text and JSON', () => {
  const names = Names.of([['start', BASE]]);
  const step = trace('90 89 04 25 00 0f 10 00 f4', { rax: 0x1234n })[1]!;

  it('is one line', () => {
    const line = stepLine(step, names).replace(/ {2,}/g, '  ').trim();
    expect(line).toBe(
      '2  0x100001  start+0x1  89 04 25 00 0f 10 00  mov  %eax,0x100f00  # 0x100f00 <start+0xf00>  [0x100f00]4=0x1234 (was 0x0)',
    );
  });

  it('is one object', () => {
    expect(JSON.parse(stepJson(step, names))).toEqual({
      n: 2,
      rip: '0x100001',
      symbol: 'start+0x1',
      bytes: '89042500' + '0f1000',
      text: 'mov    %eax,0x100f00        # 0x100f00 <start+0xf00>',
      registers: {},
      flags: '',
      reads: [],
      writes: [{ address: hex(0x10_0f00), segment: null, size: 4, value: '0x1234' }],
    });
  });
});
