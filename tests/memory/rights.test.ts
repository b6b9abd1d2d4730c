import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { ENGINE_NAMES, type EngineName } from '../../src/exec/engine.ts';
import { CR0, CR4, EFER } from '../../src/state/layout.ts';
import { FLAG } from '../../src/state/rflags.ts';
import { A, D, exitText, P, PS, RW, TestSpace, US, XD } from '../support/space.ts';

const CODE = 0x40_0000n;
const PAGE = 0x50_0000n;
const RAX = 0;
const RBX = 3;

const WP = 1n << 16n;
const NXE = 1n << 11n;
const SMEP = 1n << 20n;
const SMAP = 1n << 21n;

type Mode = 'wp' | 'smep' | 'smap' | 'ac' | 'no nxe';
type Access = 'read' | 'write' | 'fetch';

/** mov al,[rbx]; mov [rbx],al; jmp rbx */
const CODES: Readonly<Record<Access, string>> = { read: '8a 03 f4', write: '88 03 f4', fetch: 'ff e3' };

function prepare(engine: EngineName, cpl: 0 | 3, modes: readonly Mode[]): TestSpace {
  const s = new TestSpace(engine, { haltEnds: true });
  const { cpu, machine } = s;
  // The code itself must be fetchable whatever the mode: a supervisor page for CPL 0.
  s.map(CODE, cpl === 0 ? P | RW : P | RW | US);
  for (let level = 1; level <= 3; level++) s.setEntry(CODE, s.entry(CODE, level) | US, level);
  cpu.setU64(CR0, modes.includes('wp') ? cpu.u64(CR0) | WP : cpu.u64(CR0) & ~WP);
  cpu.setU64(CR4, cpu.u64(CR4) | (modes.includes('smep') ? SMEP : 0n) | (modes.includes('smap') ? SMAP : 0n));
  if (modes.includes('no nxe')) cpu.setU64(EFER, cpu.u64(EFER) & ~NXE);
  if (modes.includes('ac')) cpu.rflags |= FLAG.AC;
  machine.setPrivilege(cpl);
  machine.flushTlb();
  return s;
}

/** Does one access to the page at PAGE and says how it ended. */
function access(s: TestSpace, what: Access): string {
  s.write(CODE, parseHexBytes(CODES[what]));
  s.cpu.setGpr(RBX, PAGE);
  return exitText(s.run(CODE, 3)).replace(' at 0x500000', '');
}

// Supervisor and user, read-only and writable, executable and not.
const PAGES = { s: 0n, sw: RW, u: US, uw: US | RW, sx: XD, swx: RW | XD, ux: US | XD, uwx: US | RW | XD };
type Page = keyof typeof PAGES;

const ok = 'hlt';
const pf = (code: number): string => `#PF(${code})`;

/** The table of SDM 3A 4.6.1: access, mode, and what each page gives; x is XD. Error codes: 1 P, 2 W, 4 U, 16 I. */
// biome-ignore format: a table
const RIGHTS: readonly (readonly [cpl: 0 | 3, what: Access, modes: readonly Mode[], results: Partial<Record<Page, string>>])[] = [
  [3, 'read', [], { s: pf(5), sw: pf(5), u: ok, uw: ok, ux: ok, uwx: ok }],
  [3, 'write', [], { s: pf(7), sw: pf(7), u: pf(7), uw: ok, ux: pf(7), uwx: ok }],
  [3, 'fetch', [], { s: pf(0x15), sw: pf(0x15), u: ok, uw: ok, sx: pf(0x15), ux: pf(0x15), uwx: pf(0x15) }],
  [3, 'read', ['smep', 'smap', 'wp'], { s: pf(5), u: ok }],
  [0, 'read', [], { s: ok, sw: ok, u: ok, uw: ok, sx: ok, ux: ok }],
  [0, 'read', ['smap'], { s: ok, u: pf(1), uw: pf(1), ux: pf(1) }],
  [0, 'read', ['smap', 'ac'], { s: ok, u: ok, uw: ok }],
  [0, 'write', [], { s: ok, sw: ok, u: ok, uw: ok, sx: ok }],
  [0, 'write', ['wp'], { s: pf(3), sw: ok, u: pf(3), uw: ok, swx: ok, ux: pf(3) }],
  [0, 'write', ['smap'], { s: ok, u: pf(3), uw: pf(3) }],
  [0, 'write', ['smap', 'ac'], { s: ok, u: ok, uw: ok }],
  [0, 'write', ['smap', 'ac', 'wp'], { s: pf(3), u: pf(3), uw: ok }],
  [0, 'fetch', [], { s: ok, u: ok, sx: pf(0x11), ux: pf(0x11) }],
  [0, 'fetch', ['smep'], { s: ok, u: pf(0x11), uw: pf(0x11), sx: pf(0x11), ux: pf(0x11) }],
  [0, 'fetch', ['smap'], { s: ok, u: ok }],
  // I says «fetch» only while NXE or SMEP is on
  [3, 'fetch', ['no nxe'], { s: pf(5), u: ok }],
  [3, 'fetch', ['no nxe', 'smep'], { s: pf(0x15), u: ok }],
  [0, 'fetch', ['no nxe', 'smep'], { u: pf(0x11) }],
  // without NXE, XD is a reserved bit
  [3, 'read', ['no nxe'], { ux: pf(0xd), uwx: pf(0xd) }],
  [3, 'write', ['no nxe'], { uwx: pf(0xf) }],
  [0, 'read', ['no nxe'], { sx: pf(9) }],
  [0, 'fetch', ['no nxe'], { sx: pf(9) }],
];

describe.each(ENGINE_NAMES)('%s', (engine) => {
  describe('rights', () => {
    for (const [cpl, what, modes, results] of RIGHTS)
      for (const [page, expected] of Object.entries(results) as [Page, string][])
        test(`CPL ${cpl} ${what} ${modes.join(' ')}: page ${page} gives ${expected}`, () => {
          const s = prepare(engine, cpl, modes);
          const frame = s.map(PAGE, P | PAGES[page]);
          s.memory.write(frame, Uint8Array.of(0xf4));
          expect(access(s, what)).toBe(expected);
        });

    test('are combined over all levels', () => {
      for (let level = 1; level <= 3; level++) {
        for (const [drop, what, expected] of [
          [US, 'read', pf(5)],
          [RW, 'write', pf(7)],
        ] as const) {
          const s = prepare(engine, 3, []);
          // Its own tables at every level, so that the code keeps its rights.
          const far = 0x7000_0000_0000n;
          s.map(far);
          s.setEntry(far, s.entry(far, level) & ~drop, level);
          s.write(CODE, parseHexBytes(CODES[what]));
          s.cpu.setGpr(RBX, far);
          expect(exitText(s.run(CODE, 3))).toBe(`${expected} at 0x${far.toString(16)}`);
        }
        const s = prepare(engine, 3, []);
        const far = 0x7000_0000_0000n;
        s.map(far);
        s.setEntry(far, s.entry(far, level) | XD, level);
        s.write(CODE, parseHexBytes(CODES.fetch));
        s.cpu.setGpr(RBX, far);
        expect(exitText(s.run(CODE, 3))).toBe(`${pf(0x15)} at 0x${far.toString(16)}`);
      }
    });

    test('of a page that is not present do not matter', () => {
      for (const [cpl, what, expected] of [
        [3, 'read', 4],
        [3, 'write', 6],
        [3, 'fetch', 0x14],
        [0, 'read', 0],
        [0, 'write', 2],
        [0, 'fetch', 0x10],
      ] as const) {
        const s = prepare(engine, cpl, ['smap', 'smep', 'wp']);
        s.setEntry(PAGE, ~P & 0xffff_ffff_ffff_ffffn);
        expect(access(s, what)).toBe(pf(expected));
        const t = prepare(engine, cpl, []);
        t.map(0x7000_0000_0000n);
        t.setEntry(0x7000_0000_0000n, 0n, 2);
        t.write(CODE, parseHexBytes(CODES[what]));
        t.cpu.setGpr(RBX, 0x7000_0000_0000n);
        expect(exitText(t.run(CODE, 3))).toBe(`${pf(expected)} at 0x700000000000`);
      }
    });
  });

  describe('reserved bits', () => {
    const bad: readonly (readonly [name: string, level: number, bits: bigint])[] = [
      ['bit 51 of a PTE', 0, 1n << 51n],
      ['bit 40 of a PDE', 1, 1n << 40n],
      ['bit 45 of a PDPTE', 2, 1n << 45n],
      ['bit 50 of a PML4E', 3, 1n << 50n],
      ['PS of a PML4E', 3, PS],
      ['address bits of a 2 MiB page', 1, PS | (1n << 13n)],
      ['address bits of a 2 MiB page', 1, PS | (1n << 20n)],
      ['address bits of a 1 GiB page', 2, PS | (1n << 13n)],
      ['address bits of a 1 GiB page', 2, PS | (1n << 29n)],
    ];
    test.each(bad)('%s (%i)', (_, level, bits) => {
      const far = 0x7000_0000_0000n;
      const s = prepare(engine, 3, []);
      s.map(far);
      s.setEntry(far, (level > 0 && bits & PS && level < 3 ? 0n : s.entry(far, level)) | P | US | RW | bits, level);
      for (const [what, code] of [
        ['read', 0xd],
        ['write', 0xf],
        ['fetch', 0x1d],
      ] as const) {
        s.write(CODE, parseHexBytes(CODES[what]));
        s.cpu.setGpr(RBX, far);
        expect(exitText(s.run(CODE, 3))).toBe(`#PF(${code}) at 0x700000000000`);
      }
      // Those above it have been used, it has not.
      const marked = [3, 2, 1, 0].filter((n) => n > level).map((n) => s.entry(far, n) & A);
      expect(marked.every((bit) => bit === A)).toBe(true);
      if (!(level > 0 && bits & PS)) expect(s.entry(far, level) & A).toBe(0n);
    });

    test('bits that software may use are none', () => {
      const s = prepare(engine, 3, []);
      s.map(PAGE, P | US | RW | (7n << 9n) | (0x7ffn << 52n));
      expect(access(s, 'write')).toBe(ok);
    });
  });

  describe('addresses that are not canonical', () => {
    const cases: readonly (readonly [code: string, address: bigint, expected: string])[] = [
      ['8a 03', 0x8000_0000_0000n, '#GP(0)'],
      ['8a 03', 0xffff_7fff_ffff_ffffn, '#GP(0)'],
      ['8a 03', 0x7fff_ffff_ffffn, '#PF(4) at 0x7fffffffffff'],
      ['8a 03', 0xffff_8000_0000_0000n, '#PF(4) at 0xffff800000000000'],
      // the last byte counts
      ['48 8b 03', 0x7fff_ffff_fff9n, '#GP(0)'],
      ['0f 10 03', 0x7fff_ffff_fff1n, '#GP(0)'],
      ['48 89 03', 0x7fff_ffff_fff9n, '#GP(0)'],
      ['88 03', 0x8000_0000_0000_0000n, '#GP(0)'],
      // through SS
      ['8a 45 00', 0x8000_0000_0000n, '#SS(0)'],
      ['8a 04 24', 0x8000_0000_0000n, '#SS(0)'],
      ['50', 0x8000_0000_0008n, '#SS(0)'],
      ['58', 0x8000_0000_0000n, '#SS(0)'],
      ['c3', 0x8000_0000_0000n, '#SS(0)'],
      ['c9', 0x8000_0000_0000n, '#SS(0)'],
      ['65 8a 04 24', 0x8000_0000_0000n, '#GP(0)'],
      ['ff e3', 0x8000_0000_0000n, '#GP(0)'],
    ];
    test.each(cases)('%s with %i: %s', (code, address, expected) => {
      const s = prepare(engine, 3, []);
      s.write(CODE, parseHexBytes(code));
      for (const n of [RBX, 4, 5]) s.cpu.setGpr(n, address);
      expect(exitText(s.run(CODE, 3))).toBe(expected);
      expect(s.cpu.rip).toBe(CODE);
    });

    test('reached by running off the end of the lower half', () => {
      const last = 0x7fff_ffff_f000n;
      const s = prepare(engine, 3, []);
      s.map(last);
      s.write(last + 0xfffn, Uint8Array.of(0x90));
      expect(exitText(s.run(last + 0xfffn))).toBe('#GP(0)');
      expect(s.cpu.rip).toBe(0x8000_0000_0000n);
    });

    test('an access from the last byte to the first', () => {
      const s = prepare(engine, 3, []);
      s.map(0n);
      s.map(0xffff_ffff_ffff_f000n);
      s.write(0n, Uint8Array.of(0x22));
      s.write(0xffff_ffff_ffff_ffffn, Uint8Array.of(0x11));
      s.write(CODE, parseHexBytes('66 8b 03 f4'));
      s.cpu.setGpr(RBX, 0xffff_ffff_ffff_ffffn);
      expect(exitText(s.run(CODE))).toBe(ok);
      expect(s.cpu.gpr(RAX) & 0xffffn).toBe(0x2211n);
    });
  });

  describe('accessed and dirty bits', () => {
    const marks = (s: TestSpace, at: bigint): string =>
      [3, 2, 1, 0]
        .map((level) => `${s.entry(at, level) & A ? 'A' : '-'}${s.entry(at, level) & D ? 'D' : '-'}`)
        .join(' ');
    const far = 0x7000_0000_0000n;
    const touch = (s: TestSpace, code: string): string => {
      s.write(CODE, parseHexBytes(code));
      s.cpu.setGpr(RBX, far);
      return exitText(s.run(CODE, 3));
    };

    test('a read sets A at every level, a write D in the leaf', () => {
      const s = prepare(engine, 3, []);
      s.map(far);
      expect(marks(s, far)).toBe('-- -- -- --');
      touch(s, '8a 03 f4');
      expect(marks(s, far)).toBe('A- A- A- A-');
      touch(s, '88 03 f4');
      expect(marks(s, far)).toBe('A- A- A- AD');
    });

    test('a write sets both at once, and a fetch A', () => {
      const s = prepare(engine, 3, []);
      s.map(far);
      touch(s, '88 03 f4');
      expect(marks(s, far)).toBe('A- A- A- AD');
      const t = prepare(engine, 3, []);
      t.memory.write(t.map(far), Uint8Array.of(0xf4));
      touch(t, 'ff e3');
      expect(marks(t, far)).toBe('A- A- A- A-');
    });

    test('a read-modify-write sets D even where the comparison fails; TEST does not', () => {
      const s = prepare(engine, 3, []);
      s.map(far);
      touch(s, '84 03 f4');
      expect(marks(s, far)).toBe('A- A- A- A-');
      s.cpu.setGpr(RAX, 5n);
      touch(s, '0f b0 0b f4');
      expect(marks(s, far)).toBe('A- A- A- AD');
    });

    test('a refused access does not set D', () => {
      const s = prepare(engine, 3, []);
      s.map(far, P | US);
      expect(touch(s, '88 03 f4')).toContain('#PF(7)');
      expect(s.entry(far) & D).toBe(0n);
    });

    test('on the way to a table that is not there A is set', () => {
      const s = prepare(engine, 3, []);
      s.map(far);
      s.setEntry(far, 0n, 1);
      touch(s, '8a 03 f4');
      expect([3, 2].map((level) => s.entry(far, level) & A)).toEqual([A, A]);
    });

    test('large pages: the PDE or PDPTE is the leaf', () => {
      for (const [level, span] of [
        [1, 1n << 21n],
        [2, 1n << 30n],
      ] as const) {
        const s = prepare(engine, 3, []);
        s.setEntry(far, 0n | P | US | RW | PS, level);
        // Physical 0 on: offset 0x30_1008 of the page, all of whose bits below its size count.
        const offset = 0x30_1008n % span;
        s.memory.write(Number(offset), Uint8Array.of(0x5a));
        s.write(CODE, parseHexBytes('8a 03 fe 03 f4'));
        s.cpu.setGpr(RBX, far + offset);
        expect(exitText(s.run(CODE))).toBe(ok);
        expect(s.cpu.gpr(RAX) & 0xffn).toBe(0x5an);
        expect(s.memory.bytes(Number(offset), 1)[0]).toBe(0x5b);
        expect(s.entry(far, level) & (A | D)).toBe(A | D);
      }
    });
  });
});
