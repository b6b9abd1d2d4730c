import type { Val } from '../../ir/nodes.ts';
import { vectorAt } from '../../state/layout.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import { readParts, splatByte, writeParts } from '../sse/operands.ts';

/** Bytes of a part of 128 bits. */
const PART = 16;
const REGISTERS = Array.from({ length: 16 }, (_, n) => n);

for (const [mnemonic, title, parts] of [
  ['vzeroupper', 'Clear ZMM0 … ZMM15 above bit 127', [1, 2, 3]],
  ['vzeroall', 'Clear ZMM0 … ZMM15', [0, 1, 2, 3]],
] as const)
  define(mnemonic, title, (x) => {
    const zero = x.constant(0, 128);
    for (const n of REGISTERS) for (const part of parts) x.b.put(vectorAt(n), zero, PART * part);
  });

// ——— one element everywhere ———

/** A vector of equal lanes. */
export function splat(x: Lift, value: Val): Val {
  const k = x.b;
  if (value.w === 8) return splatByte(x, value);
  const ones = { 16: 0x0001_0001_0001_0001n, 32: 0x1_0000_0001n, 64: 1n }[value.w as 16 | 32 | 64];
  const half = k.mul(k.zext(value, 64), x.constant(ones, 64));
  return k.pair(half, half);
}

const repeated = <T>(value: T, count: number): T[] => new Array<T>(count).fill(value);

for (const [mnemonic, w] of [
  ['vbroadcastss', 32],
  ['vbroadcastsd', 64],
  ['vpbroadcastb', 8],
  ['vpbroadcastw', 16],
  ['vpbroadcastd', 32],
  ['vpbroadcastq', 64],
] as const)
  define(mnemonic, 'The lowest element of the source in every lane', (x, dst, src) =>
    writeParts(x, dst!, repeated(splat(x, x.read(src!, w)), dst!.w / 128)),
  );
define('vbroadcastf128 vbroadcasti128', '128 bits of memory in both halves', (x, dst, src) =>
  writeParts(x, dst!, repeated(x.read(src!, 128), 2)),
);

// ——— halves ———

const bit = (x: Lift, imm: Val, n: number): Val => x.b.trunc(x.b.shr(imm, x.constant(n, 8)), 1);

define('vextractf128 vextracti128', 'The half that the immediate names', (x, dst, src, by) => {
  const [low, high] = readParts(x, src!);
  const half = x.b.select(bit(x, x.read(by!, 8), 0), high!, low!);
  if (dst!.kind === 'mem') x.write(dst!, half);
  else writeParts(x, dst!, [half]);
});

define(
  'vinsertf128 vinserti128',
  'The first source with the half that the immediate names replaced',
  (x, dst, a, b, by) => {
    const value = x.read(b!, 128);
    const [low, high] = readParts(x, a!);
    const upper = bit(x, x.read(by!, 8), 0);
    writeParts(x, dst!, [x.b.select(upper, low!, value), x.b.select(upper, value, high!)]);
  },
);

define('vperm2f128 vperm2i128', 'Any half of the sources, or zeros, in either half', (x, dst, a, b, by) => {
  const k = x.b;
  const second = readParts(x, b!);
  const first = readParts(x, a!);
  const imm = x.read(by!, 8);
  const half = (at: number): Val => {
    const of = ([low, high]: readonly Val[]): Val => k.select(bit(x, imm, at), high!, low!);
    const chosen = k.select(bit(x, imm, at + 1), of(second), of(first));
    return k.select(bit(x, imm, at + 3), x.constant(0, 128), chosen);
  };
  writeParts(x, dst!, [half(0), half(4)]);
});
