import type { Place } from '../../src/ir/nodes.ts';
import { type Row, rowNamed } from '../../src/semantics/evex/row.ts';
import type { Op } from '../../src/semantics/operands.ts';
import { vectorAt } from '../../src/state/layout.ts';
import { blind, definition, type Plant, plant, ROUNDING, rehelp, type Writable } from './plants.ts';

/** An EVEX row with something else in it. */
const altered = (
  kind: Plant['kind'],
  mnemonic: string,
  what: string,
  wrong: (right: Row) => Partial<Row>,
  blames = mnemonic.slice(1),
): Plant =>
  plant(kind, `evex.${mnemonic}: ${what}`, blames, () => {
    const row = rowNamed(mnemonic) as Writable<Row>;
    const right = { ...row };
    Object.assign(row, wrong(right));
    return () => void Object.assign(row, right);
  });

/** A row in which one lane is the first source's. */
const stuck = (mnemonic: string, n: number): Plant =>
  altered('lane', mnemonic, `lane ${n} is left alone`, ({ lane }) => ({
    lane: (s, i) => (i === n ? s.a[i]! : lane(s, i)),
  }));

/** Bits of P2, which every EVEX instruction is controlled by. */
const OWN = 0x10n;
const ZEROING = 0x80n;
const LENGTH = 0x60n;
const uncontrolled = (what: string, change: (control: bigint) => bigint): Plant =>
  plant(
    'width',
    `evex: ${what}`,
    '.*',
    rehelp(
      'evex',
      (right) =>
        (c, row, control, ...rest) =>
          right(c, row!, change(control!), ...rest),
    ),
  );

const UPPER = 16;
const place = (op: Op): Place => {
  if (op.kind !== 'reg') throw new TypeError('a register was expected');
  return op.place;
};

/** The same for AVX and AVX-512: lanes, masks, lengths, their own rounding. */
export const VECTOR_PLANTS: readonly Plant[] = [
  stuck('vpaddd', 5),
  stuck('vpsubb', 27),
  stuck('vpermw', 9),
  altered('lane', 'vpternlogd', 'destination and first source are exchanged', ({ lane }) => ({
    lane: (s, i) => lane({ ...s, a: s.d, d: s.a }, i),
  })),
  altered('lane', 'vpcompressd', 'what is left comes from the source', ({ lane }) => ({
    lane,
    compress: false,
  })),
  altered('lane', 'vcmpps', 'bit 4 of the predicate is not looked at', ({ lane }) => ({
    lane: (s, i) => lane({ ...s, imm: s.imm & 15 }, i),
  })),
  altered('fault order', 'vmovups', 'elements that the mask leaves out are read', () => ({ whole: true })),
  uncontrolled('zeroing merges', (control) => control & ~ZEROING),
  altered('rounding', 'vmulpd', 'its own rounding only suppresses exceptions', () => ({ sae: true })),
  uncontrolled('rounding of its own is to nearest', (control) => (control & OWN ? control & ~LENGTH : control)),
  blind('f32.fmadd', ROUNDING, 'always rounds to nearest', 'fmadd(132|213|231)[sp]s'),
  definition('width', 'vpaddb', 'bits above 127 stay', (right) => (x, ...operands) => {
    const upper = x.b.get(place(operands[0]!), 128, UPPER);
    right(x, ...operands);
    if (operands[0]!.w === 128) x.b.put(place(operands[0]!), upper, UPPER);
  }),
  definition('width', 'vzeroupper', 'YMM15 stays', (right) => (x) => {
    const upper = x.b.get(vectorAt(15), 128, UPPER);
    right(x);
    x.b.put(vectorAt(15), upper, UPPER);
  }),
  definition('width', 'kaddb', 'the upper bits of the destination stay', (right) => (x, ...operands) => {
    const old = x.b.get(place(operands[0]!), 64);
    right(x, ...operands);
    const sum = x.b.and(x.b.get(place(operands[0]!), 64), x.constant(0xff, 64));
    x.b.put(place(operands[0]!), x.b.or(sum, x.b.and(old, x.constant(~0xffn, 64))));
  }),
];
