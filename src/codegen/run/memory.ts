import { PAGE_SIZE } from '../../memory/physical.ts';
import { ARENA, ARENA_OBJECT } from './layout.ts';

/** What unknown memory holds: words that were given, and words drawn from a seed, or zeros. */
export interface UnknownMemory {
  /** Decides every word that is not given; null: they are zero. */
  readonly seed: number | null;
  /** Eight bytes by their address. */
  readonly words: ReadonlyMap<bigint, bigint>;
  /** Numbers that the code compares with: worth drawing. */
  readonly constants: readonly bigint[];
}

const OBJECTS = 1 << 12;
const WORD = 8;

/** A 32-bit hash of an address under a seed (murmur3's finaliser). */
export function mix(seed: number, address: bigint): number {
  let h =
    seed ^ Number(BigInt.asUintN(32, address)) ^ Math.imul(Number(BigInt.asUintN(32, address >> 32n)), 0x9e37_79b1);
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The address of an object that a pointer may lead to. */
export const objectAt = (number: number): bigint => ARENA + BigInt(number % OBJECTS) * ARENA_OBJECT;

/** Where a value is put together that goes into registers; nothing of it stays there. */
export const SCRATCH = objectAt(OBJECTS - 1);

/** Whether an address lies in one of those. */
export const isObject = (address: bigint): boolean =>
  address >= ARENA && address < ARENA + BigInt(OBJECTS) * ARENA_OBJECT;

/** Where the object begins that an address would lie in. */
export const objectOf = (address: bigint): bigint => address & ~(ARENA_OBJECT - 1n);

/** A word that programs may find useful: zero, small, a constant of theirs, a pointer, or anything. */
export function drawWord(hash: number, constants: readonly bigint[]): bigint {
  const rest = hash >>> 4;
  switch (hash & 15) {
    case 0:
    case 1:
    case 2:
      return 0n;
    case 3:
    case 4:
    case 5:
      return BigInt(rest & 0xff);
    case 6:
    case 7:
    case 8:
    case 9:
      return objectAt(rest);
    case 10:
      return BigInt.asUintN(64, -BigInt((rest & 0xff) + 1));
    case 11:
    case 12:
      return constants.length === 0 ? 1n : constants[rest % constants.length]!;
    default:
      return BigInt.asUintN(64, (BigInt(hash) << 32n) | BigInt(Math.imul(hash, 0x9e37_79b1) >>> 0));
  }
}

/** Puts bytes into words of memory by their address; bytes of a word that nobody has put are zero. */
export function putBytes(words: Map<bigint, bigint>, address: bigint, bytes: Uint8Array): void {
  for (const [i, byte] of bytes.entries()) {
    const at = address + BigInt(i);
    const word = at & ~BigInt(WORD - 1);
    const shift = (at - word) * 8n;
    words.set(word, ((words.get(word) ?? 0n) & ~(0xffn << shift)) | (BigInt(byte) << shift));
  }
}

/** One eight-byte word of unknown memory. */
export function unknownWord(memory: UnknownMemory, address: bigint): bigint {
  const given = memory.words.get(address);
  if (given !== undefined) return given;
  return memory.seed === null ? 0n : drawWord(mix(memory.seed, address), memory.constants);
}

/** A page of unknown memory. */
export function unknownPage(memory: UnknownMemory, page: bigint): Uint8Array {
  const bytes = new Uint8Array(PAGE_SIZE);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < PAGE_SIZE; at += WORD) {
    view.setBigUint64(at, unknownWord(memory, page + BigInt(at)), true);
  }
  return bytes;
}
