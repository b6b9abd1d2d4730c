import { defineHelper } from './helper.ts';

/** PCMPESTRI and its kin (SDM 1 chapter 14, «string and text processing»). */

const BYTES = 16;

/** Bits of the immediate. */
const WORDS = 1;
const SIGNED = 2;
const AGGREGATION_SHIFT = 2;
const NEGATE = 1 << 4;
const ONLY_VALID = 1 << 5;

const EQUAL_ANY = 0;
const RANGES = 1;
const EQUAL_EACH = 2;

/** What the helper gives back: a bit for each element, and the flags above them. */
export const COMPARED = { cf: 16, zf: 17, sf: 18, of: 19 } as const;

function elements(low: bigint, high: bigint, imm: number): number[] {
  const width = imm & WORDS ? 16 : 8;
  const v = low | (high << 64n);
  return Array.from({ length: 128 / width }, (_, i) => {
    const bits = (v >> BigInt(i * width)) & ((1n << BigInt(width)) - 1n);
    return Number(imm & SIGNED ? BigInt.asIntN(width, bits) : bits);
  });
}

/** Elements in use: the magnitude of an explicit length, or those before the first zero. */
const validCount = (values: readonly number[], length: bigint | null): number => {
  if (length === null) {
    const end = values.indexOf(0);
    return end < 0 ? values.length : end;
  }
  const n = BigInt.asIntN(64, length);
  const magnitude = n < 0n ? -n : n;
  return magnitude > BigInt(values.length) ? values.length : Number(magnitude);
};

/** One bit for each element of b. Elements out of use compare as the aggregation says. */
function aggregate(kind: number, a: readonly number[], na: number, b: readonly number[], nb: number): number {
  const n = a.length;
  let out = 0;
  for (let j = 0; j < n; j++) {
    let hit: boolean;
    if (kind === EQUAL_ANY) hit = j < nb && a.slice(0, na).includes(b[j]!);
    else if (kind === RANGES) {
      hit = false;
      for (let i = 0; i + 1 < na; i += 2) hit ||= j < nb && b[j]! >= a[i]! && b[j]! <= a[i + 1]!;
    } else if (kind === EQUAL_EACH) hit = j < na && j < nb ? a[j] === b[j] : j >= na && j >= nb;
    else {
      hit = true;
      for (let i = 0; hit && i < na && j + i < n; i++) hit = j + i < nb && a[i] === b[j + i];
    }
    if (hit) out |= 1 << j;
  }
  return out;
}

/** Elements that match, with the polarity applied, and CF, ZF, SF and OF. */
function compareStrings(
  [a, b]: readonly [readonly number[], readonly number[]],
  [na, nb]: readonly [number, number],
  imm: number,
): number {
  const n = a.length;
  const first = aggregate((imm >> AGGREGATION_SHIFT) & 3, a, na, b, nb);
  const all = (1 << n) - 1;
  const flipped = imm & NEGATE ? (imm & ONLY_VALID ? (1 << nb) - 1 : all) : 0;
  const matches = first ^ flipped;
  return (
    matches |
    (matches ? 1 << COMPARED.cf : 0) |
    (nb < n ? 1 << COMPARED.zf : 0) |
    (na < n ? 1 << COMPARED.sf : 0) |
    ((matches & 1) << COMPARED.of)
  );
}

for (const explicit of [true, false])
  defineHelper({
    name: explicit ? 'compareStrings.explicit' : 'compareStrings.implicit',
    doc: `strings of ${BYTES} bytes compared element by element; lengths given or ended by zero`,
    args: explicit ? [64, 64, 64, 64, 32, 64, 64] : [64, 64, 64, 64, 32],
    result: 32,
    faults: false,
    state: 'fp',
    run: (_c, aLow, aHigh, bLow, bHigh, immediate, aLength, bLength) => {
      const imm = Number(immediate);
      const a = elements(aLow!, aHigh!, imm);
      const b = elements(bLow!, bHigh!, imm);
      const lengths = [validCount(a, explicit ? aLength! : null), validCount(b, explicit ? bLength! : null)] as const;
      return BigInt(compareStrings([a, b], lengths, imm));
    },
  });
