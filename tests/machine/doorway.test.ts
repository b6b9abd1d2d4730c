import { describe, expect, it, test } from 'vitest';
import { lateStore, lateStoreText } from '../../src/debug/late-store.ts';
import { ENGINE_NAMES, type EngineName } from '../../src/exec/engine.ts';
import type { MachineOptions } from '../../src/machine/machine.ts';
import type { Platform } from '../../src/machine/platform.ts';
import { SEGMENT } from '../../src/state/descriptors.ts';
import * as L from '../../src/state/layout.ts';
import { AT, KernelBed, SEL, word } from '../support/kernel-bed.ts';

// mov $0x40,%eax; ltr %ax
const LTR = 'b8 40 00 00 00 0f 00 d8';
const DE = '31 c9 f7 f1';
const PF = '48 a1 00 00 20 00 00 00 00 00';
const UD = '0f 0b';
// mov $0x4000000000000000,%rsp; push %rax
const BAD_STACK = '48 bc 00 00 00 00 00 00 00 40 50';
/** A quadword as hexadecimal bytes. */
const quad = (value: bigint): string => `${word(Number(value & 0xffff_ffffn))} ${word(Number(value >> 32n))}`;
const wrmsr = (number: number, high: number, low: number): string =>
  `b9 ${word(number)} ba ${word(high)} b8 ${word(low)} 0f 30`;

/** A kernel with its tables but without a task register yet. */
function early(engine: EngineName, options: MachineOptions = {}): KernelBed {
  const b = new KernelBed(engine, options);
  b.run(`0f 01 14 25 ${word(AT.data)} 0f 01 1c 25 ${word(AT.data + 16)} f4`);
  return b;
}
/** A GDT whose descriptor of the task-state segment is not yet there. */
function withoutTss(b: KernelBed): KernelBed {
  for (const half of [0, 8]) b.write(AT.gdt + SEL.tss + half, 0n);
  return b;
}

describe.each(ENGINE_NAMES)('%s', (engine) => {
  test('LTR: the selector, all 64 bits of the base, and the descriptor busy in memory', () => {
    const b = early(engine);
    b.system(SEL.tss, 0x89, 0xffff_8881_7700_3000n, 0x206f);
    expect(b.ends(`${LTR} f4`)).toBe('hlt');
    expect(b.tr).toBe(0x40);
    expect(b.memory.bytes(AT.gdt + 0x45, 1)[0]).toBe(0x8b);
    expect(b.cpu.segment(SEGMENT.TR)).toEqual({ base: 0xffff_8881_7700_3000n, limit: 0x206f, attributes: 0x8b });
  });

  describe('LTR refuses', () => {
    const load = (selector: number): string => `b8 ${word(selector)} 0f 00 d8`;
    it.each([
      ['what is busy, as behind a first LTR', `${LTR} ${LTR}`, '#13(40)', () => {}],
      ['null', load(0), '#13(0)', () => {}],
      ['null with an RPL', load(3), '#13(0)', () => {}],
      ['the LDT', load(0x44), '#13(44)', () => {}],
      ['what lies beyond the table', load(0x100), '#13(100)', () => {}],
      ['what lies half beyond the table', load(0xf8), '#13(f8)', () => {}],
      ['type 2, an LDT', LTR, '#13(40)', (b: KernelBed) => b.system(SEL.tss, 0x82, 0n, 0x67)],
      ['absent', LTR, '#11(40)', (b: KernelBed) => b.system(SEL.tss, 0x09, 0n, 0x67)],
      ['a type in the upper half', LTR, '#13(40)', (b: KernelBed) => b.write(AT.gdt + SEL.tss + 8, 1n << 44n)],
      [
        'a table that may not be written: #PF, P and W',
        LTR,
        '#14(3)',
        (b: KernelBed) => {
          b.tables.protect(AT.gdt, { write: false, execute: false, user: false });
          b.machine.flushTlb();
        },
      ],
    ] as const)('%s', (_, code, ending, prepare) => {
      const b = early(engine);
      prepare(b);
      expect(b.ends(code)).toBe(ending);
      if (ending === '#14(3)') expect(b.cpu.u64(L.CR2) & ~7n).toBe(BigInt(AT.gdt + SEL.tss));
    });

    test('CPL 3', () => expect(new KernelBed(engine).boot().level(3).ends(LTR)).toBe('#13(0)'));

    test('no such table where CR0.WP is clear', () => {
      const b = early(engine);
      b.tables.protect(AT.gdt, { write: false, execute: false, user: false });
      b.machine.flushTlb();
      // mov %cr0,%rax; btr $16,%rax; mov %rax,%cr0
      expect(b.ends(`0f 20 c0 48 0f ba f0 10 0f 22 c0 ${LTR} f4`)).toBe('hlt');
    });
  });

  describe('descriptor stores and LTR without a "memory" clobber', () => {
    // movabs $DESCRIPTOR,%rcx, and mov %rcx,GDT+0x40
    const value = `48 b9 ${quad(0x0000_8901_2000_0067n)}`;
    const store = `48 89 0c 25 ${word(AT.gdt + SEL.tss)}`;

    test('in the order in which they are written', () => {
      const b = withoutTss(early(engine));
      expect(b.ends(`${value} ${store} ${LTR} f4`)).toBe('hlt');
      expect([b.tr, b.cpu.segment(SEGMENT.TR).base]).toEqual([0x40, BigInt(AT.tss)]);
    });

    it.each([
      ['a stale zero descriptor', 0n, '#13(40)'],
      ['a stale absent one', 0x0000_0900_0000_0067n, '#11(40)'],
    ] as const)('swapped as a compiler may: %s', (_, stale, ending) => {
      const b = withoutTss(early(engine));
      b.write(AT.gdt + SEL.tss, stale);
      const reports: string[] = [];
      b.machine.onException = () => {
        const found = lateStore(b.memory, b.cpu);
        if (found !== null) reports.push(lateStoreText(found));
      };
      expect(b.ends(`${value} ${LTR} ${store} f4`)).toBe(ending);
      expect(reports).toEqual([
        'LTR reads 16 B written 1 insn later: the descriptor at 0x10040, by 0x20012 mov %rcx,0x10040',
      ]);
    });

    test('nothing is said of a store elsewhere, behind a branch, or of another exception', () => {
      const b = withoutTss(early(engine));
      const found: unknown[] = [];
      b.machine.onException = () => void found.push(lateStore(b.memory, b.cpu));
      b.ends(`${value} ${LTR} 48 89 0c 25 ${word(AT.gdt + 0x50)} f4`);
      b.ends(`${value} ${LTR} eb 00 ${store} f4`);
      b.ends(`${value} ${UD} ${store} f4`);
      expect(found).toEqual([null, null, null]);
    });
  });

  describe('the interrupt stack table', () => {
    test('before it is set up a double fault is a triple fault', () => {
      const b = withoutTss(early(engine));
      b.gate(8, { ist: 1 });
      expect(b.ends(BAD_STACK)).toBe('shutdown');
      expect(b.cpu.rip).toBe(BigInt(AT.code + 10));
    });

    test('behind the store to TSS+0x24 its handler runs there: RSP a multiple of 16, six quadwords', () => {
      const b = new KernelBed(engine);
      b.write(AT.tss + 0x24, 0n);
      b.boot();
      b.gate(8, { ist: 1 });
      // movabs $IST+5,%rcx; mov %rcx,TSS+0x24: what is no multiple of 16 is rounded down
      const setUp = `48 b9 ${quad(BigInt(AT.ist + 5))} 48 89 0c 25 ${word(AT.tss + 0x24)}`;
      expect(b.ends(`${setUp} ${BAD_STACK}`)).toBe('#8(0)');
      expect(b.cpu.gpr(4)).toBe(BigInt(AT.ist - 6 * 8));
      expect(b.frame(true)).toMatchObject({ cs: 0x10n, rsp: 0x4000_0000_0000_0000n, ss: 0x18n });
    });
  });

  describe('an exception in the delivery of another', () => {
    const FIRST = { benign: [6, UD], contributory: [0, DE], 'page fault': [14, PF], '#DF': [0, DE] } as const;
    /** Makes the delivery of a vector fail: its gate is absent (#NP), or its stack is not mapped (#PF). */
    const fails = (b: KernelBed, vector: number, how: 'contributory' | 'page fault'): void => {
      if (how === 'contributory') return b.gate(vector, { present: false });
      b.write(AT.tss + 44, BigInt(AT.end + 0x1000));
      b.gate(vector, { ist: 2 });
    };
    it.each([
      ['benign', 'contributory', '#11(33)'],
      ['benign', 'page fault', '#14(2)'],
      ['contributory', 'contributory', '#8(0)'],
      ['contributory', 'page fault', '#14(2)'],
      ['page fault', 'contributory', '#8(0)'],
      ['page fault', 'page fault', '#8(0)'],
      ['#DF', 'contributory', 'shutdown'],
      ['#DF', 'page fault', 'shutdown'],
    ] as const)('%s, then %s: %s', (first, second, ending) => {
      const b = new KernelBed(engine).boot();
      const [vector, code] = FIRST[first];
      if (first === '#DF') {
        fails(b, vector, 'contributory');
        fails(b, 8, second);
      } else fails(b, vector, second);
      expect(b.ends(code)).toBe(ending);
    });

    it.each(['benign', 'contributory', 'page fault', '#DF'] as const)(
      '%s, then a benign one: one after the other',
      (first) => {
        const [vector, code] = FIRST[first];
        const taken = first === '#DF' ? 8 : vector;
        let waits = true;
        let rip = (): bigint => 0n;
        // An NMI that comes while the first one is delivered.
        const handler = BigInt(AT.handlers + 16 * taken);
        const takeNmi = (): number => {
          waits = false;
          return 2;
        };
        const platform = { ...SILENT, nmiWaits: () => waits && rip() === handler, takeNmi };
        const b = new KernelBed(engine, { platform });
        rip = () => b.cpu.rip;
        b.boot();
        if (first === '#DF') fails(b, 0, 'contributory');
        expect(b.ends(code)).toBe('#2');
        expect(b.frame(false).rip).toBe(handler);
      },
    );
  });

  describe('software interrupts of CPL 3', () => {
    it.each([
      ['INT 5, a gate of level 0', 'cd 05', '#13(2a)'],
      ['INT 0x20', 'cd 20', '#13(102)'],
      ['INT3, a gate of level 3', 'cc', '#3'],
      ['INT 3', 'cd 03', '#3'],
    ])('%s', (_, code, ending) => {
      const b = new KernelBed(engine).boot().level(3);
      b.gate(3, { dpl: 3 });
      expect(b.ends(code)).toBe(ending);
    });
  });

  describe('SWAPGS, SYSCALL and SYSRET', () => {
    const ENTRY = 0x2_4000;
    const USER_GS = 0x7f00_0000_1000n;
    const KERNEL_GS = 0xffff_9947_63f0_0000n;
    const FMASK = 0x25_7fd5;
    /** Every flag that a user may have but TF. */
    const USER_FLAGS = 0x24_4ed7;
    const linux = (): KernelBed => {
      const b = new KernelBed(engine).boot();
      const gs = (n: number, base: bigint): string => wrmsr(n, Number(base >> 32n), Number(base & 0xffff_ffffn));
      const star = wrmsr(0xc000_0081, 0x0023_0010, 0);
      const entry = `${star} ${wrmsr(0xc000_0082, 0, ENTRY)} ${wrmsr(0xc000_0084, 0, FMASK)}`;
      const sce = wrmsr(0xc000_0080, 0, 0xd01);
      expect(b.ends(`${sce} ${entry} ${gs(0xc000_0101, USER_GS)} ${gs(0xc000_0102, KERNEL_GS)} f4`)).toBe('hlt');
      return b;
    };
    const bases = ({ cpu }: KernelBed): bigint[] => [cpu.u64(L.GS_BASE), cpu.u64(L.KERNEL_GS_BASE)];

    test('from user to kernel to user', () => {
      const b = linux().level(3);
      b.cpu.rflags = USER_FLAGS;
      // swapgs; hlt: stops in the kernel, and goes on with swapgs; sysretq
      b.put(ENTRY, '0f 01 f8 f4 0f 01 f8 48 0f 07');
      expect(b.ends('90 0f 05 cc')).toBe('hlt');
      const { cpu } = b;
      expect([cpu.gpr(1), cpu.gpr(11)]).toEqual([BigInt(AT.user + 3), BigInt(USER_FLAGS)]);
      expect([cpu.selector(SEGMENT.CS), cpu.selector(SEGMENT.SS), cpu.cpl]).toEqual([0x10, 0x18, 0]);
      expect(cpu.rflags).toBe((USER_FLAGS & ~FMASK) | 2);
      expect(cpu.gpr(4)).toBe(BigInt(AT.userStack));
      expect(bases(b)).toEqual([KERNEL_GS, USER_GS]);
      b.gate(3, { dpl: 3 });
      cpu.rip = BigInt(ENTRY + 4);
      expect(b.ending(b.machine.run(100))).toBe('#3');
      expect(b.frame(false)).toEqual({
        rip: BigInt(AT.user + 4),
        cs: 0x33n,
        flags: BigInt(USER_FLAGS),
        rsp: BigInt(AT.userStack),
        ss: 0x2bn,
      });
      expect(bases(b)).toEqual([USER_GS, KERNEL_GS]);
    });

    test('SYSRET with RCX = 0x800000000000 is #GP(0) at CPL 0, on the user’s stack if that is what RSP holds', () => {
      const b = linux();
      const code = `48 bc ${quad(BigInt(AT.userStack))} 48 b9 ${quad(0x8000_0000_0000n)} 48 0f 07`;
      expect(b.ends(code)).toBe('#13(0)');
      expect(b.cpu.cpl).toBe(0);
      expect(b.frame(true)).toMatchObject({
        rip: BigInt(AT.code + 20),
        cs: 0x10n,
        rsp: BigInt(AT.userStack),
        ss: 0x18n,
      });
    });
  });
});

/** Nothing stands around the CPU. */
const SILENT: Platform = {
  cpuid: (_leaf, _subleaf, own) => own,
  now: (icount) => BigInt(icount),
  interruptWaits: () => false,
  monitor: () => {},
  mwait: () => false,
  takeInterrupt: () => 0,
  nmiWaits: () => false,
  takeNmi: () => 2,
  portIn: () => 0xffff_ffff,
  portOut: () => false,
  readMsr: () => null,
  writeMsr: () => false,
  memoryRead: (_physical, size) => BigInt.asUintN(8 * size, -1n),
  memoryWrite: () => {},
};
