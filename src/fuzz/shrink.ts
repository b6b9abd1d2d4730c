import { isPrefix } from '../decode/insn.ts';
import { constantFields } from '../decode/usage.ts';
import { namedAvx512, withAvx512 } from '../oracle/avx512.ts';
import { CODE, DATA, WRITABLE_CODE } from '../oracle/layout.ts';
import { AVX512_BYTES } from '../oracle/record.ts';
import { initialFxsave } from '../oracle/wire.ts';
import type { Bench, Mismatch } from './bench.ts';
import { type Signature, signatureOf, signatureText } from './signature.ts';
import { type FuzzCase, insnOf, type StartState, type Step, withoutSteps } from './steps.ts';

/** A sequence that shows a mismatch, and the mismatch. */
export interface Culprit {
  readonly case: FuzzCase;
  readonly mismatch: Mismatch;
  readonly signature: Signature;
}

/** The shortest beginning of a sequence that still differs, or null where it does not do it again. */
export function findCulprit(bench: Bench, c: FuzzCase): Culprit | null {
  const beginnings = c.steps.map((_, last) => withoutSteps(c, (i) => i > last));
  let found: Culprit | null = null;
  bench.run(beginnings, ({ mismatch }, i) => {
    if (found !== null || mismatch === null) return;
    found = { case: beginnings[i]!, mismatch, signature: signatureOf(beginnings[i]!, mismatch) };
  });
  return found;
}

const EMPTY = { rflags: 0x202, mxcsr: 0x1f80 } as const;
const PLAIN_POINTER = DATA.base + 0x800n;

type Move = (c: FuzzCase) => FuzzCase | null;

const withState = (c: FuzzCase, change: Partial<StartState>): FuzzCase => ({ ...c, state: { ...c.state, ...change } });
const replaced = <T>(list: ArrayLike<T>, at: number, value: T): T[] =>
  Array.from(list, (old, n) => (n === at ? value : old));

function withStep(c: FuzzCase, at: number, bytes: Uint8Array): FuzzCase | null {
  const { insn: before, ...rest } = c.steps[at]!;
  const step: Step = { ...rest, bytes };
  const insn = insnOf(step);
  if (insn === null || insn.length !== bytes.length || insn.code !== (before ?? insnOf(c.steps[at]!))?.code)
    return null;
  return { ...c, steps: replaced(c.steps, at, { ...step, insn }) };
}

/** The instruction with simpler constants and without a prefix that it does not need. */
function* stepMoves(c: FuzzCase, at: number): Generator<Move> {
  const { bytes, place, within } = c.steps[at]!;
  const { immediate, displacement } = constantFields(bytes);
  const filled = (field: { at: number; size: number }, value: number): Move => {
    return (now) => {
      const next = now.steps[at]!.bytes.slice();
      if (next.length !== bytes.length) return null;
      next.fill(0, field.at, field.at + field.size);
      next[field.at] = value;
      return next.every((byte, n) => byte === now.steps[at]!.bytes[n]) ? null : withStep(now, at, next);
    };
  };
  for (const value of [0, 1]) if (immediate.size > 0 && c.steps[at]!.to === undefined) yield filled(immediate, value);
  if (displacement.size > 0 && place === undefined && within === undefined) yield filled(displacement, 0);
  for (let n = 0; n < bytes.length && isPrefix(bytes[n]!); n++)
    yield (now) => {
      const next = Uint8Array.from(now.steps[at]!.bytes).filter((_, i) => i !== n);
      return withStep(now, at, next);
    };
}

/** Words of the start state, each made plain. */
function* stateMoves(c: FuzzCase): Generator<Move> {
  const { state } = c;
  const zeros = new Array<bigint>(16).fill(0n);
  yield (now) => withState(now, { fxsave: initialFxsave() });
  yield (now) => withState(now, { ymmHigh: zeros });
  yield (now) => (now.state.avx512 ? withState(now, { avx512: new Uint8Array(AVX512_BYTES) }) : null);
  yield (now) => withState(now, { xmm: zeros });
  yield (now) => withState(now, { mxcsr: EMPTY.mxcsr });
  yield (now) => withState(now, { rflags: EMPTY.rflags });
  yield (now) => withState(now, { fsBase: 0n, gsBase: 0n });
  yield (now) => withState(now, { memory: [] });
  yield (now) => withState(now, { gpr: replaced(zeros, 4, PLAIN_POINTER) });
  for (let n = 0; n < 16; n++) {
    for (const value of [0n, 1n, PLAIN_POINTER, state.gpr[n]! & 0xffn])
      yield (now) =>
        now.state.gpr[n]! <= value || (value === 0n && n === 4)
          ? null
          : withState(now, { gpr: replaced(now.state.gpr, n, value) });
    yield (now) => (now.state.xmm[n] === 0n ? null : withState(now, { xmm: replaced(now.state.xmm, n, 0n) }));
    yield (now) =>
      now.state.ymmHigh[n] === 0n ? null : withState(now, { ymmHigh: replaced(now.state.ymmHigh, n, 0n) });
  }
  for (const [name] of namedAvx512(state.avx512 ?? new Uint8Array(AVX512_BYTES)))
    yield ({ state: now, ...rest }) =>
      now.avx512?.some((byte) => byte !== 0)
        ? { ...rest, state: { ...now, avx512: withAvx512(now.avx512, name, 0n) } }
        : null;
  for (let bit = 1; bit <= 0x800; bit <<= 1)
    if (bit !== 2 && bit !== 0x200)
      yield (now) => (now.state.rflags & bit ? withState(now, { rflags: now.state.rflags & ~bit }) : null);
  for (const { base, size } of [CODE, WRITABLE_CODE])
    yield (now) =>
      now.codeAddress >= base && now.codeAddress < base + BigInt(size) && now.codeAddress !== base + 0x100n
        ? { ...now, codeAddress: base + 0x100n }
        : null;
}

const SMALLEST_PIECE = 8;

/** Memory: whole patches away, then halves, quarters … of what is left. */
function* memoryMoves(c: FuzzCase): Generator<Move> {
  for (let n = c.state.memory.length - 1; n >= 0; n--)
    yield ({ state, ...rest }) =>
      state.memory.length > n ? { ...rest, state: { ...state, memory: state.memory.filter((_, i) => i !== n) } } : null;
  const most = Math.max(0, ...c.state.memory.map(({ bytes }) => bytes.length));
  for (let piece = most >> 1; piece >= SMALLEST_PIECE; piece >>= 1)
    for (let from = 0; from < most; from += piece)
      yield (now) => {
        let changed = false;
        const memory = now.state.memory.map(({ address, bytes }) => {
          const part = bytes.subarray(from, from + piece);
          if (!part.some((byte) => byte !== 0)) return { address, bytes };
          changed = true;
          return { address, bytes: Uint8Array.from(bytes).fill(0, from, from + piece) };
        });
        return changed ? withState(now, { memory }) : null;
      };
}

/** Patches without the zeros at their ends: memory is zero anyway. */
function trimmed(c: FuzzCase): FuzzCase {
  const memory = c.state.memory.flatMap(({ address, bytes }) => {
    const from = bytes.findIndex((byte) => byte !== 0);
    if (from < 0) return [];
    let to = bytes.length;
    while (bytes[to - 1] === 0) to--;
    return [{ address: address + BigInt(from), bytes: bytes.slice(from, to) }];
  });
  return withState(c, { memory });
}

/**
 * Makes a sequence smaller as long as it still shows the same finding: instructions go first, then constants, registers,
 * vectors, the other words of the state, and memory.
 */
export function shrink(bench: Bench, culprit: Culprit): Culprit {
  let best = culprit;
  const wanted = signatureText(culprit.signature);
  const attempt = (candidate: FuzzCase | null): boolean => {
    if (candidate === null) return false;
    const { mismatch } = bench.verdict(candidate);
    if (mismatch === null) return false;
    const signature = signatureOf(candidate, mismatch);
    if (signatureText(signature) !== wanted) return false;
    best = { case: candidate, mismatch, signature };
    return true;
  };
  const last = (): number => best.case.steps.length - 1;
  attempt(withoutSteps(best.case, (i) => i !== last()));
  for (let gone = true; gone; ) {
    gone = false;
    for (let at = last() - 1; at >= 0; at--) gone = attempt(withoutSteps(best.case, (i) => i === at)) || gone;
  }
  for (const move of stateMoves(best.case)) attempt(move(best.case));
  for (let at = 0; at <= last(); at++) for (const move of stepMoves(best.case, at)) attempt(move(best.case));
  for (const move of memoryMoves(best.case)) attempt(move(best.case));
  attempt(trimmed(best.case));
  return best;
}
