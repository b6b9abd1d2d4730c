import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import { COMPARED } from '../helpers/string-compare.ts';
import { type Lift, RAX, RCX, RDX } from '../lift.ts';
import type { Op } from '../operands.ts';
import { defineBinary } from './define.ts';
import { writeParts, XMM0 } from './operands.ts';

defineBinary('pcmpgtq', 'Compare signed quadwords', (x, a, b) => x.b.i64x2_gt_s(a, b));

/** Compares the operands and sets the flags; gives the bits of the elements that match, 32 bits. */
function compareStrings(x: Lift, explicit: boolean, first: Op, second: Op, by: Op): Val {
  const k = x.b;
  // The operand need not be aligned.
  const b = x.read(second, 128);
  const a = x.read(first, 128);
  const length = (place: number): Val => (wide(x) ? k.get(place, 64) : k.sext(k.get(place, 32), 64));
  const lengths = explicit ? [length(RAX), length(RDX)] : [];
  const result = k.call(
    explicit ? 'compareStrings.explicit' : 'compareStrings.implicit',
    32,
    ...[k.low(a, 64), k.high(a, 64), k.low(b, 64), k.high(b, 64), k.zext(x.read(by, 8), 32)],
    ...lengths,
  );
  const at = (bit: number): Val => k.trunc(k.shr(result, x.constant(bit, 32)), 1);
  const no = x.constant(0, 1);
  x.setFlags({
    cf: at(COMPARED.cf),
    zf: at(COMPARED.zf),
    sf: at(COMPARED.sf),
    of: at(COMPARED.of),
    af: no,
    pf: no,
  });
  return k.and(result, x.constant(0xffff, 32));
}

/** REX.W: lengths of 64 bits. */
const wide = (x: Lift): boolean => x.insn.mnemonic.endsWith('64');

/** A bit of the immediate. */
const option = (x: Lift, by: Op, bit: number): Val => x.b.trunc(x.b.shr(x.read(by, 8), x.constant(bit, 8)), 1);
const WORDS = 0;
const LAST_OR_EXPANDED = 6;

/** Number of the first or last element that matches; that of all elements where none does. */
function index(x: Lift, matches: Val, by: Op): Val {
  const k = x.b;
  const count = k.select(option(x, by, WORDS), x.constant(8, 32), x.constant(16, 32));
  const last = k.sub(x.constant(31, 32), k.clz(matches));
  const found = k.select(option(x, by, LAST_OR_EXPANDED), last, k.ctz(matches));
  return k.select(k.eqz(matches), count, found);
}

/** The matches as bits, or as elements of ones. */
function mask(x: Lift, matches: Val, by: Op): Val {
  const k = x.b;
  const bits = k.vector(matches, 128);
  // Each byte takes the byte of bits that its own is in, and looks at that.
  const expand = (perByte: bigint, bytes: bigint): Val => {
    const each = x.constant(bytes, 128);
    return k.i8x16_eq(k.v128_and(k.i8x16_swizzle(bits, x.constant(perByte, 128)), each), each);
  };
  const asBytes = expand(0x0101_0101_0101_0101_0000_0000_0000_0000n, 0x8040_2010_0804_0201_8040_2010_0804_0201n);
  const asWords = expand(0n, 0x8080_4040_2020_1010_0808_0404_0202_0101n);
  const expanded = k.select(option(x, by, WORDS), asWords, asBytes);
  return k.select(option(x, by, LAST_OR_EXPANDED), expanded, bits);
}

for (const [stem, title, explicit] of [
  ['pcmpestr', 'Compare strings of explicit lengths', true],
  ['pcmpistr', 'Compare strings that end with zero', false],
] as const)
  for (const suffix of explicit ? ['', '64'] : ['']) {
    define(`${stem}i${suffix} v${stem}i${suffix}`, `${title}, index of a match to ECX`, (x, a, b, by) => {
      const matches = compareStrings(x, explicit, a!, b!, by!);
      x.writePlace(RCX, index(x, matches, by!));
    });
    define(`${stem}m${suffix} v${stem}m${suffix}`, `${title}, mask of the matches to XMM0`, (x, a, b, by) => {
      const matches = compareStrings(x, explicit, a!, b!, by!);
      writeParts(x, XMM0, [mask(x, matches, by!)]);
    });
  }
