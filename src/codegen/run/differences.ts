import { littleEndianNumber } from '../../bits/bytes.ts';
import { hex } from '../../bits/hex.ts';
import { baseName } from '../names.ts';
import type { PlacedResult } from './abi.ts';
import { barrierDifference } from './barriers.ts';
import { onStack } from './bounds.ts';
import type { CodeImage } from './image.ts';
import type { CallOutcome, OutsideCall } from './outcome.ts';
import { resultBytes } from './placed.ts';
import { endText, placeName } from './report.ts';
import { sameValue, valueText } from './values.ts';

/** One side of a run: what ran, and where. */
export interface Side {
  readonly image: CodeImage;
  readonly outcome: CallOutcome;
}

/** What is known of the function beside one run. */
export interface ResultKind {
  /** Every run of the old build has left a result, and some instruction has written it. */
  readonly integer: boolean;
  /** It was always widened with its sign. */
  readonly extended: boolean;
  readonly float: boolean;
  /** What the source declares, where it is known: then nothing is guessed. */
  readonly declared: PlacedResult | null;
  /** How many registers the declared parameters of a function outside take; null where that is not known, or is not fixed. */
  parametersOf(name: string): number | null;
}

const FLOAT = 32;
const DOUBLE = 64;
const LONG = 64;
const WORD = 8;
/** The argument of __assert_fail that compilers spell in their own ways. */
const FUNCTION_NAME = 3;
const ARGUMENT_NAMES = 'rdi rsi rdx rcx r8 r9'.split(' ');

/** Whether two values mean the same: equal, or addresses of the same thing in either build. */
function same(a: Side, x: bigint, b: Side, y: bigint): boolean {
  if (x === y) return true;
  if (onStack(x) && onStack(y)) return true;
  const name = a.image.nameOf(x);
  return name !== null && name === b.image.nameOf(y);
}

/** Whether a pair of runs says anything: a function that faults in the old build had no right to its input. */
export const comparable = (old: CallOutcome, fresh: CallOutcome): boolean =>
  old.end.reason !== 'fault' && old.end.reason !== 'limit' && fresh.end.reason !== 'limit';

/** What differs between two runs on one input, in words; nothing where they are equal. */
export function differences(old: Side, fresh: Side, kind: ResultKind): string[] {
  const a = old.outcome;
  const b = fresh.outcome;
  if (!comparable(a, b)) return [];
  if (a.end.reason !== b.end.reason) return [`old ${endText(old.image, a)}, new ${endText(fresh.image, b)}`];
  return [
    ...callDifferences(old, fresh, kind),
    ...barrierDifference(a.barriers, b.barriers),
    ...resultDifferences(old, fresh, kind),
    ...memoryDifferences(old, fresh),
  ];
}

function callDifferences(old: Side, fresh: Side, kind: ResultKind): string[] {
  const a = old.outcome.calls;
  const b = fresh.outcome.calls;
  if (inAnotherOrder(a, b)) {
    return ['the same calls in another order, which C leaves open for the arguments of one call'];
  }
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const x = a[i];
    const y = b[i];
    if (x === undefined || y === undefined || baseName(x.name) !== baseName(y.name)) {
      return [`call ${i + 1}: old ${x?.name ?? 'none'}, new ${y?.name ?? 'none'}`];
    }
    if (x.output !== y.output) return [`call ${i + 1}, ${x.name}: old ${x.output}, new ${y.output}`];
    if (x.output !== null) continue;
    const parameters = kind.parametersOf(x.name);
    const meant = parameters === null ? comparedArguments(x, y) : (1 << parameters) - 1;
    for (const [k, name] of ARGUMENT_NAMES.entries()) {
      if (!(meant & (1 << k)) || k >= x.args.length || (x.name === '__assert_fail' && k === FUNCTION_NAME)) continue;
      if (sameArgument(old, x.args[k]!, fresh, y.args[k]!)) continue;
      return [
        `call ${i + 1}, ${x.name}: ${name} old ${placeName(old.image, x.args[k]!)}, new ${placeName(fresh.image, y.args[k]!)}`,
      ];
    }
  }
  return [];
}

/** Whether two lists have the same calls, but not in the same order. */
function inAnotherOrder(a: readonly OutsideCall[], b: readonly OutsideCall[]): boolean {
  if (a.length !== b.length || a.every((call, i) => baseName(call.name) === baseName(b[i]!.name))) return false;
  const sorted = (calls: readonly OutsideCall[]): string =>
    calls
      .map(({ name }) => baseName(name))
      .sort()
      .join();
  return sorted(a) === sorted(b);
}

/**
 * Arguments to compare: what both builds have set for the call, and below the last of these what one has set and the other has passed on. What
 * only one has set may be a value that a path not taken wants.
 */
function comparedArguments(x: OutsideCall, y: OutsideCall): number {
  const both = x.meant & y.meant;
  const below = both === 0 ? 0 : (1 << (31 - Math.clz32(both))) - 1;
  return both | (((x.meant & y.passed) | (y.meant & x.passed)) & below);
}

/** The upper half of an argument of 32 bits is anybody's. */
const sameArgument = (old: Side, x: bigint, fresh: Side, y: bigint): boolean =>
  same(old, x, fresh, y) || ((x >> 32n === 0n || y >> 32n === 0n) && BigInt.asUintN(32, x) === BigInt.asUintN(32, y));

function resultDifferences(old: Side, fresh: Side, kind: ResultKind): string[] {
  const a = old.outcome;
  const b = fresh.outcome;
  if (a.end.reason !== 'return') return [];
  if (kind.declared !== null) return declaredDifference(old, fresh, kind.declared);
  const found: string[] = [];
  const both = Math.min(a.resultWidth, b.resultWidth);
  const guessed = !kind.integer ? 0 : kind.extended ? LONG : b.resultWidth === 0 ? a.resultWidth : both;
  const width = guessed;
  if (width > 0) {
    const x = BigInt.asUintN(width, a.rax);
    const y = BigInt.asUintN(width, b.rax);
    if (!same(old, x, fresh, y)) found.push(`result: old ${placeName(old.image, x)}, new ${placeName(fresh.image, y)}`);
  }
  const guessedFloat = !kind.float ? 0 : b.xmm0Width === 0 ? a.xmm0Width : Math.min(a.xmm0Width, b.xmm0Width);
  const float = guessedFloat;
  if (float === FLOAT || float === DOUBLE) {
    const x = BigInt.asUintN(float, a.xmm0);
    const y = BigInt.asUintN(float, b.xmm0);
    if (x !== y && !(isNaNBits(x, float) && isNaNBits(y, float)))
      found.push(`result: old xmm0 ${hex(x)}, new ${hex(y)}`);
  }
  return found;
}

/** How results of a declared type differ; what is written to memory is compared there. */
function declaredDifference(old: Side, fresh: Side, declared: PlacedResult): string[] {
  const { type, inMemory } = declared;
  const [x, y] = [old, fresh].map(({ outcome }) => resultBytes(outcome, declared));
  if (x == null || y == null || inMemory) return [];
  if (sameValue(type, x, y, (p, q) => same(old, p, fresh, q))) return [];
  const text = (side: Side, bytes: Uint8Array): string => {
    const { kind } = type;
    // Registers say most in hexadecimal; values of several parts by their members.
    return kind === 'struct' || kind === 'array' || kind === 'complex' || kind === 'float'
      ? valueText(type, bytes, (address) => placeName(side.image, address))
      : placeName(side.image, littleEndianNumber(bytes));
  };
  return [`result: old ${text(old, x)}, new ${text(fresh, y)}`];
}

function isNaNBits(bits: bigint, width: number): boolean {
  const view = new DataView(new ArrayBuffer(8));
  if (width === FLOAT) view.setUint32(0, Number(bits));
  else view.setBigUint64(0, bits);
  return Number.isNaN(width === FLOAT ? view.getFloat32(0) : view.getFloat64(0));
}

/** Words of memory that differ between two runs, in words; nothing where the runs say nothing. */
export function memoryDifferences(old: Side, fresh: Side): string[] {
  if (!comparable(old.outcome, fresh.outcome)) return [];
  const found: string[] = [];
  const a = old.outcome.words;
  const b = fresh.outcome.words;
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const x = a.get(name);
    const y = b.get(name);
    const before = (x ?? y)!.before;
    const left = x?.after ?? before;
    const right = y?.after ?? before;
    if (!same(old, left, fresh, right)) found.push(`memory at ${name}: old ${hex(left)}, new ${hex(right)}`);
  }
  for (const page of new Set([...old.outcome.pages.keys(), ...fresh.outcome.pages.keys()])) {
    found.push(...pageDifferences(old, fresh, page));
  }
  return found;
}

function pageDifferences(old: Side, fresh: Side, page: bigint): string[] {
  const x = old.outcome.pages.get(page);
  const y = fresh.outcome.pages.get(page);
  const { before } = (x ?? y)!;
  const left = x?.after ?? before;
  const right = y?.after ?? before;
  if (Buffer.compare(left, right) === 0) return [];
  const found: string[] = [];
  const [a, b] = [left, right].map(({ buffer, byteOffset, length }) => new DataView(buffer, byteOffset, length));
  for (let at = 0; at < left.length; at += WORD) {
    const was = a!.getBigUint64(at, true);
    const is = b!.getBigUint64(at, true);
    if (same(old, was, fresh, is) || isPacked(old, a!, fresh, b!, at)) continue;
    found.push(`memory at ${placeName(old.image, page + BigInt(at))}: old ${hex(was)}, new ${hex(is)}`);
  }
  return found;
}

/** Whether bytes of a word differ only as parts of an address of the same thing that is not aligned. */
function isPacked(old: Side, a: DataView, fresh: Side, b: DataView, at: number): boolean {
  const differs = (byte: number): boolean => a.getUint8(byte) !== b.getUint8(byte);
  for (let byte = at; byte < at + WORD; byte++) {
    if (!differs(byte)) continue;
    const from = Math.max(0, byte - WORD + 1);
    const to = Math.min(byte, a.byteLength - WORD);
    let covered = false;
    for (let start = from; start <= to && !covered; start++) {
      covered = same(old, a.getBigUint64(start, true), fresh, b.getBigUint64(start, true));
    }
    if (!covered) return false;
  }
  return true;
}
