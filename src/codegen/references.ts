import { type InsnStream, NO_REGISTER, RIP_REGISTER, SEGMENT_GS, signedAt } from '../decode/stream.ts';
import { FLOW } from '../decode/traits.ts';
import { isPcRelative, type Relocation, relocationSize } from '../elf/relocations.ts';
import { type CodeFunction, type Place, withOffset } from './build.ts';
import { baseName } from './names.ts';

/** Which field of an instruction refers to something outside it. */
export type Field = 'branch' | 'memory' | 'immediate';

/** A field that names code or data elsewhere, by relocation or, in linked code, by value. */
export interface Reference {
  /** Number of the instruction in the function. */
  readonly insn: number;
  readonly field: Field;
  /** The field's place and size, from the function's start. */
  readonly at: number;
  readonly size: number;
  readonly place: Place;
  /** Offset in the function itself where it leads there, else null. */
  readonly own: number | null;
}

/** Names a place for comparison: by symbol without the compiler's numbers, or by what stands there. */
export function placeKey(place: Place): string {
  if (place.content?.startsWith('constant')) return `${baseName(place.symbol!)}+${place.offset} ${place.content}`;
  if (place.content !== null) return place.content;
  return place.symbol === null ? `0x${place.offset.toString(16)}` : withOffset(baseName(place.symbol), place.offset);
}

/** Names a place for people. */
export function placeText(place: Place): string {
  if (place.symbol === null) return place.content ?? `0x${BigInt.asUintN(64, BigInt(place.offset)).toString(16)}`;
  const name = withOffset(place.symbol, place.offset);
  return place.content?.startsWith('"') ? `${name} ${place.content}` : name;
}

/** Every reference of a function whose instructions `stream` holds. Branches inside the function are none. */
export function referencesOf(fn: CodeFunction, stream: InsnStream): Reference[] {
  return fn.unit.kind === 'relocatable' ? byRelocation(fn, stream) : byValue(fn, stream);
}

function byRelocation(fn: CodeFunction, stream: InsnStream): Reference[] {
  const found: Reference[] = [];
  const relocations = fn.unit.relocationsOf(fn);
  let next = 0;
  for (let n = 0; n < stream.count; n++) {
    const at = stream.at[n]!;
    const end = at + stream.length[n]!;
    const before = found.length;
    for (; next < relocations.length && relocations[next]!.offset < end; next++) {
      if (relocations[next]!.offset >= at) found.push(relocatedField(fn, stream, n, relocations[next]!));
    }
    if (found.length > before) continue;
    const resolved = assembledField(fn, stream, n);
    if (resolved !== null) found.push(resolved);
  }
  return found;
}

/** A place in the same section needs no relocation: the assembler has put the distance in. */
function assembledField(fn: CodeFunction, stream: InsnStream, n: number): Reference | null {
  const traits = stream.traits[n]!;
  const end = stream.at[n]! + stream.length[n]!;
  const branch = !Number.isNaN(stream.target[n]!);
  if (!branch && (stream.base[n] !== RIP_REGISTER || stream.segment[n] !== 0)) return null;
  const target = branch ? stream.target[n]! : end + stream.displacement[n]!;
  const inside = target >= 0 && target < fn.size;
  if (branch && inside) return null;
  const size = branch ? traits.immediate : stream.displacementSize[n]!;
  const place = inside
    ? { symbol: fn.name, offset: target, content: null }
    : (fn.unit.placeOf(fn.address + target, branch ? 0 : traits.size, fn) ?? {
        symbol: null,
        offset: fn.address + target,
        content: null,
      });
  return {
    insn: n,
    field: branch ? 'branch' : 'memory',
    at: end - (branch ? size : traits.immediate + size),
    size,
    place,
    own: inside ? target : null,
  };
}

function relocatedField(fn: CodeFunction, stream: InsnStream, n: number, relocation: Relocation): Reference {
  const { offset, type, addend } = relocation;
  const end = stream.at[n]! + stream.length[n]!;
  const distance = isPcRelative(type) ? addend + (end - offset) : addend;
  const traits = stream.traits[n]!;
  const memoryAt = end - traits.immediate - stream.displacementSize[n]!;
  const field: Field =
    traits.flow === FLOW.jump || traits.flow === FLOW.conditional || traits.flow === FLOW.call
      ? 'branch'
      : stream.displacementSize[n]! > 0 && offset === memoryAt
        ? 'memory'
        : 'immediate';
  return {
    insn: n,
    field,
    at: offset,
    size: relocationSize(type),
    place: fn.unit.relocated(relocation, distance, field === 'memory' ? traits.size : 0, fn),
    own: null,
  };
}

const MIN_ADDRESS_BYTES = 4;

function byValue(fn: CodeFunction, stream: InsnStream): Reference[] {
  const found: Reference[] = [];
  const { unit, address } = fn;
  const add = (insn: number, field: Field, at: number, size: number, target: number): void => {
    const inside = target >= address && target < address + fn.size;
    const place = inside
      ? { symbol: fn.name, offset: target - address, content: null }
      : unit.placeOf(target, field === 'memory' ? stream.traits[insn]!.size : 0, fn);
    if (place !== null) found.push({ insn, field, at, size, place, own: inside ? target - address : null });
    else if (field === 'branch') {
      found.push({ insn, field, at, size, place: { symbol: null, offset: target, content: null }, own: null });
    }
  };
  for (let n = 0; n < stream.count; n++) {
    const traits = stream.traits[n]!;
    const end = stream.at[n]! + stream.length[n]!;
    const target = stream.target[n]!;
    if (!Number.isNaN(target)) {
      if (target < 0 || target >= fn.size) {
        add(n, 'branch', end - traits.immediate, traits.immediate, address + target);
      }
      continue;
    }
    const size = stream.displacementSize[n]!;
    const slot = size >= MIN_ADDRESS_BYTES ? percpuSlot(fn, stream, n) : null;
    if (slot !== null) {
      const place = { symbol: slot, offset: 0, content: null };
      found.push({ insn: n, field: 'memory', at: end - traits.immediate - size, size, place, own: null });
    } else if (size >= MIN_ADDRESS_BYTES && stream.segment[n] === 0) {
      const base = stream.base[n] === RIP_REGISTER ? address + end : 0;
      add(n, 'memory', end - traits.immediate - size, size, base + stream.displacement[n]!);
    }
    if (traits.immediate >= MIN_ADDRESS_BYTES && traits.immediate !== 6) {
      const at = end - traits.immediate;
      const value = signedAt(stream.bytes, at, traits.immediate);
      add(n, 'immediate', at, traits.immediate, traits.widened ? value : value >>> 0);
    }
  }
  return found;
}

/** Name of the variable that an access by %gs means, where its address is constant and has one. */
function percpuSlot(fn: CodeFunction, stream: InsnStream, n: number): string | null {
  if (stream.segment[n] !== SEGMENT_GS || !isConstantAddress(stream, n)) return null;
  const base = stream.base[n] === RIP_REGISTER ? fn.address + stream.at[n]! + stream.length[n]! : 0;
  return fn.unit.slotName(base + stream.displacement[n]!);
}

/** Whether the memory operand of an instruction has an address that no register decides. */
export const isConstantAddress = (stream: InsnStream, n: number): boolean =>
  stream.index[n] === NO_REGISTER && (stream.base[n] === NO_REGISTER || stream.base[n] === RIP_REGISTER);
