import { RAM } from '../state/layout.ts';
import { E, fail } from './errno.ts';
import { PF } from './vm/flags.ts';
import { PAGE, TASK_SIZE } from './vm/layout.ts';
import type { AddressSpace } from './vm.ts';

/** What LAM_U57 leaves of a pointer's bits: all but 62:57 (arch_prctl(ARCH_GET_UNTAG_MASK)). */
export const LAM_UNTAG_MASK = 0x81ff_ffff_ffff_ffffn;
const untagged = (pointer: bigint): bigint => (pointer >> 63n ? pointer : pointer & LAM_UNTAG_MASK);

/** Longest path that Linux takes, its end included. */
export const PATH_MAX = 4096;

/**
 * How the stub reads and writes a process's memory: through its page tables, with its rights, faulting pages in.
 * Every method fails with EFAULT where the process could not have done the access itself.
 */
export class UserMemory {
  readonly #space: AddressSpace;

  constructor(space: AddressSpace) {
    this.#space = space;
  }

  /** Physical address of one byte, or -1. */
  #physical(address: number, write: boolean): number {
    if (!(address >= 0 && address < TASK_SIZE)) return -1;
    const { tables } = this.#space;
    const physical = tables.translate(address, write);
    if (physical >= 0) return physical;
    const result = this.#space.handleFault(address, PF.USER | (write ? PF.WRITE : 0));
    return result.ok ? tables.translate(address, write) : -1;
  }

  /** How many of the `length` bytes from `address` on can be accessed before the first that cannot. */
  span(address: number, length: number, write: boolean): number {
    let done = 0;
    while (done < length) {
      if (this.#physical(address + done, write) < 0) return done;
      done += Math.min(length - done, PAGE - ((address + done) % PAGE));
    }
    return length;
  }

  /** A copy of `length` bytes. */
  read(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const physical = this.#physical(address + done, false);
      if (physical < 0) fail(E.EFAULT);
      const part = Math.min(length - done, PAGE - (physical % PAGE));
      bytes.set(this.#space.memory.bytes(physical, part), done);
      done += part;
    }
    return bytes;
  }

  /** Writes `bytes`; code caches hear of it. */
  write(address: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const physical = this.#physical(address + done, true);
      if (physical < 0) fail(E.EFAULT);
      const part = Math.min(bytes.length - done, PAGE - (physical % PAGE));
      this.#space.memory.write(physical, bytes.subarray(done, done + part));
      done += part;
    }
  }

  /** Fills `length` bytes with zero. */
  clear(address: number, length: number): void {
    for (let done = 0; done < length; ) {
      const physical = this.#physical(address + done, true);
      if (physical < 0) fail(E.EFAULT);
      const part = Math.min(length - done, PAGE - (physical % PAGE));
      this.#space.memory.fill(physical, part, 0);
      done += part;
    }
  }

  /** A view of a copy, for structures. */
  view(address: number, length: number): DataView {
    return new DataView(this.read(address, length).buffer);
  }

  u32(address: number): number {
    if (address % PAGE > PAGE - 4) return this.view(address, 4).getUint32(0, true);
    const physical = this.#physical(address, false);
    if (physical < 0) fail(E.EFAULT);
    return this.#space.memory.view.getUint32(RAM + physical, true);
  }

  u64(address: number): bigint {
    return this.view(address, 8).getBigUint64(0, true);
  }

  /**
   * A pointer in memory as a number, without its tag; above 2^53 it is inexact, which every later check refuses anyway. Sizes are
   * read so too: one that has a tag is too large.
   */
  word(address: number): number {
    return Number(this.untag(this.u64(address)));
  }

  /** A pointer as the CPU takes it: without its tag where the process has turned tags on (Linux: untagged_addr). */
  untag(pointer: bigint): bigint {
    return this.#space.lam.enabled ? untagged(pointer) : pointer;
  }

  setU32(address: number, value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value >>> 0, true);
    this.write(address, bytes);
  }

  /** The same where it does not matter whether it can be written. */
  trySetU32(address: number, value: number): void {
    if (this.span(address, 4, true) === 4) this.setU32(address, value);
  }

  setU64(address: number, value: bigint | number): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
    this.write(address, bytes);
  }

  /**
   * The bytes before the first zero.
   * @throws SysError `tooLong` when there is none within `limit` bytes
   */
  cstring(address: number, limit = PATH_MAX, tooLong: number = E.ENAMETOOLONG): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let done = 0; done < limit; ) {
      const physical = this.#physical(address + done, false);
      if (physical < 0) fail(E.EFAULT);
      const part = this.#space.memory.bytes(physical, Math.min(limit - done, PAGE - (physical % PAGE)));
      const end = part.indexOf(0);
      parts.push(part.slice(0, end < 0 ? part.length : end));
      if (end >= 0) return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      done += part.length;
    }
    return fail(tooLong);
  }

  /** A path as text, see `decodeName`. */
  path(address: number): string {
    return decodeName(this.cstring(address));
  }

  /** Pointers up to a zero one, each to a string: argv and envp. */
  strings(address: number, limit = 0x20000): string[] {
    const found: string[] = [];
    for (let at = address; address !== 0 && found.length < limit; at += 8) {
      const pointer = this.word(at);
      if (pointer === 0) return found;
      found.push(decodeName(this.cstring(pointer, limit, E.E2BIG)));
    }
    return address === 0 ? found : fail(E.E2BIG);
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Characters that stand for single bytes that are no UTF-8, as Python's surrogateescape has it. */
const ESCAPE = 0xdc00;

/** File names are bytes; inside the stub they are strings. Bytes that are not UTF-8 become lone surrogates DC80–DCFF. */
export function decodeName(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    return Array.from(bytes, (byte) => String.fromCharCode(byte < 0x80 ? byte : ESCAPE + byte)).join('');
  }
}

/** The bytes that `decodeName` was given. */
export function encodeName(name: string): Uint8Array {
  if (/[\udc80-\udcff]/u.test(name)) return Uint8Array.from(name, (character) => character.charCodeAt(0) & 0xff);
  return new TextEncoder().encode(name);
}
