import { describe, expect, it, test } from 'vitest';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { ATTRIBUTE, FLAT, flatDescriptor, SEGMENT, SYSTEM_TYPE } from '../../src/state/descriptors.ts';
import * as L from '../../src/state/layout.ts';
import { AT, type Gate, KernelBed, SEL, word } from '../support/kernel-bed.ts';

const RF = 0x1_0000n;

describe.each(ENGINE_NAMES)('%s', (engine) => {
  const bed = (): KernelBed => new KernelBed(engine).boot();

  test('before LIDT an exception ends the run; behind it the handler runs', () => {
    const before = new KernelBed(engine);
    expect(before.run('0f 0b')).toMatchObject({ kind: 'fault', fault: { vector: 6 } });
    const b = bed();
    expect(b.ends('0f 0b')).toBe('#6');
    expect(b.frame(false)).toEqual({
      rip: BigInt(AT.code),
      cs: 0x10n,
      flags: 2n | RF,
      rsp: BigInt(AT.stack),
      ss: 0x18n,
    });
  });

  it.each([
    ['#DE', '31 c9 f7 f1', '#0', 2, RF],
    ['INT3', '90 cc', '#3', 2, 0n],
    ['INT 3', '90 cd 03', '#3', 3, 0n],
    ['INT 0x80', 'cd 80', '#128', 2, 0n],
    ['INT1', 'f1', '#1', 1, 0n],
    ['#PF', '48 a1 00 00 20 00 00 00 00 00', '#14(0)', 0, RF],
    ['#GP', '90 48 a1 00 00 00 00 00 00 00 80', '#13(0)', 1, RF],
    ['#SS', '48 bc 00 00 00 00 00 00 00 40 50', '#12(0)', 10, RF],
  ] as const)('%s: the saved RIP and RF', (_, code, ending, rip, rf) => {
    const b = bed();
    b.gate(12, { ist: 1 });
    expect(b.ends(code)).toBe(ending);
    const { rip: saved, flags } = b.frame(ending.includes('('));
    expect([saved, flags & RF]).toEqual([BigInt(AT.code + rip), rf]);
    expect(b.cpu.rflags & 0x1_0000).toBe(0);
  });

  test('CR2 holds the address of a page fault', () => {
    const b = bed();
    b.run('48 a1 08 00 20 00 00 00 00 00');
    expect(b.cpu.u64(L.CR2)).toBe(0x20_0008n);
  });

  test('the stack is aligned to 16 bytes whatever it was, and the error code stands below the frame', () => {
    const b = bed();
    b.cpu.setGpr(4, BigInt(AT.stack - 5));
    expect(b.ends('48 a1 00 00 20 00 00 00 00 00')).toBe('#14(0)');
    expect(b.cpu.gpr(4)).toBe(BigInt(AT.stack - 16 - 48));
    expect(b.frame(true).rsp).toBe(BigInt(AT.stack - 5));
  });

  test('an interrupt gate clears IF, a trap gate leaves it; TF, NT and RF are gone either way', () => {
    for (const [type, left] of [
      [SYSTEM_TYPE.interruptGate, 0x2],
      [SYSTEM_TYPE.trapGate, 0x202],
    ] as const) {
      const b = bed();
      b.gate(0x40, { type });
      b.cpu.rflags = 0x4202;
      expect(b.ends('cd 40')).toBe('#64');
      expect(b.cpu.rflags).toBe(left);
      expect(b.frame(false).flags).toBe(0x4202n);
    }
  });

  test('from CPL 3 to RSP0 with a null SS, and back by IRETQ', () => {
    const b = bed().level(3);
    b.put(AT.handlers + 16 * 0x40, '48 89 e3 48 cf');
    b.gate(0x40, { dpl: 3 });
    b.gate(3, { dpl: 3 });
    expect(b.ends('cd 40 cc')).toBe('#3');
    expect(b.cpu.gpr(3)).toBe(BigInt(AT.stack - 40));
    expect(b.frame(false)).toMatchObject({ rip: BigInt(AT.user + 3), cs: 0x33n, rsp: BigInt(AT.userStack), ss: 0x2bn });
    expect([b.cpu.selector(SEGMENT.SS), b.cpu.selector(SEGMENT.CS)]).toEqual([0, 0x10]);
  });

  test('the interrupt stack table counts at any level', () => {
    for (const level of [0, 3] as const) {
      const b = bed().level(level);
      b.gate(6, { ist: 1 });
      expect(b.ends('0f 0b')).toBe('#6');
      expect(b.cpu.gpr(4)).toBe(BigInt(AT.ist - 40));
      // Without a change of level SS stays.
      expect(b.cpu.selector(SEGMENT.SS)).toBe(level === 0 ? SEL.data : 0);
    }
  });

  test('to a conforming handler the level stays', () => {
    const b = bed().level(3);
    b.gate(0x40, { dpl: 3, selector: SEL.conforming, offset: AT.user + 0x100 });
    b.put(AT.user + 0x100, 'f4');
    expect(b.ends('cd 40')).toBe('hlt');
    expect([b.cpu.cpl, b.cpu.selector(SEGMENT.CS), b.cpu.gpr(4)]).toEqual([
      3,
      SEL.conforming | 3,
      BigInt(AT.userStack - 40),
    ]);
  });

  describe('software interrupts need the gate’s privilege', () => {
    it.each([
      ['int 5', 'cd 05', '#13(2a)', 0],
      ['int 0x20', 'cd 20', '#13(102)', 0],
      ['int3 without it', 'cc', '#13(1a)', 0],
      ['int1', 'f1', '#1', 1],
    ] as const)('%s from CPL 3', (_, code, ending, rip) => {
      const b = bed().level(3);
      expect(b.ends(code)).toBe(ending);
      expect(b.frame(ending !== '#1').rip).toBe(BigInt(AT.user + rip));
      expect(b.cpu.icount).toBe(4 + (ending === '#1' ? 1 : 0));
    });

    test('int3 and int 3 with a gate of level 3', () => {
      for (const code of ['cc', 'cd 03']) {
        const b = bed().level(3);
        b.gate(3, { dpl: 3 });
        expect(b.ends(code)).toBe('#3');
      }
    });
  });

  describe('checks of gate and handler', () => {
    const absent = (b: KernelBed): void => b.descriptor(SEL.free, flatDescriptor(FLAT.longCode(0) & ~ATTRIBUTE.P));
    type Row = [name: string, gate: Gate, software: string, exception: string, prepare?: (b: KernelBed) => void];
    const rows: Row[] = [
      ['an absent gate', { present: false }, '#11(402)', '#11(33)'],
      ['no gate', { type: 2 }, '#13(402)', '#13(33)'],
      ['a task gate', { type: 5 }, '#13(402)', '#13(33)'],
      ['a null selector', { selector: 0 }, '#13(0)', '#13(1)'],
      ['a selector beyond the table', { selector: 0x200 }, '#13(200)', '#13(201)'],
      ['a selector of the LDT that is not there', { selector: 0xc }, '#13(c)', '#13(d)'],
      ['data', { selector: SEL.data }, '#13(18)', '#13(19)'],
      ['code of an outer level', { selector: SEL.userCode }, '#13(30)', '#13(31)'],
      [
        '32-bit code',
        { selector: SEL.free },
        '#13(a0)',
        '#13(a1)',
        (b) => b.descriptor(SEL.free, flatDescriptor(FLAT.code32(0))),
      ],
      ['absent code', { selector: SEL.free }, '#11(a0)', '#11(a1)', absent],
      ['an offset that is not canonical', { offset: 1n << 62n }, '#13(0)', '#13(1)'],
    ];
    it.each<Row>(rows)('%s', (_, gate, software, exception, prepare) => {
      for (const [vector, code, ending] of [
        [0x80, 'cd 80', software],
        [6, '0f 0b', exception],
      ] as const) {
        const b = bed();
        prepare?.(b);
        b.gate(vector, gate);
        expect(b.ends(code)).toBe(ending);
        expect(b.frame(true).rip).toBe(BigInt(AT.code));
      }
    });

    test('beyond the table: #GP of the vector', () => {
      const b = bed();
      b.cpu.setU64(L.IDTR_LIMIT, 0x7ffn);
      expect(b.ends('cd 80')).toBe('#13(402)');
    });

    test('a vector in a page that is not there: #PF, a supervisor’s even from CPL 3', () => {
      const b = bed().level(3);
      b.cpu.setU64(L.IDTR_BASE, BigInt(AT.end - 0x100 * 8));
      for (const vector of [13, 14])
        for (const half of [0, 8]) b.write(AT.end - 0x800 + 16 * vector + half, b.read(AT.idt + 16 * vector + half));
      expect(b.ends('cd 80')).toBe('#14(0)');
    });
  });

  describe('double faults (SDM 3A table 6-5)', () => {
    /** Gates of these vectors are absent, so that their delivery is a contributory #NP. */
    const broken = (b: KernelBed, ...vectors: number[]): KernelBed => {
      for (const vector of vectors) b.gate(vector, { present: false });
      return b;
    };
    const DE = '31 c9 f7 f1';
    const UD = '0f 0b';
    const PF = '48 a1 00 00 20 00 00 00 00 00';
    /** The gate leads to a stack that is not mapped, so that its delivery is a page fault. */
    const stackless = (b: KernelBed, vector: number): KernelBed => {
      b.write(AT.tss + 44, BigInt(AT.end + 0x1000));
      b.gate(vector, { ist: 2 });
      return b;
    };

    it.each([
      ['benign, contributory: serial', (b: KernelBed) => broken(b, 6), UD, '#11(33)'],
      ['benign, page fault: serial', (b: KernelBed) => stackless(b, 6), UD, '#14(2)'],
      ['contributory, contributory: #DF', (b: KernelBed) => broken(b, 0), DE, '#8(0)'],
      ['contributory, page fault: serial', (b: KernelBed) => stackless(b, 0), DE, '#14(2)'],
      ['page fault, contributory: #DF', (b: KernelBed) => broken(b, 14), PF, '#8(0)'],
      ['page fault, page fault: #DF', (b: KernelBed) => stackless(b, 14), PF, '#8(0)'],
      ['#DF, contributory: shutdown', (b: KernelBed) => broken(b, 0, 8), DE, 'shutdown'],
      ['#DF, page fault: shutdown', (b: KernelBed) => stackless(broken(b, 0), 8), DE, 'shutdown'],
      ['three in a row: serial, then #DF', (b: KernelBed) => broken(stackless(b, 0), 14), DE, '#8(0)'],
    ] as const)('%s', (_, prepare, code, ending) => {
      const b = bed();
      prepare(b);
      expect(b.ends(code)).toBe(ending);
    });

    test('a bad RSP makes #SS, and without a stack for that #DF: on IST1 with six quadwords', () => {
      const b = bed();
      b.gate(8, { ist: 1 });
      expect(b.ends('48 bc 00 00 00 00 00 00 00 40 50')).toBe('#8(0)');
      expect(b.cpu.gpr(4)).toBe(BigInt(AT.ist - 48));
      expect(b.frame(true)).toMatchObject({ rip: BigInt(AT.code + 10), rsp: 0x4000_0000_0000_0000n });
    });

    test('the same without any IST ends the CPU, RIP on the instruction', () => {
      const b = bed();
      expect(b.ends('48 bc 00 00 00 00 00 00 00 40 50')).toBe('shutdown');
      expect(b.cpu.rip).toBe(BigInt(AT.code + 10));
    });
  });

  describe('supervisor-mode access prevention', () => {
    const SMAP = 1n << 21n;
    test('a new stack in a user page faults, whatever AC says', () => {
      const b = bed().level(3);
      b.write(AT.tss + 4, BigInt(AT.userData + 0x1000));
      b.cpu.setU64(L.CR4, b.cpu.u64(L.CR4) | SMAP);
      b.cpu.rflags = 0x4_0002;
      b.gate(14, { ist: 1 });
      b.machine.mmu.flushFast();
      expect(b.ends('0f 0b')).toBe('#14(3)');
    });
  });

  test('the descriptor table is read as the supervisor from CPL 3', () => {
    const b = bed().level(3);
    b.gate(3, { dpl: 3 });
    expect(b.ends('b8 2b 00 00 00 8e d8 cc')).toBe('#3');
  });

  test('LTR and descriptor stores in either order: the swapped build faults on the stale descriptor', () => {
    const store = `48 b9 67 00 00 20 01 89 00 00 48 89 0c 25 ${word(AT.gdt + SEL.free)}`;
    const ltr = '66 b8 a0 00 0f 00 d8';
    expect(bed().ends(`${store} ${ltr} f4`)).toBe('hlt');
    expect(bed().ends(`${ltr} ${store} f4`)).toBe('#13(a0)');
  });

  describe('single-stepping', () => {
    const TF = 0x100;
    /** A #DB handler that notes RIP of the frame at [rdi] and goes on. */
    const stepping = (code: string, prepare: (b: KernelBed) => void = () => {}) => {
      const b = bed();
      b.put(AT.handlers + 0x10, '50 48 8b 44 24 08 48 ab 58 48 cf');
      b.gate(2, { offset: AT.handlers + 32 });
      b.cpu.setGpr(7, BigInt(AT.data + 0x100));
      prepare(b);
      b.cpu.rflags = TF | 2;
      b.run(`${code} 9c 81 24 24 ff fe ff ff 9d f4`);
      const count = (Number(b.cpu.gpr(7)) - AT.data - 0x100) / 8;
      const traps = Array.from({ length: count }, (_, i) => Number(b.read(AT.data + 0x100 + 8 * i)) - AT.code);
      return { b, traps };
    };

    // Measured on an Intel CPU; behind each stands `pushfq; and dword [rsp],~TF; popfq`, 1, 7 and 1 bytes.
    it.each([
      ['nop; nop', '90 90', [1, 2]],
      ['mov ss and its shadow', '8c d0 8e d0 90 90', [2, 5, 6]],
      ['mov ss; mov ss', '8c d0 8e d0 8e d0 90', [2, 6, 7]],
      ['rep movsb of 4', 'b9 04 00 00 00 89 fe 90 f3 a4', [5, 7, 8, 8, 8, 8, 10]],
      ['rep movsb of none', 'b9 00 00 00 00 89 fe 90 f3 a4', [5, 7, 8, 10]],
      ['cpuid', '89 ff 0f a2 90', [2, 4, 5]],
      ['pushfq; pop rax', '9c 58 90', [1, 2, 3]],
      ['cld; nop', 'fc 90', [1, 2]],
      ['jmp', 'eb 01 90 90', [3, 4]],
      ['mov ds', '31 c0 8e d8 90 90', [2, 4, 5, 6]],
      ['call; pop', 'e8 00 00 00 00 58 90', [5, 6, 7]],
    ] as const)('%s', (_, code, traps) => {
      const length = code.split(' ').length;
      const moving = code.includes('f3 a4');
      const found = stepping(code, (b) => {
        if (moving)
          b.put(
            AT.handlers + 0x10,
            `50 48 8b 44 24 08 57 48 8b 3c 25 ${word(AT.data + 0x80)} 48 ab 48 89 3c 25 ${word(AT.data + 0x80)} 5f 58 48 cf`,
          );
        b.write(AT.data + 0x80, BigInt(AT.data + 0x100));
      });
      const last = moving
        ? Array.from(
            { length: (Number(found.b.read(AT.data + 0x80)) - AT.data - 0x100) / 8 },
            (_n, i) => Number(found.b.read(AT.data + 0x100 + 8 * i)) - AT.code,
          )
        : found.traps;
      expect(last).toEqual([...traps, length + 1, length + 8, length + 9]);
    });

    test('the frame has TF and no RF, DR6 has BS, and the handler runs without TF', () => {
      const b = bed();
      b.cpu.rflags = TF | 2;
      expect(b.ends('90 90')).toBe('#1');
      expect(b.frame(false).flags).toBe(0x102n);
      expect(b.cpu.u64(L.DR + 48)).toBe(0xffff_4ff0n);
      expect(b.cpu.rflags & TF).toBe(0);
    });

    test('INT n with TF goes to its handler without a trap; the trap comes behind what follows IRET', () => {
      const { traps } = stepping('90 cd 40 90', (b) => b.put(AT.handlers + 16 * 0x40, '48 cf'));
      expect(traps.slice(0, 3)).toEqual([1, 4, 5]);
    });
  });
});
