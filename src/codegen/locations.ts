import { type InsnStream, NO_REGISTER, RIP_REGISTER, VECTOR_REGISTER } from '../decode/stream.ts';
import { ACCESS } from '../decode/traits.ts';
import type { CodeFunction } from './build.ts';
import { slotAddress } from './count.ts';
import { isConstantAddress, type Reference } from './references.ts';
import type { Values } from './values.ts';

/** A place in memory: constant, or as far from the value of a register. */
export interface Location {
  /** 0, `SEGMENT_FS`, `SEGMENT_GS`: places of different segments are compared by nothing. */
  readonly segment: number;
  /** No register decides it: symbol (null: none) and offset. */
  readonly constant: boolean;
  readonly symbol: string | null;
  readonly offset: number;
  /** Bytes; 0 where unknown: it may be any number. */
  readonly size: number;
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  /** Numbers of the values that base and index hold; `NO_REGISTER` where there is none. */
  readonly baseValue: number;
  readonly indexValue: number;
}

const RSP = 4;
const RBP = 5;

/** The location of the explicit memory operand of an instruction; null of one that has none. */
export function locationOf(
  fn: CodeFunction,
  stream: InsnStream,
  n: number,
  reference: Reference | undefined,
  values: Values,
): Location | null {
  const { memory, size } = stream.traits[n]!;
  if (memory < 0) return null;
  const base = stream.base[n]!;
  const index = stream.index[n]!;
  const constant = isConstantAddress(stream, n);
  const symbol = reference?.place.symbol ?? null;
  const relocated = reference !== undefined && fn.unit.kind === 'relocatable';
  return {
    segment: stream.segment[n]!,
    constant,
    symbol: relocated ? symbol : null,
    offset: relocated ? reference.place.offset : constant ? slotAddress(fn, stream, n) : stream.displacement[n]!,
    size,
    base: base === RIP_REGISTER ? NO_REGISTER : base,
    index,
    scale: stream.scale[n]!,
    baseValue: isGpr(base) ? values.before(n, base) : NO_REGISTER,
    indexValue: isGpr(index) ? values.before(n, index) : NO_REGISTER,
  };
}

const isGpr = (register: number): boolean => register >= 0 && register < RIP_REGISTER;

/** The same for the same place. */
export function locationKey(l: Location): string {
  return `${l.segment},${l.symbol ?? ''},${l.offset},${l.size},${l.baseValue},${l.indexValue},${l.scale}`;
}

/** What is known about the stack of a function. */
export interface Frame {
  /** RBP holds an address in the frame. */
  readonly pointer: boolean;
  /** An address in it goes where other code, or another register, has it. */
  readonly escapes: boolean;
}

/** Looks for addresses of the frame that are taken. */
export function frameOf(stream: InsnStream): Frame {
  let pointer = false;
  let escapes = false;
  for (let n = 0; n < stream.count; n++) {
    const { mnemonic, codeName } = stream.traits[n]!;
    if (mnemonic === 'lea' && (stream.base[n] === RSP || (pointer && stream.base[n] === RBP))) {
      if ((stream.writes[n]! & (1 << RSP)) === 0) escapes = true;
    } else if (codeName === 'Mov_rm64_r64' || codeName === 'Mov_r64_rm64') {
      const at = stream.at[n]!;
      const [rex, , modrm] = stream.bytes.subarray(at, at + 3);
      // mov %rsp,%reg as 48/49 89 /4: RBP is the frame pointer, every other register an escape.
      if (stream.length[n] !== 3 || (rex! & 4) !== 0 || modrm! >> 6 !== 3 || ((modrm! >> 3) & 7) !== RSP) continue;
      if (codeName !== 'Mov_rm64_r64') continue;
      if ((modrm! & 7) === RBP && (rex! & 1) === 0) pointer = true;
      else escapes = true;
    }
  }
  return { pointer, escapes };
}

const inFrame = (l: Location, frame: Frame): boolean =>
  l.segment === 0 && l.index === NO_REGISTER && (l.base === RSP || (l.base === RBP && frame.pointer));

const overlap = (a: Location, b: Location): boolean =>
  a.size === 0 || b.size === 0 || (a.offset < b.offset + b.size && b.offset < a.offset + a.size);

/** What a comparison may take for granted. */
export interface Assumptions {
  /** No ordinary pointer leads into the per-CPU area. */
  readonly percpuPrivate: boolean;
}

/** Whether a store may change what stands at `place`. Where nothing proves that it does not, it may. */
export function mayAlias(store: Location, place: Location, frame: Frame, assume: Assumptions): boolean {
  if (store.index === VECTOR_REGISTER || place.index === VECTOR_REGISTER) return true;
  const sameRegisters =
    store.baseValue === place.baseValue && store.indexValue === place.indexValue && store.scale === place.scale;
  if (store.constant && place.constant) {
    if (store.segment !== place.segment) return false;
    if (store.symbol !== place.symbol) return false;
    return overlap(store, place);
  }
  if (store.segment === place.segment && sameRegisters && store.symbol === place.symbol) return overlap(store, place);
  const storeFrame = inFrame(store, frame);
  const placeFrame = inFrame(place, frame);
  if (storeFrame !== placeFrame && !frame.escapes) return false;
  if (storeFrame !== placeFrame && (store.constant || place.constant)) return false;
  if (assume.percpuPrivate && store.segment !== place.segment) return false;
  return true;
}

/** Whether an instruction reads, or writes, its location. */
export const reads = (stream: InsnStream, n: number): boolean => (stream.traits[n]!.access & ACCESS.read) !== 0;
export const writes = (stream: InsnStream, n: number): boolean => (stream.traits[n]!.access & ACCESS.write) !== 0;
