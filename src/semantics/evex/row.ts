import type { FloatEnv } from '../../bits/softfloat.ts';
import type { Place, Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import type { Op } from '../operands.ts';

/** Lanes of an operand as unsigned numbers, lowest first. */
export type Lanes = readonly bigint[];

/** What one lane of the result is made of. */
export interface Sources {
  /** First source; the only one where there is one. */
  readonly a: Lanes;
  /** Last source. */
  readonly b: Lanes;
  /** What the destination held. */
  readonly d: Lanes;
  /** Both sources in lanes of 64 bits, where the row asks for them. */
  readonly a64?: Lanes | undefined;
  readonly b64?: Lanes | undefined;
  readonly imm: number;
  /** Rounding and exceptions, MXCSR's or the instruction's own. */
  readonly env: FloatEnv;
  /** Bits of the first operand and of the last source. */
  readonly to: number;
  readonly by: number;
  /** Lanes of the result. */
  readonly n: number;
}

/** An instruction of AVX-512: which lanes there are, and what one of them becomes. Masks, zeroing, broadcast and faults are the plumbing's. */
export interface Row {
  readonly mnemonic: string;
  /** Bits of a lane of the destination; of a comparison, of its sources. */
  readonly w: number;
  /** Bits of a lane of the sources, where they are others. */
  readonly from?: number;
  /** Bits of a lane of the first source, where it is not as the last. */
  readonly fromA?: number;
  readonly lane: (s: Sources, i: number) => bigint;
  /** The result is one bit a lane, in an opmask register. */
  readonly test?: boolean;
  /** The result is two bits a lane, in a pair of opmask registers; bit 0 goes to the even one. */
  readonly pair?: boolean;
  /** Only the lowest lane is computed; the rest of 128 bits is the first source's. */
  readonly scalar?: boolean;
  /** Number of lanes, where it does not follow from the vector length. */
  readonly lanes?: number;
  /** Memory is read whatever the mask says. */
  readonly whole?: boolean;
  /** It raises floating-point exceptions. */
  readonly float?: boolean;
  /** DAZ, FTZ or both do not count: numbers of 16 bits keep their denormals (SDM 1 15.5). */
  readonly keeps?: 'operands and results' | 'results';
  /** It reports exceptions in MXCSR and raises none. */
  readonly quiet?: boolean;
  /** Memory must be aligned to the vector: #GP(0). */
  readonly aligned?: boolean;
  /** The last source may be a count in 128 bits that all lanes share. */
  readonly byXmm?: boolean;
  /** This many lanes of memory repeat. */
  readonly repeats?: number;
  /** A scalar's upper lanes stay the destination's. */
  readonly restOfDestination?: boolean;
  /** Its own control only suppresses exceptions: rounding stays MXCSR's. */
  readonly sae?: boolean;
  /** Twice as many lanes as each source has. */
  readonly packs?: boolean;
  readonly quads?: boolean;
  /** The result is RFLAGS, and the first operand is a source. */
  readonly flags?: boolean;
  /** Lanes that the mask names go to the lowest places; or come from there. */
  readonly compress?: boolean;
  readonly expand?: boolean;
  /** Lanes that the mask leaves out come from the first source. */
  readonly otherwise?: boolean;
}

const ROWS: Row[] = [];
export const rowNumber = (n: number): Row => ROWS[n]!;
/** The row of that mnemonic, «vpaddd». */
export const rowNamed = (mnemonic: string): Row | undefined => ROWS.find((row) => row.mnemonic === mnemonic);

/** What an operand is, for the helper. */
export const KIND = { none: 0, register: 1, memory: 2, immediate: 3, opmask: 4, general: 5 } as const;
const WIDTH_SHIFT = 4;
export const kindOf = (code: number): number => code & ((1 << WIDTH_SHIFT) - 1);
export const widthOf = (code: number): number => code >> WIDTH_SHIFT;

const placeValue = (x: Lift, place: Place): Val =>
  typeof place === 'number' ? x.constant(place, 64) : x.b.zext(x.b.field(place, 32), 64);

function described(x: Lift, op: Op | undefined): [code: Val, value: Val] {
  if (op === undefined) return [x.constant(KIND.none, 32), x.constant(0, 64)];
  const code = (kind: number): Val => x.constant(kind | (op.w << WIDTH_SHIFT), 32);
  if (op.kind === 'mem') return [code(KIND.memory), x.address(op)];
  if (op.kind !== 'reg') return [code(KIND.immediate), x.b.zext(x.read(op, 8), 64)];
  const kind = op.file === 'k' ? KIND.opmask : op.file === 'gpr' ? KIND.general : KIND.register;
  return [code(kind), placeValue(x, op.place)];
}

/** Defines the EVEX form of instructions. */
export function evex(mnemonics: string, w: number, lane: Row['lane'], options: Partial<Row> = {}): void {
  for (const mnemonic of mnemonics.split(' ')) {
    const number = ROWS.push({ ...options, mnemonic, w, lane }) - 1;
    define(`evex.${mnemonic}`, 'On lanes under a mask', (x, ...all) => {
      const control = all.at(-1)!;
      const operands = all.slice(0, -1);
      const memory = operands.find((op) => op.kind === 'mem');
      const fault = memory?.kind === 'mem' ? memory.fault : 'general';
      const stack = fault === 'operand' ? x.b.field('stack', 32) : x.constant(fault === 'stack' ? 1 : 0, 32);
      const args = [0, 1, 2, 3].flatMap((n) => described(x, operands[n]));
      x.b.call('evex', 0, x.constant(number, 32), x.b.zext(x.read(control, 8), 32), stack, ...args);
    });
  }
}

export const asSigned = (w: number, v: bigint): bigint => BigInt.asIntN(w, v);
export const wrap = (w: number, v: bigint): bigint => BigInt.asUintN(w, v);
