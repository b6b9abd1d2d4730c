import type { PhysicalMemory } from '../../memory/physical.ts';
import { PAGE } from './layout.ts';

/** A file as the memory system sees it. */
export interface Backing {
  /** Path shown in /proc/self/maps. */
  readonly label: string;
  readonly device: number;
  readonly inode: number;
  /** Bytes; a page wholly behind the end raises SIGBUS. */
  readonly size: number;
  /** Reads up to `into.length` bytes at `offset`, as read(2) would now see them. Returns how many there were. */
  read(offset: number, into: Uint8Array): number;
  /**
   * Frames by page-aligned offset, for a file whose bytes do not change while it is mapped: private mappings that nobody may write
   * share them, so that code is decoded and compiled once for all processes.
   */
  readonly frames?: Map<number, number>;
  /** The one set of frames that every shared mapping of this file uses; made at the first one. */
  sharedPages(memory: PhysicalMemory): SharedPages;
  /** Each mapping holds the file once, so that it stays readable after its descriptor is closed. */
  retain(): void;
  release(): void;
}

/** Writes one page's bytes to where they persist. Null for shared memory without a file. */
export type WriteBack = (offset: number, bytes: Uint8Array) => void;

/**
 * Frames that several mappings see at once: a file's page cache, or shared anonymous memory.
 * Frames belong to this object, not to the page tables; they live until the last mapping lets go.
 */
export class SharedPages {
  readonly #memory: PhysicalMemory;
  readonly #load: ((offset: number, into: Uint8Array) => number) | null;
  readonly #writeBack: WriteBack | null;
  readonly #frames = new Map<number, number>();
  readonly #dirty = new Set<number>();
  #users = 0;

  constructor(
    memory: PhysicalMemory,
    load: ((offset: number, into: Uint8Array) => number) | null,
    writeBack: WriteBack | null,
  ) {
    this.#memory = memory;
    this.#load = load;
    this.#writeBack = writeBack;
  }

  /** The frame of page `index`, loaded at first use. @throws OutOfMemory */
  frame(index: number): number {
    let frame = this.#frames.get(index);
    if (frame === undefined) {
      frame = this.#memory.allocateFrame();
      this.#load?.(index * PAGE, this.#memory.bytes(frame, PAGE));
      this.#frames.set(index, frame);
    }
    return frame;
  }

  has(index: number): boolean {
    return this.#frames.has(index);
  }

  markDirty(index: number): void {
    this.#dirty.add(index);
  }

  retain(): void {
    this.#users++;
  }

  /** One mapping fewer; the last one writes back and frees everything. Returns true when it was the last. */
  release(): boolean {
    if (--this.#users > 0) return false;
    this.flush();
    for (const frame of this.#frames.values()) this.#memory.freeFrame(frame);
    this.#frames.clear();
    return true;
  }

  /** Writes every page marked dirty back. */
  flush(): void {
    for (const index of this.#dirty) {
      const frame = this.#frames.get(index);
      if (frame !== undefined) this.#writeBack?.(index * PAGE, this.#memory.bytes(frame, PAGE));
    }
    this.#dirty.clear();
  }

  /** Lays resident pages over `into`, which holds the file's bytes from `offset` on. */
  overlay(offset: number, into: Uint8Array): void {
    this.#each(offset, into.length, (frame, within, at, length) => {
      into.set(this.#memory.bytes(frame + within, length), at);
    });
  }

  /** Carries a write(2) into the resident pages. */
  update(offset: number, bytes: Uint8Array): void {
    this.#each(offset, bytes.length, (frame, within, at, length) => {
      this.#memory.write(frame + within, bytes.subarray(at, at + length));
    });
  }

  /** Makes whole pages zero (MADV_REMOVE), and the file behind them. */
  punch(offset: number, length: number): void {
    for (let at = offset; at < offset + length; at += PAGE) {
      const frame = this.#frames.get(at / PAGE);
      if (frame !== undefined) this.#memory.fill(frame, PAGE, 0);
      this.#dirty.delete(at / PAGE);
      this.#writeBack?.(at, new Uint8Array(PAGE));
    }
  }

  /** The file now ends at `size`: what lay behind it is gone. */
  truncate(size: number): void {
    const tail = size % PAGE;
    const frame = this.#frames.get(Math.floor(size / PAGE));
    if (tail !== 0 && frame !== undefined) this.#memory.fill(frame + tail, PAGE - tail, 0);
    for (const [index, gone] of this.#frames) {
      // A page behind the end may still be mapped, so its frame stays; only its bytes go.
      if (index * PAGE >= size) this.#memory.fill(gone, PAGE, 0);
      if (index * PAGE >= size) this.#dirty.delete(index);
    }
  }

  #each(offset: number, length: number, visit: (frame: number, within: number, at: number, length: number) => void) {
    if (this.#frames.size === 0) return;
    for (let at = 0; at < length; ) {
      const within = (offset + at) % PAGE;
      const part = Math.min(PAGE - within, length - at);
      const frame = this.#frames.get(Math.floor((offset + at) / PAGE));
      if (frame !== undefined) visit(frame, within, at, part);
      at += part;
    }
  }
}
