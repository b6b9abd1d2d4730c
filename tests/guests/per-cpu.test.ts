import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hex, parseHexBytes } from '../../src/bits/hex.ts';
import {
  AFTER_ADDRESS,
  AFTER_EXIT,
  BEFORE_ADDRESS,
  BEFORE_EXIT,
  CPUS,
  CURRENT_TASK,
  type Outcome,
  runExitWork,
  type Variant,
} from '../../src/cli/demo/exit-work.ts';
import { disassemble } from '../../src/decode/text.ts';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { BareGuest } from '../../src/machine/bare.ts';
import { Names } from '../../src/trace/names.ts';
import type { Step } from '../../src/trace/watcher.ts';
import { guestPath } from './expected.ts';

const blob = (name: string): Uint8Array => new Uint8Array(readFileSync(guestPath(`bare/${name}.bin`)));
const BEFORE: Variant = { address: BEFORE_ADDRESS, bytes: blob('syscall_exit_work_a'), exit: BEFORE_EXIT };
const AFTER: Variant = { address: AFTER_ADDRESS, bytes: blob('syscall_exit_work_b'), exit: AFTER_EXIT };

const isGsLoad = (step: Step): boolean =>
  step.accesses.some(({ kind, segment }) => kind === 'read' && segment === 'gs');
const gsLoads = ({ steps }: Outcome): Step[] => steps.filter(isGsLoad);
const offsets = (outcome: Outcome, variant: Variant): number[] =>
  gsLoads(outcome).map((step) => Number(step.insn.address - variant.address));
const names = Names.of([
  ['syscall_exit_work', AFTER_ADDRESS],
  ['pcpu_hot', CURRENT_TASK],
]);

describe.each(ENGINE_NAMES)('per-CPU reads under the %s', (engine) => {
  const guest = new BareGuest({ memory: 4 << 20, engine });
  const work = { work: 0x20n, flag: 0 };

  it.each(CPUS.map((cpu, n) => [n, cpu] as const))('CPU %i loads its own task by both encodings', (_, cpu) => {
    const [absolute] = gsLoads(runExitWork(guest, BEFORE, cpu, work));
    const [relative] = gsLoads(runExitWork(guest, AFTER, cpu, work));
    expect(hex(BigInt(`0x${Buffer.from(absolute!.insn.bytes).toString('hex')}`))).toBe('0x65488b042580ac0200');
    expect(absolute!.insn.bytes).toHaveLength(9);
    expect(relative!.insn.bytes).toHaveLength(8);
    expect(relative!.insn.address).toBe(0xffff_ffff_8111_cb82n);
    expect(relative!.insn.place).toBe(0x2ac80n);
    expect(absolute!.registers).toContainEqual({ name: 'rax', before: 0n, after: cpu.task });
    expect(relative!.registers).toContainEqual({ name: 'r12', before: 0n, after: cpu.task });
    for (const step of [absolute!, relative!]) {
      expect(step.accesses.map((access) => access.address)).toEqual([cpu.gsBase + 0x2ac80n]);
    }
  });

  describe.each(CPUS.map((cpu, n) => [n, cpu] as const))('on CPU %i', (_, cpu) => {
    it('inline assembly loads twice with the work bit set, and falls through with ZF', () => {
      const outcome = runExitWork(guest, BEFORE, cpu, work);
      expect(offsets(outcome, BEFORE)).toEqual([13, 35]);
      expect(outcome.steps.map((step) => Number(step.insn.address - BEFORE_ADDRESS))).toEqual([
        0, 1, 4, 5, 8, 11, 13, 22, 29, 35, 44,
      ]);
      expect(outcome.end).toBe(52n);
      expect(guest.machine.cpu.rflags & 0x40).toBe(0x40);
      expect(outcome.loaded).toEqual([cpu.task, cpu.task]);
    });

    it('inline assembly loads once with it clear: JE to +35', () => {
      const outcome = runExitWork(guest, BEFORE, cpu, { work: 0n, flag: 0 });
      expect(offsets(outcome, BEFORE)).toEqual([35]);
      expect(outcome.steps[5]!.insn.target).toBe(BEFORE_ADDRESS + 35n);
      expect(outcome.steps[6]!.insn.address).toBe(BEFORE_ADDRESS + 35n);
    });

    it('inline assembly takes JNE to ffffffff8111e22a when task+0x800 is set', () => {
      const outcome = runExitWork(guest, BEFORE, cpu, { work: 0x20n, flag: 1 });
      expect(guest.machine.cpu.rip).toBe(0xffff_ffff_8111_e22an);
      expect(offsets(outcome, BEFORE)).toEqual([13]);
    });

    it.each([0x20n, 0n])('the constant alias loads once with RSI = %x', (rsi) => {
      const outcome = runExitWork(guest, AFTER, cpu, { work: rsi, flag: 0 });
      expect(offsets(outcome, AFTER)).toEqual([2]);
      expect(outcome.end).toBe(47n);
      expect(guest.machine.cpu.rflags & 0x40).toBe(0x40);
    });

    it('the constant alias takes JNE to ffffffff8111cc7a when task+0x800 is set', () => {
      runExitWork(guest, AFTER, cpu, { work: 0x20n, flag: 1 });
      expect(guest.machine.cpu.rip).toBe(0xffff_ffff_8111_cc7an);
    });
  });
});

describe('the listing', () => {
  it('names the slot behind a RIP-relative load and behind an absolute one', () => {
    const relative = disassemble(AFTER.bytes.subarray(2), AFTER_ADDRESS + 2n);
    expect(names.annotate(relative)).toBe('mov    %gs:0x7ef0e0f6(%rip),%r12        # 0x2ac80 <pcpu_hot>');
    const absolute = disassemble(parseHexBytes('65 48 8b 04 25 80 ac 02 00'), BEFORE_ADDRESS + 13n);
    expect(names.annotate(absolute)).toBe('mov    %gs:0x2ac80,%rax        # 0x2ac80 <pcpu_hot>');
  });

  it('names the target of the branch', () => {
    const jne = disassemble(AFTER.bytes.subarray(32), AFTER_ADDRESS + 32n);
    expect(names.annotate(jne)).toBe('jne    ffffffff8111cc7a <syscall_exit_work+0xfa>');
  });
});
