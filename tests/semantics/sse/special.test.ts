import { hexBytes } from '../../../src/bits/hex.ts';
import { check } from '../../support/check.ts';

/** Results of a CPU for operands that are NaNs, infinities, zeros and denormals, with the flags that it raised. */

const DEFAULT_MXCSR = 0x1f80;
const FTZ = 0x8000;
const DAZ = 0x40;
const [IE, DE, ZE, OE, UE, PE] = [1, 2, 4, 8, 16, 32];

/** xmm0 op= xmm1 on their low singles. */
function single(
  opcode: number,
  name: string,
  dst: bigint,
  src: bigint,
  result: bigint,
  raised: number,
  control = DEFAULT_MXCSR,
) {
  check(hexBytes(Uint8Array.of(0xf3, 0x0f, opcode, 0xc1)), `${name} xmm0,xmm1`, [
    { xmm0: dst, xmm1: src, mxcsr: control },
    { xmm0: result, mxcsr: control | raised },
  ]);
}

const MIN = 0x5d;
const MAX = 0x5f;
const ADD = 0x58;
const SUB = 0x5c;
const MUL = 0x59;
const DIV = 0x5e;
const SQRT = 0x51;

// biome-ignore format: a test is a line
const ROWS: readonly (readonly [opcode: number, name: string, dst: bigint, src: bigint, result: bigint, raised: number])[] = [
  // MIN and MAX give the source for any NaN and for two zeros
  [MIN, 'minss', 0x3f800000n, 0x7fc01234n, 0x7fc01234n, IE],
  [MIN, 'minss', 0x7fc01234n, 0x3f800000n, 0x3f800000n, IE],
  [MAX, 'maxss', 0x7f805678n, 0x3f800000n, 0x3f800000n, IE],
  [MAX, 'maxss', 0x3f800000n, 0x7f805678n, 0x7f805678n, IE],
  [MIN, 'minss', 0x00000000n, 0x80000000n, 0x80000000n, 0],
  [MIN, 'minss', 0x80000000n, 0x00000000n, 0x00000000n, 0],
  [MAX, 'maxss', 0x00000000n, 0x80000000n, 0x80000000n, 0],
  [MAX, 'maxss', 0x80000000n, 0x00000000n, 0x00000000n, 0],
  // the first NaN is kept, quieted; a signalling one anywhere raises IE
  [ADD, 'addss', 0x7fc01234n, 0xffc0abcdn, 0x7fc01234n, 0],
  [ADD, 'addss', 0xffc0abcdn, 0x7fc01234n, 0xffc0abcdn, 0],
  [ADD, 'addss', 0x3f800000n, 0x7fc01234n, 0x7fc01234n, 0],
  [ADD, 'addss', 0x7f805678n, 0xffc0abcdn, 0x7fc05678n, IE],
  [ADD, 'addss', 0xffc0abcdn, 0x7f805678n, 0xffc0abcdn, IE],
  [ADD, 'addss', 0x7f805678n, 0x3f800000n, 0x7fc05678n, IE],
  // invalid operations give the default NaN, divisions by zero an infinity
  [SUB, 'subss', 0x7f800000n, 0x7f800000n, 0xffc00000n, IE],
  [MUL, 'mulss', 0x00000000n, 0x7f800000n, 0xffc00000n, IE],
  [DIV, 'divss', 0x00000000n, 0x00000000n, 0xffc00000n, IE],
  [DIV, 'divss', 0x3f800000n, 0x00000000n, 0x7f800000n, ZE],
  [DIV, 'divss', 0x3f800000n, 0x80000000n, 0xff800000n, ZE],
  [SQRT, 'sqrtss', 0x3f800000n, 0xbf800000n, 0xffc00000n, IE],
  [SQRT, 'sqrtss', 0x3f800000n, 0x80000000n, 0x80000000n, 0],
  // denormals, underflow (only where inexact), overflow
  [ADD, 'addss', 0x00000001n, 0x3f800000n, 0x3f800000n, DE | PE],
  [MUL, 'mulss', 0x00800000n, 0x3f000000n, 0x00400000n, 0],
  [MUL, 'mulss', 0x00800000n, 0x3eaaaaabn, 0x002aaaabn, UE | PE],
  [MUL, 'mulss', 0x7f000000n, 0x7f000000n, 0x7f800000n, OE | PE],
  [ADD, 'addss', 0x7f7fffffn, 0x7f7fffffn, 0x7f800000n, OE | PE],
  [ADD, 'addss', 0x4b800000n, 0x3f800000n, 0x4b800000n, PE],
];
for (const row of ROWS) single(...row);

// FTZ: a tiny result is a zero of its sign; DAZ: a denormal operand is a zero, without DE
single(MUL, 'mulss', 0x00800000n, 0x3f000000n, 0n, UE | PE, DEFAULT_MXCSR | FTZ);
single(MUL, 'mulss', 0x80800000n, 0x3f000000n, 0x80000000n, UE | PE, DEFAULT_MXCSR | FTZ);
single(MUL, 'mulss', 0x00000001n, 0x3f800000n, 0n, 0, DEFAULT_MXCSR | DAZ);

// biome-ignore format: a test is a line
const COMPARISONS: readonly (readonly [predicate: number, name: string, dst: bigint, src: bigint, result: bigint, raised: number])[] = [
  [0, 'cmpeqss', 0x7fc01234n, 0x3f800000n, 0x00000000n, 0],
  [1, 'cmpltss', 0x7fc01234n, 0x3f800000n, 0x00000000n, IE],
  [3, 'cmpunordss', 0x7f805678n, 0x3f800000n, 0xffffffffn, IE],
  [4, 'cmpneqss', 0x7fc01234n, 0x3f800000n, 0xffffffffn, 0],
  [7, 'cmpordss', 0x7fc01234n, 0x3f800000n, 0x00000000n, 0],
];
for (const [predicate, name, dst, src, result, raised] of COMPARISONS)
  check(`f3 0f c2 c1 0${predicate}`, `${name} xmm0,xmm1`, [
    { xmm0: dst, xmm1: src },
    { xmm0: result, mxcsr: DEFAULT_MXCSR | raised },
  ]);

/** Bits of a double. */
function double(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

/** To 32 and 64 bits, rounded and truncated, each with what it raises. */
type Conversions = readonly [bigint, number, bigint, number, bigint, number, bigint, number];
const W32 = 0x8000_0000n;
const W64 = 0x8000_0000_0000_0000n;

// biome-ignore format: a test is a line
const CONVERSIONS: readonly (readonly [value: number, ...Conversions])[] = [
  [1e10, W32, IE, W32, IE, 0x2_540b_e400n, 0, 0x2_540b_e400n, 0],
  [-1e10, W32, IE, W32, IE, 0xffff_fffd_abf4_1c00n, 0, 0xffff_fffd_abf4_1c00n, 0],
  [2 ** 31 - 0.5, W32, IE, 0x7fff_ffffn, PE, 0x8000_0000n, PE, 0x7fff_ffffn, PE],
  [-(2 ** 31) - 0.5, W32, PE, W32, PE, 0xffff_ffff_8000_0000n, PE, 0xffff_ffff_8000_0000n, PE],
  [-(2 ** 31) - 1, W32, IE, W32, IE, 0xffff_ffff_7fff_ffffn, 0, 0xffff_ffff_7fff_ffffn, 0],
  [Number.NaN, W32, IE, W32, IE, W64, IE, W64, IE],
  [1e20, W32, IE, W32, IE, W64, IE, W64, IE],
  [0.5, 0n, PE, 0n, PE, 0n, PE, 0n, PE],
  [1.5, 2n, PE, 1n, PE, 2n, PE, 1n, PE],
  [2.5, 2n, PE, 2n, PE, 2n, PE, 2n, PE],
  [-0.5, 0n, PE, 0n, PE, 0n, PE, 0n, PE],
  [2 ** 63, W32, IE, W32, IE, W64, IE, W64, IE],
  [Number.POSITIVE_INFINITY, W32, IE, W32, IE, W64, IE, W64, IE],
];
const FORMS = [
  ['f2 0f 2d c1', 'cvtsd2si eax,xmm1'],
  ['f2 0f 2c c1', 'cvttsd2si eax,xmm1'],
  ['f2 48 0f 2d c1', 'cvtsd2si rax,xmm1'],
  ['f2 48 0f 2c c1', 'cvttsd2si rax,xmm1'],
] as const;
for (const [value, ...results] of CONVERSIONS)
  FORMS.forEach(([bytes, text], i) => {
    const [rax, raised] = results.slice(2 * i, 2 * i + 2) as [bigint, number];
    check(bytes, text, [{ xmm1: double(value) }, { rax, mxcsr: DEFAULT_MXCSR | raised }]);
  });

// x87: stack overflow and underflow, the integer indefinite, 1/3
const THREE = 0x4000_c000_0000_0000_0000n;
const ONE = 0x3fff_8000_0000_0000_0000n;
check('dd 1b', 'fstp qword ptr [rbx],st', [
  { rbx: 0x1000_0200n },
  { fsw: 0x0841, 'm64[0x200]': 0xfff8_0000_0000_0000n },
]);
check('d9 e8', 'fld1', [
  { ftw: 0xff, fsw: 0, st7: THREE },
  { fsw: 0x3a41, st0: 0xffff_c000_0000_0000_0000n, st1: 0n, st7: 0n },
]);
check('d8 f1', 'fdiv st,st(1)', [
  { st0: ONE, st1: THREE },
  { st0: 0x3ffd_aaaa_aaaa_aaaa_aaabn, fsw: 0x20 | 0x200 },
]);
check('db 1b', 'fistp dword ptr [rbx],st', [
  { rbx: 0x1000_0200n, st0: 0x4020_9502_f900_0000_0000n },
  { fsw: 0x801, ftw: 0, st0: 0n, st7: 0x4020_9502_f900_0000_0000n, 'm32[0x200]': W32 },
]);
check('df 1b', 'fistp word ptr [rbx],st', [
  { rbx: 0x1000_0200n, st0: 0x400e_9c40_0000_0000_0000n },
  { fsw: 0x801, ftw: 0, st0: 0n, st7: 0x400e_9c40_0000_0000_0000n, 'm16[0x200]': 0x8000n },
]);
check('db f1', 'fcomi st,st(1)', [{ st0: ONE, st1: 0n }, { flags: '' }]);
check('d9 e5', 'fxam', [{ ftw: 0 }, { fsw: 0x4100 }]);
check('d9 ee d9 e5', 'fldz; fxam', [{}, { fsw: 0x7800, ftw: 0x80 }]);
check('db e3', 'fninit', [
  { fsw: 0x3a41, fcw: 0x27f, ftw: 0xff },
  { fsw: 0, fcw: 0x37f, ftw: 0 },
]);
