import { describe, expect, it, test } from 'vitest';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { ATTRIBUTE, FLAT, flatDescriptor, SEGMENT, SYSTEM_TYPE } from '../../src/state/descriptors.ts';
import * as L from '../../src/state/layout.ts';
import { check, everyMnemonicOf } from '../support/check.ts';
import { AT, KernelBed, SEL, word } from '../support/kernel-bed.ts';

// The lines of a bare CPU: what user code may do, and what it is refused.
const UMIP = { cr4: 0x1_0eb0n };
check('0f 01 10', 'lgdt [rax]', [{}, { fault: '#GP(0)' }]);
check('0f 01 18', 'lidt [rax]', [{}, { fault: '#GP(0)' }]);
check('0f 00 d0', 'lldt ax', [{}, { fault: '#GP(0)' }]);
check('0f 00 d8', 'ltr ax', [{}, { fault: '#GP(0)' }]);
for (const [code, text] of [
  ['0f 01 00', 'sgdt [rax]'],
  ['0f 01 08', 'sidt [rax]'],
  ['0f 00 c0', 'sldt eax'],
  ['0f 00 c8', 'str eax'],
  ['0f 01 e0', 'smsw eax'],
] as const)
  check(code, text, [UMIP, { fault: '#GP(0)' }], { machine: 'CR4.UMIP' });
check('0f 00 c0', 'sldt eax', [{ rax: 0xffff_ffff_ffff_ffffn }, { rax: 0n }], { machine: 'the descriptor table' });
check('0f 00 c8', 'str eax', [{ rax: 0xffff_ffff_ffff_ffffn }, { rax: 0n }], { machine: 'the descriptor table' });
check('48 0f 01 e0', 'smsw rax', [{}, { rax: 0x8005_0033n }], { machine: 'CR0' });
check('0f 01 e0', 'smsw eax', [{ rax: 0xffff_ffff_ffff_ffffn }, { rax: 0x8005_0033n }], { machine: 'CR0' });
check('66 0f 01 e0', 'smsw ax', [{ rax: 0xffff_ffff_ffff_ffffn }, { rax: 0xffff_ffff_ffff_0033n }], { machine: 'CR0' });
check('0f 02 c1', 'lar eax,ecx', [{ rcx: 0x2bn }, { rax: 0xcff300n, zf: 1 }], { machine: 'the descriptor table' });
check(
  '66 0f 02 c1',
  'lar ax,cx',
  [
    { rax: -1n, rcx: 0x33n },
    { rax: 0xffff_ffff_ffff_fb00n, zf: 1 },
  ],
  { machine: 'the descriptor table' },
);
check('0f 02 c1', 'lar eax,ecx', [{ rax: -1n, rcx: 0x10n }, { zf: 0 }], { machine: 'the descriptor table' });
check('0f 03 c1', 'lsl eax,ecx', [{ rcx: 0x2bn }, { rax: 0xffff_ffffn, zf: 1 }], { machine: 'the descriptor table' });
check('0f 03 c1', 'lsl eax,ecx', [{ rcx: 0x7bn }, { rax: 0n, zf: 1 }], { machine: 'the number of the CPU' });
check('0f 03 c1', 'lsl eax,ecx', [{ rax: 5n, rcx: 0n }, { zf: 0 }]);
check('0f 00 e1', 'verr cx', [{ rcx: 0x33n }, { zf: 1 }]);
check('0f 00 e9', 'verw cx', [{ rcx: 0x33n }, { zf: 0 }]);
check('0f 00 e9', 'verw cx', [{ rcx: 0x2bn }, { zf: 1 }]);
check('0f 00 e1', 'verr cx', [{ rcx: 0x1234n }, { zf: 0 }]);

describe.each(ENGINE_NAMES)('%s', (engine) => {
  const bed = (): KernelBed => new KernelBed(engine);
  const load = (selector: number): string => `66 b8 ${word(selector).slice(0, 5)}`;

  test('LGDT and LIDT take ten bytes, and SGDT and SIDT give them back', () => {
    const b = bed();
    b.run(
      `0f 01 14 25 ${word(AT.data)} 0f 01 1c 25 ${word(AT.data + 16)} 0f 01 04 25 ${word(AT.data + 32)} 0f 01 0c 25 ${word(AT.data + 48)} f4`,
    );
    for (const [from, to] of [
      [0, 32],
      [16, 48],
    ] as const)
      expect([...b.memory.bytes(AT.data + to, 10)]).toEqual([...b.memory.bytes(AT.data + from, 10)]);
    expect(b.cpu.view.getUint8(L.GUEST_IDT)).toBe(1);
  });

  test('LGDT with a base that is not canonical is #GP(0)', () => {
    const b = bed().boot();
    b.write(AT.data + 34, 0x8000_0000_0000n);
    expect(b.ends(`0f 01 14 25 ${word(AT.data + 32)}`)).toBe('#13(0)');
  });

  test('SGDT over a page end writes nothing where the second page is not there', () => {
    const b = bed().boot();
    b.tables.unmap(AT.data + 0x1000);
    b.machine.flushTlb();
    expect(b.ends(`0f 01 04 25 ${word(AT.data + 0xff8)}`)).toBe('#14(2)');
    expect(b.read(AT.data + 0xff8)).toBe(0n);
  });

  describe('LTR', () => {
    test('marks the descriptor busy in memory and loads the hidden part', () => {
      const b = bed();
      b.run(`0f 01 14 25 ${word(AT.data)} b8 40 00 00 00 0f 00 d8 f4`);
      expect(b.tr).toBe(0x40);
      expect(b.memory.bytes(AT.gdt + 0x45, 1)[0]).toBe(0x8b);
      expect(b.cpu.segment(SEGMENT.TR)).toEqual({ base: BigInt(AT.tss), limit: 0x67, attributes: 0x8b });
    });

    test('takes all 64 bits of the base', () => {
      const b = bed().boot();
      b.system(SEL.free, 0x89, 0xffff_8000_1234_5678n, 0x67);
      b.run(`${load(SEL.free)} 0f 00 d8 f4`);
      expect(b.cpu.segment(SEGMENT.TR).base).toBe(0xffff_8000_1234_5678n);
    });

    it.each([
      ['a busy one', 0x40, '#13(40)', () => {}],
      ['null', 0x3, '#13(0)', () => {}],
      ['an LDT selector', 0x44, '#13(44)', () => {}],
      ['beyond the table', 0x100, '#13(100)', () => {}],
      ['half beyond the table', 0xf8, '#13(f8)', (b: KernelBed) => b.descriptor(0xf8, 0x89n << 40n)],
      ['an LDT', 0x50, '#13(50)', () => {}],
      ['a 16-bit TSS', SEL.free, '#13(a0)', (b: KernelBed) => b.system(SEL.free, 0x81, 0n, 0x67)],
      ['absent', SEL.free, '#11(a0)', (b: KernelBed) => b.system(SEL.free, 0x09, 0n, 0x67)],
      [
        'with a type in its upper half',
        SEL.free,
        '#13(a0)',
        (b: KernelBed) => {
          b.system(SEL.free, 0x89, 0n, 0x67);
          b.write(AT.gdt + SEL.free + 8, 1n << 40n);
        },
      ],
      [
        'with a base that is not canonical',
        SEL.free,
        '#13(a0)',
        (b: KernelBed) => b.system(SEL.free, 0x89, 1n << 60n, 0x67),
      ],
      [
        'in a page that may not be written',
        SEL.free,
        '#14(3)',
        (b: KernelBed) => {
          b.system(SEL.free, 0x89, 0n, 0x67);
          b.tables.protect(AT.gdt, { write: false, execute: false, user: false });
          b.machine.flushTlb();
        },
      ],
    ] as const)('%s', (_, selector, ending, prepare) => {
      const b = bed().boot();
      prepare(b);
      expect(b.ends(`${load(selector)} 0f 00 d8 f4`)).toBe(ending);
      expect(b.tr).toBe(SEL.tss);
    });

    test('at CPL 3 is #GP(0)', () => {
      expect(bed().boot().level(3).ends('0f 00 d8')).toBe('#13(0)');
    });
  });

  describe('LLDT', () => {
    test('makes selectors with TI name its descriptors', () => {
      const b = bed().boot();
      b.write(AT.ldt + 8, flatDescriptor(FLAT.data(0)));
      expect(b.ends(`${load(SEL.ldt)} 0f 00 d0 ${load(0xc)} 8e d8 ${load(0x24)} 8e d8`)).toBe('#13(24)');
      expect(b.cpu.selector(SEGMENT.DS)).toBe(0xc);
    });

    test('null makes the table unusable', () => {
      expect(
        bed()
          .boot()
          .ends(`31 c0 0f 00 d0 ${load(0xc)} 8e d8`),
      ).toBe('#13(c)');
    });

    test('of a TSS is #GP', () => {
      expect(
        bed()
          .boot()
          .ends(`${load(SEL.tss)} 0f 00 d0`),
      ).toBe('#13(40)');
    });
  });

  describe('loading a segment register', () => {
    it.each([
      ['data', SEL.data, 'hlt'],
      ['null', 0, 'hlt'],
      ['read-only data', SEL.readOnly, 'hlt'],
      ['readable code', SEL.code, 'hlt'],
      ['user data', SEL.userData, 'hlt'],
      ['execute-only code', SEL.executeOnly, '#13(88)'],
      ['absent', SEL.absent, '#11(90)'],
      ['a system segment', SEL.tss, '#13(40)'],
      ['more RPL than DPL', SEL.data | 3, '#13(18)'],
      ['beyond the table', 0x1238, '#13(1238)'],
    ] as const)('MOV DS: %s', (_, selector, ending) => {
      expect(
        bed()
          .boot()
          .ends(`${load(selector)} 8e d8 f4`),
      ).toBe(ending);
    });

    it.each([
      ['data', SEL.data, 'hlt'],
      ['null', 0, 'hlt'],
      ['null with another RPL', 3, '#13(0)'],
      ['read-only data', SEL.readOnly, '#13(80)'],
      ['code', SEL.code, '#13(10)'],
      ['user data', SEL.userData, '#13(28)'],
      ['absent', SEL.absent, '#12(90)'],
    ] as const)('MOV SS: %s', (_, selector, ending) => {
      expect(
        bed()
          .boot()
          .ends(`${load(selector)} 8e d0 f4`),
      ).toBe(ending);
    });

    test('sets the accessed bit in memory, and only where it is clear', () => {
      const b = bed().boot();
      b.descriptor(SEL.free, flatDescriptor(FLAT.data(0) & ~ATTRIBUTE.ACCESSED));
      b.run(`${load(SEL.free)} 8e d8 f4`);
      expect(b.read(AT.gdt + SEL.free)).toBe(flatDescriptor(FLAT.data(0)));
      b.descriptor(SEL.free, flatDescriptor(FLAT.data(0) & ~ATTRIBUTE.ACCESSED));
      b.tables.protect(AT.gdt, { write: false, execute: false, user: false });
      b.machine.flushTlb();
      expect(b.ends(`${load(SEL.data)} 8e d8 ${load(SEL.free)} 8e d8 f4`)).toBe('#14(3)');
      expect(b.cpu.selector(SEGMENT.DS)).toBe(SEL.data);
    });

    test('FS and GS take 32 bits of base, a null selector none', () => {
      const b = bed().boot();
      b.descriptor(SEL.free, flatDescriptor(FLAT.data(0)) | (0x1234_56n << 16n) | (0xf8n << 56n));
      b.cpu.setU64(L.GS_BASE, ~0n & ((1n << 64n) - 1n));
      b.run(`${load(SEL.free)} 8e e0 31 c0 8e e8 f4`);
      expect(b.cpu.u64(L.FS_BASE)).toBe(0xf812_3456n);
      expect(b.cpu.u64(L.GS_BASE)).toBe(0n);
    });

    test('LSS, LFS and LGS load a register and a segment, or neither', () => {
      const b = bed().boot();
      b.write(AT.data + 64, 0x1122_3344_5566_7788n);
      b.write(AT.data + 72, BigInt(SEL.data));
      expect(b.ends(`48 0f b2 1c 25 ${word(AT.data + 64)} 0f b4 0c 25 ${word(AT.data + 68)} f4`)).toBe('hlt');
      expect(b.cpu.gpr(3)).toBe(0x1122_3344_5566_7788n);
      expect(b.cpu.gpr(1)).toBe(0x1122_3344n);
      b.write(AT.data + 72, BigInt(SEL.readOnly));
      expect(b.ends(`48 0f b2 0c 25 ${word(AT.data + 64)} f4`)).toBe('#13(80)');
      expect(b.cpu.gpr(1)).toBe(0x1122_3344n);
      expect(b.ends(`48 0f b5 1c 25 ${word(AT.data + 64)} f4`)).toBe('hlt');
      expect(b.cpu.selector(SEGMENT.GS)).toBe(SEL.readOnly);
    });

    test('POP FS and GS in both widths; PUSH FS zero-extends', () => {
      const b = bed().boot();
      b.run('6a 18 0f a1 66 6a 00 66 0f a9 0f a0 5b f4');
      expect([b.cpu.selector(SEGMENT.FS), b.cpu.selector(SEGMENT.GS), b.cpu.gpr(3)]).toEqual([
        SEL.data,
        0,
        BigInt(SEL.data),
      ]);
      expect(b.cpu.gpr(4)).toBe(BigInt(AT.stack));
    });
  });

  describe('LAR and LSL look at system segments too', () => {
    it.each([
      ['lar eax,ecx: TSS', '0f 02 c1', SEL.tss, 0x8b00n],
      ['lsl eax,ecx: TSS', '0f 03 c1', SEL.tss, 0x67n],
      ['lsl eax,ecx: LDT', '0f 03 c1', SEL.ldt, 0x1fn],
      ['lar eax,ecx: absent', '0f 02 c1', SEL.absent, 0xcf1300n],
      ['lar eax,ecx: conforming code', '0f 02 c1', SEL.conforming | 3, 0xaf9f00n],
    ] as const)('%s', (_, code, selector, value) => {
      const b = bed().boot();
      b.run(`66 b9 ${word(selector).slice(0, 5)} ${code} f4`);
      expect(b.cpu.gpr(0)).toBe(value);
      expect(b.cpu.rflags & 0x40).toBe(0x40);
    });

    test('but not at gates of the IDT’s kinds', () => {
      const b = bed().boot();
      b.system(SEL.free, 0x80 | SYSTEM_TYPE.interruptGate, 0n, 0);
      b.run(`66 b9 ${word(SEL.free).slice(0, 5)} 0f 02 c1 f4`);
      expect(b.cpu.rflags & 0x40).toBe(0);
    });
  });
});

// Mnemonics whose lines stand above as programs.
check('48 0f b2 18', 'lss rbx,[rax]', [{ rax: 0n }, { fault: '#PF(4)' }]);
check('0f b4 18', 'lfs ebx,[rax]', [{ rax: 0n }, { fault: '#PF(4)' }]);
check('0f b5 18', 'lgs ebx,[rax]', [{ rax: 0n }, { fault: '#PF(4)' }]);
everyMnemonicOf('segments');
