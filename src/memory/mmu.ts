import type { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { PENDING_KIND, VECTOR } from '../state/pending.ts';
import type { CodePages } from './code-pages.ts';
import type { InstructionCache } from './icache.ts';
import { pageWalk } from './page-walk.ts';
import {
  type Access,
  type Accessor,
  denial,
  type Marked,
  PF,
  type Translation,
  type WalkFailure,
  walk,
} from './paging.ts';
import { checksAlignment, isCanonical, type PagingMode, pagingMode, withoutTag } from './paging-mode.ts';
import { PAGE_SIZE, type PhysicalMemory } from './physical.ts';
import { Tlb } from './tlb.ts';

/** Entries that the architectural TLB keeps before it starts again; deterministic, like everything here. */
const TLB_CAPACITY = 1 << 16;
/** Low half of a tag that matches nothing: not the address of a page. */
const INVALID_TAG = 0xffff_ffff;
const PAGE_MASK = 0xffff_f000;
/** Bytes of a page-table entry. */
const ENTRY_SIZE = 8;
/** Entries of the fast tables that are dropped one by one; if more are filled the tables are wiped. */
const MOST_FILLED = 4096;

/** What the slow path has done since the machine was made; whoever hits the fast tables is not counted. */
export interface MmuCounts {
  /** Loads and stores that the fast tables could not answer. */
  misses: number;
  /** Look-ups, those of instructions too, that had to read the page tables. */
  walks: number;
  pageFaults: number;
}

/** Physical address, or null when the fault is pending. */
type Physical = number | null;

/** A data access about to be made: two halves of its linear address, bytes, whether it needs a writable page. */
export interface DataAccess {
  readonly high: number;
  readonly low: number;
  readonly size: number;
  readonly write: boolean;
}
/** What an access is to meet: itself, or #PF. */
export type Intercept = (access: DataAccess) => 'go' | 'fault';

/** What answers beyond RAM. */
export interface Devices {
  /** Whether the instruction that runs may reach them; else it is run again where it may. */
  alone(): boolean;
  read(physical: number, size: number): bigint;
  write(physical: number, size: number, value: bigint): void;
}

/** What MOV to CR3, MOV to CR4 and INVPCID drop (SDM 3A 4.10.4.1): of the current PCID, or of all of them. */
export type FlushScope = 'non-global' | 'current' | 'all' | 'all non-global';

/** An access by a translation that was cached before the page tables changed. */
export interface StaleUse {
  readonly linear: bigint;
  readonly access: Access;
  /** Where it went, and where the tables lead now: null is nowhere. */
  readonly cached: number;
  readonly frame: number | null;
}

/** A walk that went on from a cached entry into a table that the page tables do not lead to any more. */
export interface FreedWalk {
  readonly linear: bigint;
  readonly access: Access | 'speculation';
  /** Physical address of the table. */
  readonly table: number;
  /** What the walk has set in tables that no longer belong to the address. */
  readonly marked: readonly Marked[];
}

/** What came of a walk that no instruction has asked for. */
export type Speculation =
  /** No walk: the translation was cached, the address is no address, LASS keeps it out, or paging is off. */
  | { readonly walked: false; readonly why: 'cached' | 'non-canonical' | 'kept out' | 'unpaged' }
  | { readonly walked: true; readonly found: boolean; readonly marked: readonly Marked[] };

/**
 * Linear to physical: a TLB with architectural lifetime (an entry lives until something that the manual lists drops it),
 * and the fast tables in front of it that compiled code looks at. Addresses come as two 32-bit halves from engines and as
 * bigint from everyone else.
 */
export class Mmu {
  readonly memory: PhysicalMemory;
  readonly cpu: CpuState;
  readonly code: CodePages;
  /** What the CPU has fetched, where caches of instructions are modelled; only the reference engine knows it. */
  icache: InstructionCache | null = null;
  /** Who wants to know of every data access by a translation that the tables have no more; no access takes the fast tables then. */
  staleUse: ((use: StaleUse) => void) | null = null;
  /** Who wants to know of walks through tables that have been taken away. */
  freedWalk: ((walk: FreedWalk) => void) | null = null;
  /** Frames that the guest says it has freed; a walk through one of them is told too. */
  readonly freedFrames = new Set<number>();
  readonly counts: MmuCounts = { misses: 0, walks: 0, pageFaults: 0 };
  #tlb = new Tlb();
  /** The fast table of writes as words: low tag, high tag, addend, unused. */
  readonly #fastWrites: Uint32Array;
  #mode: PagingMode | null = null;
  /** The access is one of the CPU's own to a descriptor table, a task-state segment or a new stack. */
  #system = false;
  #fetchAux: (frame: number) => number = () => 0;
  #translationChanged: () => void = () => {};
  #intercept: Intercept | null = null;
  #watch: ((access: DataAccess) => void) | null = null;
  /** What answers beyond RAM; null: nothing, it reads as ones. */
  devices: Devices | null = null;
  /** Addresses of the fast entries that have been filled since the tables were empty. */
  readonly #filled = new Uint32Array(MOST_FILLED);
  #filledCount = MOST_FILLED;
  /** A store across two pages that waits in SCRATCH: where its two parts go. */
  #split: { first: number; second: number; head: number; size: number } | null = null;

  constructor(memory: PhysicalMemory, cpu: CpuState, code: CodePages) {
    this.memory = memory;
    this.cpu = cpu;
    this.code = code;
    this.#fastWrites = new Uint32Array(memory.u8.buffer, L.TLB_WRITE, (L.TLB_ENTRIES * L.TLB_ENTRY_SIZE) / 4);
    memory.observe((physical, length) => code.written(physical, length));
    code.onArrival((frame) => this.#dropFastWrites(frame));
    this.flushFast();
  }

  /** The interpreter's page map of a frame, which the fast fetch table carries. */
  onFetch(aux: (frame: number) => number): void {
    this.#fetchAux = aux;
  }

  /**
   * Has every data access looked at before it is made, at the price of the fast tables: for watchpoints and fault injection.
   * Null: none.
   */
  set intercept(intercept: Intercept | null) {
    this.#intercept = intercept;
    this.flushFast();
  }

  /** Told of every data access of the program that is made, for data breakpoints, at the same price. Null: nobody. */
  set watch(watch: ((access: DataAccess) => void) | null) {
    this.#watch = watch;
    this.flushFast();
  }

  // ——— lifetime ———

  /** Told when code may no longer be fetched from where it was: compiled regions must be checked anew. */
  onTranslationChange(changed: () => void): void {
    this.#translationChanged = changed;
  }

  /** Empties the fast tables: after a change of privilege, paging mode or AC. The architectural TLB stays. */
  flushFast(): void {
    this.#mode = null;
    this.#translationChanged();
    const { u8, view } = this.memory;
    if (this.#filledCount < MOST_FILLED)
      for (let i = 0; i < this.#filledCount; i++) view.setUint32(this.#filled[i]!, INVALID_TAG, true);
    else
      for (const table of [L.TLB_READ, L.TLB_WRITE, L.TLB_FETCH])
        u8.fill(0xff, table, table + L.TLB_ENTRIES * L.TLB_ENTRY_SIZE);
    this.#filledCount = 0;
    const { levels } = this.#paging;
    const half = levels === 5 ? 1n << 56n : 1n << 47n;
    this.cpu.setU64(L.CANONICAL_HALF, half);
    this.cpu.setU64(L.CANONICAL_SPAN, half << 1n);
  }

  /** Puts the translations of another CPU in place, whose state is in the registers now; gives those that were here. */
  exchange(tlb: Tlb): Tlb {
    const before = this.#tlb;
    this.#tlb = tlb;
    this.flushFast();
    return before;
  }

  /** Drops translations; what MOV to CR3 drops is of non-global pages. */
  flush(scope: FlushScope): void {
    const { pcid } = this.#paging;
    if (scope === 'all') this.#tlb.clear();
    else if (scope === 'all non-global') this.#tlb.dropNonGlobal();
    else this.#tlb.dropContext(pcid);
    if (scope === 'current') this.#tlb.dropGlobal();
    this.flushFast();
  }

  /** Drops translations of a PCID that are not global: of one page, or (null) all (INVPCID). */
  flushContext(pcid: number, linear: bigint | null): void {
    if (linear === null) this.#tlb.dropContext(pcid);
    else {
      this.#tlb.delete(pcid, half(linear, 32n), half(linear, 0n), 'global');
      this.#tlb.tables.dropPath(pcid, half(linear, 32n), half(linear, 0n));
    }
    this.flushFast();
  }

  /** Drops the translations of one page and what is cached of all tables (INVLPG). A non-canonical address is no page. */
  flushPage(linear: bigint): void {
    const high = half(linear, 32n);
    if (!isCanonical(high, this.#paging.levels)) return;
    this.#drop(high, half(linear, 0n));
    this.#tlb.tables.dropContext(this.#paging.pcid);
  }

  /** Translations that the TLB holds: of the current and other PCIDs, and global ones. */
  get population(): { readonly local: number; readonly global: number } {
    const { size, globals } = this.#tlb;
    return { local: size - globals, global: globals };
  }

  #drop(high: number, low: number): void {
    const large = this.#tlb.delete(this.#paging.pcid, high, low);
    // The other parts of a large page may stand in any slot.
    if (large) return this.flushFast();
    this.#translationChanged();
    const slot = fastSlot(low);
    for (const table of [L.TLB_READ, L.TLB_WRITE, L.TLB_FETCH])
      if (this.memory.view.getUint32(table + slot, true) === (low & PAGE_MASK) >>> 0)
        this.memory.view.setUint32(table + slot, INVALID_TAG, true);
  }

  #dropFastWrites(frame: number): void {
    const table = this.#fastWrites;
    const linear = L.RAM + frame;
    for (let at = 0; at < table.length; at += L.TLB_ENTRY_SIZE / 4) {
      const low = table[at]!;
      if ((low & ~PAGE_MASK) === 0 && (table[at + 2]! + low) >>> 0 === linear) table[at] = INVALID_TAG;
    }
  }

  // ——— translation ———

  get #paging(): PagingMode {
    this.#mode ??= pagingMode(this.cpu);
    return this.#mode;
  }

  get #accessor(): Accessor {
    return { supervisor: this.#system || this.cpu.cpl !== 3, implicit: this.#system };
  }

  /** Alignment checks are on (SDM 3A 6.15 #AC): then no access may take the fast tables. */
  get #alignmentChecks(): boolean {
    return this.#paging.ac && this.cpu.cpl === 3 && checksAlignment(this.cpu);
  }

  /** Whether linear-address space separation keeps an access out by its address alone (SDM 3A 4.15). */
  #separated(high: number, access: Access): boolean {
    const mode = this.#paging;
    if (!mode.lass) return false;
    const upper = high >>> 31 === 1;
    const { supervisor, implicit } = this.#accessor;
    if (!supervisor) return upper;
    if (upper) return false;
    return access === 'fetch' || (mode.smap && (implicit || !mode.ac));
  }

  /** The frame behind a canonical page, filling the TLB; null when #PF is pending. */
  #page(high: number, low: number, access: Access, tagged = high): Translation | null {
    const mode = this.#paging;
    if (!mode.paged) return identity(low);
    const by = this.#accessor;
    let t: Translation | WalkFailure | undefined = this.#tlb.get(mode.pcid, high, low);
    if (t !== undefined) {
      if (this.staleUse !== null) this.#compare(high, low, access, t);
      const denied = denial(t, access, by, mode);
      if (denied) {
        this.#drop(high, low);
        return this.#pageFault(high, low, access, denied);
      }
    }
    if (t === undefined || (access === 'write' && !t.dirty)) {
      const cached = t !== undefined;
      t = this.#walk(high, low, access, (found) => denial(found, access, by, mode) === 0);
      const denied = typeof t === 'number' ? null : denial(t, access, by, mode);
      if (typeof t === 'number' || denied) {
        // So that a fault by an entry that is out of date comes once (SDM 3A 4.10.4.1).
        this.#tlb.tables.dropPath(mode.pcid, high, low);
        if (cached) this.#drop(high, low);
        return this.#pageFault(high, low, access, typeof t === 'number' ? t : denied!);
      }
      this.#keep(high, low, t);
    }
    if (access === 'write') this.memory.touch(t.frame, PAGE_SIZE);
    this.#fillFast(tagged, low, t, access);
    return t;
  }

  #keep(high: number, low: number, t: Translation): void {
    if (this.#tlb.size >= TLB_CAPACITY) {
      this.#tlb.clear();
      this.flushFast();
    }
    this.#tlb.set(this.#paging.pcid, high, low, t);
  }

  /** A walk from the lowest table that is cached for the address. */
  #walk(
    high: number,
    low: number,
    access: FreedWalk['access'],
    allowed: (t: Translation) => boolean,
    marked: Marked[] = [],
  ): Translation | WalkFailure {
    const mode = this.#paging;
    const { tables } = this.#tlb;
    const from = tables.find(mode.pcid, high, low);
    const linear = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    const chain =
      this.freedWalk === null || from === undefined
        ? null
        : pageWalk(this.memory, this.cpu, linear).steps.map(({ at }) => at - (at % PAGE_SIZE));
    const strays = from !== undefined && (chain?.includes(from.table) === false || this.freedFrames.has(from.table));
    let freed: number | null = strays ? from.table : null;
    this.counts.walks++;
    const found = walk(this.memory, mode, high, low, access === 'write', allowed, {
      from,
      reached: (start) => {
        tables.set(mode.pcid, high, low, start);
        if (freed === null && this.freedFrames.has(start.table)) freed = start.table;
      },
      marked: (entry) => {
        this.code.written(entry.at, ENTRY_SIZE);
        marked.push(entry);
      },
    });
    if (freed !== null) {
      const strange = marked.map((entry) => [entry, entry.at - (entry.at % PAGE_SIZE)] as const);
      const lost = strange.filter(([, frame]) => this.freedFrames.has(frame) || chain?.includes(frame) === false);
      this.freedWalk?.({ linear, access, table: freed, marked: lost.map(([entry]) => entry) });
    }
    return found;
  }

  /**
   * Walks for an address that nobody has used, as a CPU may at any time (SDM 3A 4.10.2.3): A is set in the entries on the way, a
   * translation that is found is kept, nothing faults. D is never set.
   */
  speculate(linear: bigint): Speculation {
    const [high, low, mode] = [half(linear, 32n), half(linear, 0n), this.#paging];
    if (!mode.paged) return { walked: false, why: 'unpaged' };
    if (!isCanonical(high, mode.levels)) return { walked: false, why: 'non-canonical' };
    if (this.#separated(high, 'read')) return { walked: false, why: 'kept out' };
    if (this.#tlb.get(mode.pcid, high, low) !== undefined) return { walked: false, why: 'cached' };
    const marked: Marked[] = [];
    const found = this.#walk(high, low, 'speculation', () => true, marked);
    if (typeof found !== 'number') this.#keep(high, low, found);
    return { walked: true, found: typeof found !== 'number', marked };
  }

  /** Tells of a cached translation that the page tables do not have any more. */
  #compare(high: number, low: number, access: Access, t: Translation): void {
    const linear = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    const { physical } = pageWalk(this.memory, this.cpu, linear);
    const frame = physical === null ? null : physical - (physical % PAGE_SIZE);
    if (frame !== t.frame) this.staleUse?.({ linear, access, cached: t.frame, frame });
  }

  #fillFast(high: number, low: number, t: Translation, access: Access): void {
    if (t.frame + PAGE_SIZE > this.memory.size || this.#system) return;
    if (access !== 'fetch' && (this.#alignmentChecks || this.#intercept !== null || this.#watch !== null)) return;
    if (access !== 'fetch' && this.staleUse !== null) return;
    const table = access === 'read' ? L.TLB_READ : access === 'write' ? L.TLB_WRITE : L.TLB_FETCH;
    if (access === 'write' && this.code.hasCode(t.frame)) return;
    // First: it may empty the fast tables.
    const aux = access === 'fetch' ? this.#fetchAux(t.frame) : 0;
    const view = this.memory.view;
    const at = table + fastSlot(low);
    const page = (low & PAGE_MASK) >>> 0;
    if (this.#filledCount < MOST_FILLED) this.#filled[this.#filledCount++] = at;
    view.setUint32(at, page, true);
    view.setUint32(at + 4, high, true);
    view.setUint32(at + 8, (L.RAM + t.frame - page) >>> 0, true);
    view.setUint32(at + 12, aux, true);
  }

  #pageFault(high: number, low: number, access: Access, bits: number): null {
    const mode = this.#paging;
    let code = bits;
    if (access === 'write') code |= PF.W;
    if (this.cpu.cpl === 3 && !this.#system) code |= PF.U;
    if (access === 'fetch' && (mode.noExecute || mode.smep)) code |= PF.I;
    const address = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    this.counts.pageFaults++;
    this.cpu.setU64(L.FAULT_ADDRESS, address);
    return this.#raise(VECTOR.PF, code);
  }

  #raise(vector: number, code: number | null): null {
    raise(this.cpu, vector, code);
    return null;
  }

  // ——— what engines call ———

  /**
   * Slow path of a load or store: the address in the WebAssembly memory where the bytes are (or, for an access that crosses
   * a page or leaves RAM, a copy in SCRATCH), or −1 with a fault pending.
   *
   * @param data the store, or the one that a load for writing announces, may only go to bytes that have not been decoded: else −2, and
   *   nothing has been done
   */
  resolve(
    high: number,
    low: number,
    size: number,
    write: boolean,
    stack: boolean,
    load = !write,
    data = false,
  ): number {
    const access: Access = write ? 'write' : 'read';
    const mode = this.#paging;
    const tagged = high;
    high = this.#system ? high : withoutTag(high, mode);
    const { levels } = mode;
    const end = low + size - 1 > 0xffff_ffff ? (high + 1) >>> 0 : high;
    if (!isCanonical(high, levels) || !isCanonical(end, levels) || this.#separated(high, access)) {
      this.#raise(stack ? VECTOR.SS : VECTOR.GP, 0);
      return -1;
    }
    if (this.#alignmentChecks && !this.#system && size > 1 && size <= 8 && low & (size - 1)) {
      this.#raise(VECTOR.AC, 0);
      return -1;
    }
    if (!this.#system) this.#watch?.({ high, low, size, write });
    if (this.#intercept?.({ high, low, size, write }) === 'fault') {
      this.#pageFault(high, low, access, PF.P);
      return -1;
    }
    this.counts.misses++;
    const first = this.#page(high, low, access, tagged);
    if (first === null) return -1;
    const offset = low & 0xfff;
    const physical = first.frame + offset;
    if (offset + size <= PAGE_SIZE && physical + size <= this.memory.size) {
      if (data && this.code.covers(physical, size)) return -2;
      if (write && !load) this.code.written(physical, size);
      return L.RAM + physical;
    }
    const head = Math.min(size, PAGE_SIZE - offset);
    if (this.devices !== null && physical >= this.memory.size && !this.devices.alone()) {
      this.cpu.view.setInt32(L.PENDING, PENDING_KIND.resume, true);
      return -1;
    }
    let second = 0;
    if (head < size) {
      const next = (low & PAGE_MASK) + PAGE_SIZE;
      const t = this.#page(next > 0xffff_ffff || next === 0 ? (high + 1) >>> 0 : high, next >>> 0, access);
      if (t === null) return -1;
      second = t.frame;
    }
    if (load) this.#gather(physical, second, head, size);
    if (data && (this.code.covers(physical, head) || (head < size && this.code.covers(second, size - head)))) return -2;
    if (write && !load) this.#split = { first: physical, second, head, size };
    return L.SCRATCH;
  }

  #gather(first: number, second: number, head: number, size: number): void {
    const u8 = this.memory.u8;
    if (this.devices !== null && first >= this.memory.size && size <= 8 && head === size)
      return this.cpu.setU64(L.SCRATCH, this.devices.read(first, size));
    for (let i = 0; i < size; i++) {
      const physical = i < head ? first + i : second + i - head;
      u8[L.SCRATCH + i] = physical < this.memory.size ? u8[L.RAM + physical]! : 0xff;
    }
  }

  /** Finishes a store that `resolve` sent to SCRATCH. */
  commit(): void {
    const split = this.#split!;
    this.#split = null;
    const u8 = this.memory.u8;
    const { first, second, head, size } = split;
    if (this.devices !== null && first >= this.memory.size && size <= 8 && head === size)
      return this.devices.write(first, size, BigInt.asUintN(8 * size, this.cpu.u64(L.SCRATCH)));
    this.code.written(first, head);
    if (head < size) this.code.written(second, size - head);
    for (let i = 0; i < size; i++) {
      const physical = i < head ? first + i : second + i - head;
      if (physical < this.memory.size) u8[L.RAM + physical] = u8[L.SCRATCH + i]!;
    }
  }

  /** Frame of a linear page that an instruction could be fetched from without a walk, or null; changes nothing. */
  peekFetch(page: bigint): number | null {
    const [high, low, mode] = [half(page, 32n), half(page, 0n), this.#paging];
    const t = this.#tlb.get(mode.pcid, high, low);
    if (t === undefined || this.#separated(high, 'fetch')) return null;
    return denial(t, 'fetch', this.#accessor, mode) === 0 ? t.frame : null;
  }

  /** The quadword at a linear address whose translation is at hand, within a page, or null; changes nothing. */
  peek(linear: bigint): bigint | null {
    const t = this.#tlb.get(this.#paging.pcid, half(linear, 32n), half(linear, 0n));
    const offset = Number(linear & 0xfffn);
    if (t === undefined || offset > PAGE_SIZE - 8 || t.frame + PAGE_SIZE > this.memory.size) return null;
    return this.memory.view.getBigUint64(L.RAM + t.frame + offset, true);
  }

  /** Physical address of the instruction at a linear address, or null with a fault pending. */
  fetch(linear: bigint): Physical {
    const high = Number(BigInt.asUintN(32, linear >> 32n));
    const low = Number(BigInt.asUintN(32, linear));
    if (!isCanonical(high, this.#paging.levels) || this.#separated(high, 'fetch')) return this.#raise(VECTOR.GP, 0);
    const t = this.#page(high, low, 'fetch');
    if (t === null) return null;
    return t.frame + (low & 0xfff);
  }

  // ——— what helpers and the reference engine call ———

  /** Reads `bytes` ≤ 16 at a linear address; null with a fault pending. `write` asks for write permission as well. */
  read(linear: bigint, bytes: number, stack: boolean, write = false): bigint | null {
    const at = this.resolve(half(linear, 32n), half(linear, 0n), bytes, write, stack, true);
    if (at < 0) return null;
    const view = this.memory.view;
    switch (bytes) {
      case 1:
        return BigInt(view.getUint8(at));
      case 2:
        return BigInt(view.getUint16(at, true));
      case 4:
        return BigInt(view.getUint32(at, true));
      case 8:
        return view.getBigUint64(at, true);
      case 10:
        return view.getBigUint64(at, true) | (BigInt(view.getUint16(at + 8, true)) << 64n);
      default:
        return view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n);
    }
  }

  /** Writes `bytes` ≤ 16; false with a fault pending and nothing written. */
  write(linear: bigint, value: bigint, bytes: number, stack: boolean): boolean {
    const at = this.resolve(half(linear, 32n), half(linear, 0n), bytes, true, stack);
    if (at < 0) return false;
    const u8 = this.memory.u8;
    let rest = value;
    for (let i = 0; i < bytes; i++, rest >>= 8n) u8[at + i] = Number(rest & 0xffn);
    if (at === L.SCRATCH) this.commit();
    return true;
  }

  /** Makes the accesses of `f` supervisor accesses that the CPU does by itself (SDM 3A 4.6, implicit ones). */
  asSystem<T>(f: () => T): T {
    this.#system = true;
    try {
      return f();
    } finally {
      this.#system = false;
    }
  }

  /** Whether a range of up to a page could be written; false with a fault pending. */
  probeWrite(linear: bigint, bytes: number, stack: boolean): boolean {
    return this.resolve(half(linear, 32n), half(linear, 0n), bytes, true, stack, true) >= 0;
  }
}

/** What stands for a translation while paging is off. */
const identity = (low: number): Translation => ({
  frame: (low & PAGE_MASK) >>> 0,
  shift: 12,
  writable: true,
  user: true,
  executable: true,
  dirty: true,
  global: false,
  key: 0,
});

/** Leaves an exception for whoever runs the engine. */
export function raise(cpu: CpuState, vector: number, code: number | null): void {
  cpu.view.setInt32(L.PENDING, PENDING_KIND.fault, true);
  cpu.view.setInt32(L.FAULT_VECTOR, vector, true);
  cpu.view.setInt32(L.FAULT_ERROR, code === null ? -1 : code, true);
}

const half = (linear: bigint, shift: bigint): number => Number(BigInt.asUintN(32, linear >> shift));
const fastSlot = (low: number): number => ((low >>> 12) & (L.TLB_ENTRIES - 1)) * L.TLB_ENTRY_SIZE;
