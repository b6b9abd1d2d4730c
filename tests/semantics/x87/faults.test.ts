import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../../src/bits/hex.ts';
import { DATA, READ_ONLY } from '../../../src/oracle/layout.ts';
import { Sandbox } from '../../../src/oracle/sandbox.ts';
import { fxsaveImage } from '../../../src/state/fxsave.ts';
import { CR0, CR4 } from '../../../src/state/layout.ts';
import { VECTOR } from '../../../src/state/pending.ts';
import { FLAG } from '../../../src/state/rflags.ts';
import { SW, writeExtended } from '../../../src/state/x87.ts';

const ONE = 0x3fff8000000000000000n;
const QNAN = 0x7fffc000000000000001n;
const SNAN = 0x7fff8000000000000001n;
const MASKED = 0x37f;
const INVALID_UNMASKED = 0x37e;
const PENDING = SW.B | SW.ES | 1;
const END = DATA.base + BigInt(DATA.size);
const CR0_INITIAL = 0x8005_0033n;
const CR0_MP = 2n;
const CR0_EM = 4n;
const CR0_TS = 8n;

interface Start {
  readonly cw?: number;
  readonly sw?: number;
  readonly tags?: number;
  readonly st?: readonly bigint[];
  readonly rbx?: bigint;
  readonly rflags?: number;
  readonly fsBase?: bigint;
  readonly cr0?: bigint;
}

function image({ cw = MASKED, sw = 0, tags = 0xff, st = [] }: Start): Uint8Array {
  const bytes = new Uint8Array(512);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, cw, true);
  view.setUint16(2, sw, true);
  bytes[4] = tags;
  view.setUint32(24, 0x1f80, true);
  for (let i = 0; i < 8; i++) writeExtended(view, 32 + 16 * i, st[i] ?? ONE);
  return bytes;
}

describe.each(['reference', 'interpreter'] as const)('on the %s', (engine) => {
  const sandbox = new Sandbox(engine);
  const { cpu, memory } = sandbox.machine;

  /** Runs an instruction that addresses memory by RBX, and tells how it ended: `normal`, or the vector. */
  function run(code: string, start: Start = {}): string | number {
    cpu.setU64(CR0, start.cr0 ?? CR0_INITIAL);
    const gpr = Array.from({ length: 16 }, (_, n) => (n === 3 ? (start.rbx ?? DATA.base + 0x100n) : 0n));
    const exit = sandbox.run(
      {
        code: parseHexBytes(code),
        gpr,
        fxsave: image(start),
        rflags: start.rflags ?? 0x202,
        fsBase: start.fsBase ?? 0n,
      },
      10,
    );
    return exit.kind === 'fault' ? exit.fault.vector : exit.kind;
  }
  const stored = (length: number, at = DATA.base + 0x100n): string =>
    Buffer.from(memory.bytes(sandbox.physical(at), length)).toString('hex');

  const WAITING =
    'd903 db2b dc03 d9e8 d9d0 ddc1 d9f7 d9d9 db13 db3b df33 d92b d923 dd23 66d923 ded9 dfe9 dac1 d9c9 d9e4 d9fa 9b'.split(
      ' ',
    );
  const NOT_WAITING = 'dbe3 dbe2 d93b dd3b dfe0 d933 dd33 66d933 0fae03 480fae03 0fae0b dbe0 dbe1 dbe4'.split(' ');

  test.each(WAITING)('%s takes #MF before anything else', (code) => {
    const before = image({ cw: INVALID_UNMASKED, sw: PENDING });
    expect(run(code, { cw: INVALID_UNMASKED, sw: PENDING, rbx: END })).toBe(VECTOR.MF);
    expect(fxsaveImage(cpu).subarray(0, 160)).toEqual(
      Uint8Array.from([...before.subarray(0, 28), 0xff, 0xff, 0, 0, ...before.subarray(32, 160)]),
    );
  });
  test.each(NOT_WAITING)('%s executes although an exception is pending', (code) => {
    expect(run(code, { cw: INVALID_UNMASKED, sw: PENDING })).toBe('normal');
  });
  test.each([...WAITING.slice(0, -1), ...NOT_WAITING])('%s takes #NM while CR0.TS or CR0.EM is set', (code) => {
    for (const bit of [CR0_TS, CR0_EM])
      expect(run(code, { cw: INVALID_UNMASKED, sw: PENDING, cr0: CR0_INITIAL | bit })).toBe(VECTOR.NM);
  });
  test('WAIT takes #NM only while CR0.MP and CR0.TS are set', () => {
    expect(run('9b', { cr0: CR0_INITIAL | CR0_TS })).toBe(VECTOR.NM);
    expect(run('9b', { cr0: (CR0_INITIAL | CR0_TS) & ~CR0_MP })).toBe('normal');
    expect(run('9b', { cr0: CR0_INITIAL | CR0_EM })).toBe('normal');
  });

  test('an unmasked exception waits for the next waiting instruction', () => {
    expect(run('d9fa 90 dfe0 9b', { cw: INVALID_UNMASKED, st: [ONE | (1n << 79n)] })).toBe(VECTOR.MF);
    expect(cpu.rip & 0xfffn).toBe(5n);
    expect(cpu.gpr(0)).toBe(BigInt(PENDING));
  });

  test('FIP is that of the last instruction but for control instructions', () => {
    run('90 d9e8 d93b dbe2 9b');
    expect([cpu.x87.instructionPointer & 0xfffn, cpu.x87.lastOpcode]).toEqual([1n, 0]);
    run('90 90 d9d0');
    expect(cpu.x87.instructionPointer & 0xfffn).toBe(2n);
  });

  test('an unmasked exception records FOP, and the effective address in FDP', () => {
    run('64 dd 5b 08', { cw: INVALID_UNMASKED, st: [SNAN], fsBase: 0x20n });
    expect([cpu.x87.lastOpcode, cpu.x87.lastDataPointer]).toEqual([0x55b, DATA.base + 0x108n]);
    run('dd 5b 08', { st: [SNAN] });
    expect([cpu.x87.lastOpcode, cpu.x87.lastDataPointer]).toEqual([0, 0n]);
    run('d9 fa', { cw: INVALID_UNMASKED, st: [SNAN] });
    expect([cpu.x87.lastOpcode, cpu.x87.lastDataPointer]).toEqual([0x1fa, 0n]);
  });

  test('FNSTENV shows the pointers', () => {
    run('dd 13 d9 33', { cw: INVALID_UNMASKED, st: [SNAN] });
    expect(stored(28)).toBe('7e03ffff8180ffff0200ffff0000002000001305000100100000ffff');
  });

  test('comparisons with an unmasked invalid operand leave condition codes and flags (SDM 2 FCOM, FCOMI)', () => {
    const codes = SW.C0 | SW.C2 | SW.C3;
    const flags = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;
    for (const code of ['d8d1', 'dcd1', 'd9e4', 'dde1']) {
      run(code, { cw: INVALID_UNMASKED, st: [SNAN], sw: SW.C2 | SW.C1 });
      expect(cpu.x87.statusWord).toBe(PENDING | SW.C2);
      run(code, { cw: MASKED, st: [SNAN], sw: SW.C1 });
      expect(cpu.x87.statusWord).toBe(1 | codes);
    }
    for (const code of ['dbf1', 'dbe9']) {
      run(code, { cw: INVALID_UNMASKED, st: [SNAN], rflags: 0x202 | FLAG.ZF | FLAG.OF | FLAG.SF | FLAG.AF });
      expect(cpu.rflags & flags).toBe(FLAG.ZF);
      run(code, { cw: MASKED, st: [SNAN], rflags: 0x202 | FLAG.OF });
      expect(cpu.rflags & flags).toBe(FLAG.ZF | FLAG.PF | FLAG.CF);
    }
    run('dbe9', { cw: INVALID_UNMASKED, st: [QNAN], rflags: 0x202 });
    expect([cpu.x87.pendingException(), cpu.rflags & flags]).toEqual([false, FLAG.ZF | FLAG.PF | FLAG.CF]);
  });

  test.each(['d91b', 'dd1b', 'db3b', 'db1b', 'df3b', 'df33', 'd933', 'dd33', '0fae03'])(
    '%s to a page that is read-only or missing changes nothing, even when an exception keeps it from storing',
    (code) => {
      for (const cw of [MASKED, INVALID_UNMASKED]) {
        const start = { cw, st: [SNAN] };
        run('90', start);
        const before = fxsaveImage(cpu);
        expect(run(code, { ...start, rbx: READ_ONLY.base })).toBe(VECTOR.PF);
        expect(fxsaveImage(cpu)).toEqual(before);
        expect(
          run(code, { ...start, rbx: END - 16n + (code === 'db3b' ? 8n : 0n) + (code.length === 4 ? 15n : 0n) }),
        ).toBe(VECTOR.PF);
        expect(fxsaveImage(cpu)).toEqual(before);
        expect(stored(16, END - 16n)).toBe('0'.repeat(32));
      }
    },
  );

  test('FXSAVE and FXRSTOR want 16-byte alignment, and FXRSTOR no reserved bit of MXCSR', () => {
    for (const code of ['0fae03', '480fae03', '0fae0b', '480fae0b'])
      expect(run(code, { rbx: END + 8n })).toBe(VECTOR.GP);
    const load = { code: parseHexBytes('480fae0b'), gpr: Array.from({ length: 16 }, () => DATA.base) };
    const bad = image({ cw: 0x27f });
    bad[26] = 1;
    const exit = sandbox.run({ ...load, memory: [{ address: DATA.base, bytes: bad }] }, 1);
    expect(exit).toMatchObject({ kind: 'fault', fault: { vector: VECTOR.GP, errorCode: 0 } });
    expect(cpu.x87.controlWord).toBe(MASKED);
  });

  test('alignment checks go by the operand: eight bytes for m80, the operand size for images', () => {
    cpu.setU64(CR0, CR0_INITIAL);
    const start = { rflags: 0x202 | FLAG.AC, cr0: CR0_INITIAL };
    const at = (code: string, offset: number): string | number =>
      run(code, { ...start, rbx: DATA.base + BigInt(offset) });
    expect([at('db2b', 4), at('db2b', 8), at('db3b', 4), at('db3b', 8)]).toEqual([17, 'normal', 17, 'normal']);
    expect([at('d933', 2), at('d933', 4), at('dd33', 4), at('66d933', 2)]).toEqual([17, 'normal', 'normal', 'normal']);
  });

  test('CR4 has OSFXSR from the start', () => {
    expect(cpu.u64(CR4) & 0x200n).toBe(0x200n);
  });
});
