import { decode } from '../decode/decode.ts';
import type { Insn } from '../decode/insn.ts';
import { constantFields } from '../decode/usage.ts';
import type { OracleCase } from '../oracle/case.ts';
import { CODE_ALIAS } from '../oracle/layout.ts';

export interface Within {
  readonly step: number;
  readonly offset: number;
  readonly alias?: boolean;
}

const ALIAS_DISTANCE = Number(CODE_ALIAS.base - CODE_ALIAS.of.base);

/** One instruction of a sequence. What counts from its own address is kept by what it means, so that instructions can come and go. */
export interface Step {
  readonly bytes: Uint8Array;
  /** A near branch goes to this step; the number of steps means behind the last one. */
  readonly to?: number;
  /** A RIP-relative operand lies at this address … */
  readonly place?: bigint;
  /** … or `offset` bytes into this step; with `alias` by the other address of its page, where code may be written. */
  readonly within?: Within;
  /** What the bytes are, where it is known. */
  readonly insn?: Insn;
}

/** The instruction of a step, or null where its bytes are none. */
export function insnOf(step: Step): Insn | null {
  if (step.insn !== undefined) return step.insn;
  const insn = decode(step.bytes);
  return typeof insn === 'string' ? null : insn;
}

/** The sequence with what its bytes are, for whoever asks often. */
export function decoded(c: FuzzCase): FuzzCase {
  const steps = c.steps.map((step) => {
    const insn = insnOf(step);
    return insn === null ? step : { ...step, insn };
  });
  return { ...c, steps };
}

/** The state that a sequence starts from: all of an `OracleCase` but its code. */
export type StartState = Required<Omit<OracleCase, 'code' | 'codeAddress' | 'rip' | 'memory' | 'avx512'>> & {
  readonly avx512?: Uint8Array;
  readonly memory: NonNullable<OracleCase['memory']>;
};

/** A sequence of instructions with the state it starts from. */
export interface FuzzCase {
  readonly steps: readonly Step[];
  readonly codeAddress: bigint;
  readonly state: StartState;
}

/** Offsets of the steps from the code's address, and one behind the last. */
export function offsetsOf(steps: readonly Step[]): number[] {
  const offsets = [0];
  for (const { bytes } of steps) offsets.push(offsets.at(-1)! + bytes.length);
  return offsets;
}

function setSigned(bytes: Uint8Array, at: number, size: number, value: number): void {
  for (let n = 0; n < size; n++) bytes[at + n] = (value >> (8 * n)) & 0xff;
}

/** The machine code, with branches and RIP-relative operands led to where they belong. */
export function assemble({ steps, codeAddress }: Pick<FuzzCase, 'steps' | 'codeAddress'>): Uint8Array {
  const offsets = offsetsOf(steps);
  const code = new Uint8Array(offsets.at(-1)!);
  steps.forEach(({ bytes, to, place, within }, i) => {
    const from = offsets[i]!;
    const next = offsets[i + 1]!;
    code.set(bytes, from);
    if (to !== undefined) {
      const size = relativeSize(bytes);
      setSigned(code, next - size, size, offsets[Math.min(to, steps.length)]! - next);
    }
    if (place === undefined && within === undefined) return;
    const { displacement } = constantFields(bytes);
    if (displacement.size !== 4) return;
    const offset =
      within !== undefined
        ? offsets[Math.min(within.step, steps.length)]! + within.offset - next + (within.alias ? ALIAS_DISTANCE : 0)
        : Number(BigInt.asIntN(32, place! - codeAddress - BigInt(next)));
    setSigned(code, from + displacement.at, 4, offset);
  });
  return code;
}

/** Bytes of a near branch's displacement: 0F 8x, E8 and E9 have four, all others one. */
function relativeSize(bytes: Uint8Array): 1 | 4 {
  const four = bytes.length >= 5 && (/^(e8|e9)$/.test(hex2(bytes.at(-5)!)) || (bytes.at(-5)! & 0xf0) === 0x80);
  return four ? 4 : 1;
}
const hex2 = (byte: number): string => byte.toString(16);

/** The sequence as the oracles take it. */
export function oracleCase(c: FuzzCase): OracleCase {
  return { ...c.state, code: assemble(c), codeAddress: c.codeAddress };
}

/** Branches that lead behind the last step lead to the end. */
export function withinBounds(steps: readonly Step[]): Step[] {
  const end = steps.length;
  return steps.map((step) => ({
    ...step,
    ...(step.to !== undefined ? { to: Math.min(step.to, end) } : {}),
    ...(step.within !== undefined ? { within: { ...step.within, step: Math.min(step.within.step, end) } } : {}),
  }));
}

/** The sequence without some of its steps: what led to one of them leads to the next that is left. */
export function withoutSteps(c: FuzzCase, gone: (index: number) => boolean): FuzzCase {
  const moved: number[] = [];
  let left = 0;
  for (let i = 0; i < c.steps.length; i++) {
    moved.push(left);
    if (!gone(i)) left++;
  }
  moved.push(left);
  const steps: Step[] = [];
  c.steps.forEach((step, i) => {
    if (gone(i)) return;
    const { to, place, within, ...rest } = step;
    const kept = within !== undefined && !gone(within.step);
    steps.push({
      ...rest,
      ...(to !== undefined ? { to: moved[Math.min(to, c.steps.length)]! } : {}),
      ...(place !== undefined ? { place } : {}),
      ...(kept ? { within: { ...within, step: moved[Math.min(within.step, c.steps.length)]! } } : {}),
    });
  });
  return { ...c, steps };
}
