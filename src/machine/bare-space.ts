import { hex } from '../bits/hex.ts';
import { PTE } from '../memory/page-tables.ts';
import { pageWalk } from '../memory/page-walk.ts';
import { PAGE_SIZE, type PhysicalMemory } from '../memory/physical.ts';
import { CR0, CR3, EFER, RAM } from '../state/layout.ts';

/** A mapping that cannot be made: one line. */
export class MappingError extends Error {
  override readonly name = 'MappingError';
}

/** A stretch of linear addresses; pages that it touches are mapped whole. */
export interface BareRegion {
  readonly address: bigint;
  /** Bytes, at least 1. */
  readonly size: number;
  readonly write: boolean;
  readonly execute: boolean;
  /** False keeps CPL 3 out. */
  readonly user: boolean;
}

const PAGE = BigInt(PAGE_SIZE);
const TOP = 1n << 64n;
/** Inner entries allow everything: the leaf decides. */
const INNER = PTE.P | PTE.RW | PTE.US | PTE.A;
const EFER_NXE = 1n << 11n;
const CR0_PG = 1n << 31n;
const HALF = 1n << 47n;

/**
 * Memory and page tables of a bare guest: regions anywhere in the canonical address space, in pages of 4 KiB. Frames are
 * handed out in ascending order from 0x1000, so that the same regions give the same physical addresses every time.
 */
export class BareSpace {
  readonly #memory: PhysicalMemory;
  #next = PAGE_SIZE;
  /** Physical address of the PML4. */
  root = 0;

  constructor(memory: PhysicalMemory) {
    this.#memory = memory;
    this.reset();
  }

  /** Zeroes every frame handed out so far and starts anew. Frames that a guest reached by tables of its own stay dirty. */
  reset(): void {
    if (this.#next > PAGE_SIZE) this.#memory.fill(PAGE_SIZE, this.#next - PAGE_SIZE, 0);
    this.#next = PAGE_SIZE;
    this.root = this.#frame();
  }

  #frame(): number {
    const frame = this.#next;
    if (frame + PAGE_SIZE > this.#memory.size) {
      throw new MappingError(`more than the guest's ${this.#memory.size >> 20} MiB of memory; raise --memory`);
    }
    this.#next += PAGE_SIZE;
    this.#memory.touch(frame, PAGE_SIZE);
    return frame;
  }

  /**
   * Maps a region. A page that is mapped already keeps its frame and gets these rights.
   * @throws MappingError when it is not canonical or does not fit the memory
   */
  map(region: BareRegion): void {
    const { address, size } = region;
    const end = address + BigInt(size);
    const upper = address >= TOP - HALF && end <= TOP;
    const lower = address >= 0n && end <= HALF;
    if (size < 1 || !(upper || lower)) {
      throw new MappingError(`${hex(address)} and ${hex(size)} bytes are not canonical addresses`);
    }
    const low = PTE.P | PTE.A | (region.write ? PTE.RW : 0) | (region.user ? PTE.US : 0);
    const view = this.#memory.view;
    for (let page = address & ~(PAGE - 1n); page < end; page += PAGE) {
      const at = this.#leaf(page);
      const old = view.getUint32(at, true);
      const frame = old & PTE.P ? (old & 0xffff_f000) >>> 0 : this.#frame();
      view.setUint32(at, frame | low, true);
      view.setUint32(at + 4, region.execute ? 0 : PTE.XD_HIGH, true);
    }
  }

  #leaf(page: bigint): number {
    const view = this.#memory.view;
    let table = this.root;
    for (let shift = 39n; shift > 12n; shift -= 9n) {
      const at = RAM + table + Number((page >> shift) & 511n) * 8;
      let low = view.getUint32(at, true);
      if ((low & PTE.P) === 0) {
        low = this.#frame() | INNER;
        view.setUint32(at, low, true);
      }
      table = (low & 0xffff_f000) >>> 0;
    }
    return RAM + table + Number((page >> 12n) & 511n) * 8;
  }

  /** Whether the page of a linear address is mapped. */
  isMapped(address: bigint): boolean {
    return this.#physical(address) !== null;
  }

  /** Puts bytes into mapped memory, whatever its rights. @throws MappingError naming the first address that is not mapped */
  write(address: bigint, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const linear = BigInt.asUintN(64, address + BigInt(done));
      const physical = this.#physical(linear);
      if (physical === null) throw new MappingError(`${hex(linear)} is not mapped; add --map ${hex(linear)}:SIZE`);
      const part = Math.min(bytes.length - done, PAGE_SIZE - (physical % PAGE_SIZE));
      this.#memory.write(physical, bytes.subarray(done, done + part));
      done += part;
    }
  }

  #physical(linear: bigint): number | null {
    const values = new Map([
      [CR0, CR0_PG],
      [CR3, BigInt(this.root)],
      [EFER, EFER_NXE],
    ]);
    const registers = { u64: (at: number) => values.get(at) ?? 0n };
    return pageWalk(this.#memory, registers, linear).physical;
  }
}
