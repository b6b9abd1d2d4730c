import type { InsnStream } from '../decode/stream.ts';
import { FLOW } from '../decode/traits.ts';

/**
 * The basic blocks of one function, by number in order of their addresses. Block 0 is the entry. Where a jump goes nobody can see where,
 * it goes to one more block at the end that has no instructions and leads to every other but the entry.
 */
export interface Cfg {
  /** First instruction of each block; one more at the end. */
  readonly first: Int32Array;
  /** Block of each instruction. */
  readonly blockOf: Int32Array;
  readonly successors: readonly (readonly number[])[];
  readonly predecessors: readonly (readonly number[])[];
}

const endsBlock = (flow: number): boolean => flow !== FLOW.next && flow !== FLOW.call && flow !== FLOW.indirectCall;

/** Number of the instruction at an offset, or -1. */
export function insnAt(stream: InsnStream, offset: number): number {
  let low = 0;
  let high = stream.count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const at = stream.at[middle]!;
    if (at === offset) return middle;
    if (at < offset) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/**
 * Builds the graph. A jump out of the function, a return and UD2 have no successor.
 * @param tableOf the offsets that the table of an indirect jump leads to; null where none is known
 */
export function buildCfg(stream: InsnStream, tableOf: (insn: number) => readonly number[] | null): Cfg {
  const { count, target, traits } = stream;
  const leader = new Uint8Array(count + 1);
  leader[0] = 1;
  let indirect = false;
  const switched = new Map<number, readonly number[]>();
  for (let n = 0; n < count; n++) {
    const { flow } = traits[n]!;
    if (!endsBlock(flow)) continue;
    leader[n + 1] = 1;
    if (flow === FLOW.indirectJump) {
      const cases = (tableOf(n) ?? []).map((offset) => insnAt(stream, offset));
      if (cases.length === 0 || cases.includes(-1)) indirect = true;
      else {
        switched.set(n, cases);
        for (const to of cases) leader[to] = 1;
      }
    }
    const to = Number.isNaN(target[n]!) ? -1 : insnAt(stream, target[n]!);
    if (to >= 0) leader[to] = 1;
  }
  const starts: number[] = [];
  const blockOf = new Int32Array(count);
  for (let n = 0; n < count; n++) {
    if (leader[n]) starts.push(n);
    blockOf[n] = starts.length - 1;
  }
  const real = starts.length;
  starts.push(count);
  if (indirect) starts.push(count);
  const blocks = starts.length - 1;
  const successors: number[][] = Array.from({ length: blocks }, () => []);
  const predecessors: number[][] = Array.from({ length: blocks }, () => []);
  const edge = (from: number, to: number): void => {
    if (successors[from]!.includes(to)) return;
    successors[from]!.push(to);
    predecessors[to]!.push(from);
  };
  for (let b = 0; b < real; b++) {
    const last = starts[b + 1]! - 1;
    const { flow } = traits[last]!;
    if (flow === FLOW.jump || flow === FLOW.conditional) {
      const to = insnAt(stream, target[last]!);
      if (to >= 0) edge(b, blockOf[to]!);
    }
    if (flow === FLOW.indirectJump) {
      const cases = switched.get(last);
      if (cases === undefined) edge(b, real);
      else for (const to of cases) edge(b, blockOf[to]!);
    }
    if ((flow === FLOW.conditional || !endsBlock(flow)) && b + 1 < real) edge(b, b + 1);
  }
  if (indirect) {
    for (let to = 1; to < real; to++) {
      successors[real]!.push(to);
      predecessors[to]!.push(real);
    }
  }
  return { first: Int32Array.from(starts), blockOf, successors, predecessors };
}
