import { type PageRights, PageTables } from '../memory/page-tables.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { E, fail } from './errno.ts';
import type { GuestMachine } from './guest-machine.ts';
import { type Area, AreaList, accessible, guardedStart, pageRights, release, retain } from './vm/areas.ts';
import { type Backing, SharedPages } from './vm/backing.ts';
import { ACCERR, ADRERR, type FaultResult, MAPERR, OK } from './vm/fault-result.ts';
import { MADV, MAP, MREMAP, MS, PF, PROT } from './vm/flags.ts';
import { PrivateFrames } from './vm/frames.ts';
import { MAX_AREAS, MMAP_MIN_ADDR, PAGE, pageDown, pageUp, STACK_GUARD_GAP, TASK_SIZE } from './vm/layout.ts';

/** A file to map, as its descriptor was opened. */
export interface MapSource {
  readonly backing: Backing;
  readonly readable: boolean;
  readonly writable: boolean;
}

/** Up to this many pages are flushed one by one; more drop the whole TLB (Linux: tlb_single_page_flush_ceiling). */
const FLUSH_CEILING = 33;

/** Bytes around a page that are mapped with it. */
const FAULT_AROUND = 16 * PAGE;

/** What part of memory one file's cached frames may take: one in so many. */
const MOST_CACHED = 4;

const PROT_MASK = PROT.READ | PROT.WRITE | PROT.EXEC;

export interface VmOptions {
  /** Bytes that the stack may grow to. */
  readonly stackLimit: () => number;
  /** Bytes that the address space may have (RLIMIT_AS). */
  readonly addressLimit: () => number;
  /** Bytes that the heap may have (RLIMIT_DATA). */
  readonly dataLimit: () => number;
}

/**
 * One process's address space, after Linux mm/mmap.c: mappings, placement, demand-zero paging, real page tables beneath.
 * Addresses and lengths are numbers; every failure is a `SysError` with the kernel's own error number.
 */
export class AddressSpace {
  readonly memory: PhysicalMemory;
  readonly tables: PageTables;
  readonly areas = new AreaList();
  readonly #machine: Pick<GuestMachine, 'flushPage' | 'flushTlb'>;
  readonly #options: VmOptions;
  #brkStart = 0;
  #brk = 0;
  /** Bytes mapped. */
  #total = 0;
  readonly #frames: PrivateFrames;
  /** Pointers may carry a tag in bits 62:57 (LAM_U57), and whether that is settled for good (MM_CONTEXT_LOCK_LAM). */
  readonly lam = { enabled: false, locked: false };
  /** Tasks' processes that use it: more than one after vfork(2) and clone(CLONE_VM). */
  #users = 1;

  /** @param frames what address spaces that were forked from each other have in common */
  constructor(
    memory: PhysicalMemory,
    machine: Pick<GuestMachine, 'flushPage' | 'flushTlb'>,
    options: VmOptions,
    frames: PrivateFrames = new PrivateFrames(memory),
  ) {
    this.memory = memory;
    this.#machine = machine;
    this.#options = options;
    this.#frames = frames;
    this.tables = new PageTables(memory);
  }

  /** One process more that uses it. */
  retain(): this {
    this.#users++;
    return this;
  }

  /** One process fewer; the last one frees it. */
  release(): void {
    if (--this.#users === 0) this.destroy();
  }

  /** How many processes use it. */
  get users(): number {
    return this.#users;
  }

  /** A copy for a child process: private pages are shared until either writes (Linux: dup_mmap). @throws OutOfMemory */
  fork(options: VmOptions): AddressSpace {
    const child = new AddressSpace(this.memory, this.#machine, options, this.#frames);
    child.#brkStart = this.#brkStart;
    child.#brk = this.#brk;
    Object.assign(child.lam, this.lam);
    for (const area of this.areas.all) if (!area.dontFork) child.#insert({ ...area });
    for (const area of this.areas.all) {
      if (area.dontFork) continue;
      const rights = pageRights(area);
      this.tables.forEach(area.start, area.end, (linear, frame) => {
        if (area.shared !== null) return child.tables.map4k(linear, frame, rights);
        if (area.wipeOnFork) return;
        this.#frames.share(frame);
        child.tables.map4k(linear, frame, { ...rights, write: false });
        this.tables.protect(linear, { ...rights, write: false });
      });
    }
    this.#machine.flushTlb();
    return child;
  }

  /** Bytes of address space in use. */
  get totalBytes(): number {
    return this.#total;
  }

  /** Pages that have a frame of their own. */
  residentPages(): number {
    let pages = 0;
    this.tables.forEach(0, TASK_SIZE, () => pages++);
    return pages;
  }

  get heapStart(): number {
    return this.#brkStart;
  }
  get heapEnd(): number {
    return this.#brk;
  }

  /** The heap begins at `address`; called once, by exec. */
  startHeap(address: number): void {
    this.#brkStart = pageUp(address);
    this.#brk = this.#brkStart;
  }

  /** Maps without checks of rights or placement: for exec. The range must be page-aligned and free. */
  mapArea(area: Omit<Area, 'accounted' | 'maxProt' | 'shared' | 'dontFork' | 'wipeOnFork'> & Partial<Area>): void {
    const accounted = area.accounted ?? (area.prot & PROT.WRITE) !== 0;
    this.#insert({ maxProt: PROT_MASK, shared: null, dontFork: false, wipeOnFork: false, ...area, accounted });
  }

  /** mmap(2). `source` is null for anonymous memory; `offset` is in bytes and page-aligned. Returns the address. */
  mmap(address: number, length: number, prot: number, flags: number, source: MapSource | null, offset: number): number {
    if (length === 0) fail(E.EINVAL);
    const fixed = (flags & (MAP.FIXED | MAP.FIXED_NOREPLACE)) !== 0;
    if (length > TASK_SIZE) fail(E.ENOMEM);
    const size = pageUp(length);
    if (this.areas.all.length > MAX_AREAS) fail(E.ENOMEM);
    if (fixed) {
      if (address > TASK_SIZE - size) fail(E.ENOMEM);
      if (address % PAGE !== 0) fail(E.EINVAL);
      if (flags & MAP.FIXED_NOREPLACE && this.areas.overlapping(address, address + size).length > 0) fail(E.EEXIST);
    }
    const start = fixed ? address : this.areas.place(hintAddress(address), size);
    if (start < 0) fail(E.ENOMEM);
    const type = flags & MAP.TYPE;
    const sharing = type === MAP.SHARED || (type === MAP.SHARED_VALIDATE && source !== null);
    if (!sharing && type !== MAP.PRIVATE) fail(E.EINVAL);
    let maxProt = PROT_MASK;
    if (source !== null) {
      if (sharing && prot & PROT.WRITE && !source.writable) fail(E.EACCES);
      if (!source.readable) fail(E.EACCES);
      if (flags & MAP.GROWSDOWN) fail(E.EINVAL);
      if (sharing && !source.writable) maxProt &= ~PROT.WRITE;
    } else if (sharing && flags & MAP.GROWSDOWN) {
      fail(E.EINVAL);
    }
    if (flags & MAP.HUGETLB) fail(E.ENOMEM);

    const accounted = !sharing && (prot & PROT.WRITE) !== 0 && (flags & MAP.NORESERVE) === 0;
    const replaced = fixed ? this.#sizeIn(start, start + size) : 0;
    if (this.#total - replaced + size > this.#options.addressLimit()) fail(E.ENOMEM);
    if (accounted) this.#charge(size);
    if (fixed) this.#unmapRange(start, start + size);
    let shared: SharedPages | null = null;
    if (sharing) {
      shared = source === null ? new SharedPages(this.memory, null, null) : source.backing.sharedPages(this.memory);
    }
    this.#insert({
      start,
      end: start + size,
      prot: prot & PROT_MASK,
      maxProt,
      growsDown: (flags & MAP.GROWSDOWN) !== 0,
      backing: source?.backing ?? null,
      shared,
      offset: source === null ? 0 : offset,
      name: '',
      accounted,
      dontFork: false,
      wipeOnFork: false,
    });
    if (flags & MAP.POPULATE && (flags & MAP.NONBLOCK) === 0) this.#populate(start, start + size, prot);
    return start;
  }

  /** munmap(2). Holes in the range are no error. */
  munmap(address: number, length: number): void {
    if (address % PAGE !== 0 || address > TASK_SIZE || length > TASK_SIZE - address) fail(E.EINVAL);
    if (length === 0) fail(E.EINVAL);
    this.#unmapRange(address, address + pageUp(length));
  }

  /** mprotect(2). What lies before a hole is changed even though the call fails. */
  mprotect(address: number, length: number, prot: number): void {
    const grows = prot & (PROT.GROWSDOWN | PROT.GROWSUP);
    if (grows === (PROT.GROWSDOWN | PROT.GROWSUP)) fail(E.EINVAL);
    if (address % PAGE !== 0) fail(E.EINVAL);
    if (length === 0) return;
    if (length > TASK_SIZE || address > TASK_SIZE) fail(E.ENOMEM);
    if (prot & ~(PROT_MASK | PROT.SEM | grows)) fail(E.EINVAL);
    const end = address + pageUp(length);
    const first = this.areas.next(address);
    let start = address;
    if (first === undefined) fail(E.ENOMEM);
    if (grows & PROT.GROWSDOWN) {
      if (first.start >= end) fail(E.ENOMEM);
      if (!first.growsDown) fail(E.EINVAL);
      start = first.start;
    } else {
      if (first.start > start) fail(E.ENOMEM);
      if (grows & PROT.GROWSUP) fail(E.EINVAL);
    }
    const rights = prot & PROT_MASK;
    for (const old of this.areas.overlapping(start, end)) {
      if (old.start > start) fail(E.ENOMEM);
      if (rights & ~old.maxProt) fail(E.EACCES);
      const stop = Math.min(end, old.end);
      if (rights & PROT.WRITE && old.shared === null && !old.accounted) this.#charge(stop - start);
      this.#protectArea(start, stop, rights);
      start = stop;
    }
    if (start < end) fail(E.ENOMEM);
  }

  #protectArea(start: number, end: number, prot: number): void {
    for (const area of this.areas.carve(start, end)) {
      if (prot & PROT.WRITE && area.shared === null) area.accounted = true;
      area.prot = prot;
      const rights = pageRights(area);
      const flush = this.#flusher(area.start, area.end);
      this.tables.forEach(area.start, area.end, (linear, frame) => {
        this.tables.protect(linear, this.#rightsOf(rights, frame));
        flush(linear);
      });
    }
    this.areas.merge(start, end);
  }

  /** brk(2): returns the new end of the heap, or the old one when it cannot be moved. */
  brk(address: number): number {
    if (address < this.#brkStart || address > TASK_SIZE) return this.#brk;
    if (address - this.#brkStart > this.#options.dataLimit()) return this.#brk;
    const from = pageUp(this.#brk);
    const to = pageUp(address);
    if (to < from) {
      this.#unmapRange(to, from);
    } else if (to > from) {
      const next = this.areas.next(from);
      if (next !== undefined && to + PAGE > guardedStart(next)) return this.#brk;
      if (this.#total + (to - from) > this.#options.addressLimit()) return this.#brk;
      if (to - from > this.memory.size) return this.#brk;
      this.mapArea({
        start: from,
        end: to,
        prot: PROT.READ | PROT.WRITE,
        growsDown: false,
        backing: null,
        offset: 0,
        name: '[heap]',
      });
    }
    this.#brk = address;
    return address;
  }

  /** mremap(2). Returns the new address. */
  mremap(address: number, oldLength: number, newLength: number, flags: number, newAddress: number): number {
    if (flags & ~(MREMAP.MAYMOVE | MREMAP.FIXED | MREMAP.DONTUNMAP)) fail(E.EINVAL);
    if (flags & MREMAP.FIXED && (flags & MREMAP.MAYMOVE) === 0) fail(E.EINVAL);
    if (flags & MREMAP.DONTUNMAP && ((flags & MREMAP.MAYMOVE) === 0 || oldLength !== newLength)) fail(E.EINVAL);
    if (address % PAGE !== 0) fail(E.EINVAL);
    let oldSize = pageUp(oldLength);
    const newSize = pageUp(newLength);
    if (newSize === 0) fail(E.EINVAL);
    const area = this.areas.at(address);
    if (area === undefined) fail(E.EFAULT);
    if (flags & (MREMAP.FIXED | MREMAP.DONTUNMAP)) {
      if (newAddress % PAGE !== 0 || newSize > TASK_SIZE || newAddress > TASK_SIZE - newSize) fail(E.EINVAL);
      const fixed = (flags & MREMAP.FIXED) !== 0;
      if (fixed && address + oldSize > newAddress && newAddress + newSize > address) fail(E.EINVAL);
      if (fixed) this.#unmapRange(newAddress, newAddress + newSize);
      if (oldSize > newSize) {
        this.#unmapRange(address + newSize, address + oldSize);
        oldSize = newSize;
      }
      this.#checkResize(address, oldSize, newSize);
      const to = fixed ? newAddress : this.areas.place(hintAddress(newAddress), newSize);
      if (to < 0) fail(E.ENOMEM);
      return this.#move(address, oldSize, to, newSize, (flags & MREMAP.DONTUNMAP) !== 0);
    }
    if (oldSize >= newSize) {
      if (oldSize > newSize) this.#unmapRange(address + newSize, address + oldSize);
      return address;
    }
    this.#checkResize(address, oldSize, newSize);
    if (oldSize === area.end - address) {
      const next = this.areas.next(area.end);
      const roof = next === undefined ? TASK_SIZE : guardedStart(next);
      if (address + newSize <= roof) {
        if (area.accounted) this.#charge(newSize - oldSize);
        this.#insert({
          ...area,
          start: area.end,
          end: address + newSize,
          offset: area.offset + (area.end - area.start),
        });
        return address;
      }
    }
    if ((flags & MREMAP.MAYMOVE) === 0) fail(E.ENOMEM);
    const to = this.areas.place(0, newSize);
    if (to < 0) fail(E.ENOMEM);
    return this.#move(address, oldSize, to, newSize, false);
  }

  #checkResize(address: number, oldSize: number, newSize: number): void {
    const area = this.areas.at(address);
    if (area === undefined) fail(E.EFAULT);
    if (oldSize === 0 && area.shared === null) fail(E.EINVAL);
    if (oldSize > area.end - address) fail(E.EFAULT);
    if (newSize > oldSize && this.#total + (newSize - oldSize) > this.#options.addressLimit()) fail(E.ENOMEM);
  }

  #move(from: number, oldSize: number, to: number, newSize: number, keep: boolean): number {
    const area = this.areas.at(from)!;
    if (area.accounted) this.#charge(keep ? newSize : newSize - oldSize);
    const rights = pageRights(area);
    this.#insert({
      ...area,
      start: to,
      end: to + newSize,
      offset: area.offset + (from - area.start),
    });
    const flush = this.#flusher(from, from + oldSize);
    this.tables.forEach(from, from + oldSize, (linear, frame) => {
      if (area.shared !== null) this.#noteDirty(area, linear);
      this.tables.unmap(linear);
      this.tables.map4k(to + (linear - from), frame, this.#rightsOf(rights, frame));
      flush(linear);
    });
    if (!keep && oldSize > 0) this.#unmapRange(from, from + oldSize);
    return to;
  }

  /** madvise(2). Only what changes memory does anything: DONTNEED, FREE, REMOVE, POPULATE. */
  madvise(address: number, length: number, advice: number): void {
    if (!(Object.values(MADV) as number[]).includes(advice)) fail(E.EINVAL);
    if (address % PAGE !== 0) fail(E.EINVAL);
    if (length === 0) return;
    if (length > TASK_SIZE || address > TASK_SIZE) fail(E.EINVAL);
    const end = address + pageUp(length);
    if (advice === MADV.POPULATE_READ || advice === MADV.POPULATE_WRITE) {
      this.#require(address, end);
      this.#populate(address, end, advice === MADV.POPULATE_WRITE ? PROT.WRITE : PROT.READ, true);
      return;
    }
    let covered = address;
    let hole = false;
    for (const area of this.areas.overlapping(address, end)) {
      if (area.start > covered) hole = true;
      covered = area.end;
      const start = Math.max(address, area.start);
      const stop = Math.min(end, area.end);
      if (advice === MADV.DONTNEED || advice === MADV.DONTNEED_LOCKED) this.#drop(area, start, stop);
      else if (advice === MADV.FREE || advice === MADV.WIPEONFORK) {
        if (area.backing !== null || area.shared !== null) fail(E.EINVAL);
        if (advice === MADV.FREE) this.#drop(area, start, stop);
        else for (const part of this.areas.carve(start, stop)) part.wipeOnFork = true;
      } else if (advice === MADV.KEEPONFORK) {
        for (const part of this.areas.carve(start, stop)) part.wipeOnFork = false;
      } else if (advice === MADV.DONTFORK || advice === MADV.DOFORK) {
        for (const part of this.areas.carve(start, stop)) part.dontFork = advice === MADV.DONTFORK;
      } else if (advice === MADV.REMOVE) {
        if (area.shared === null || (area.maxProt & PROT.WRITE) === 0) fail(area.shared === null ? E.EINVAL : E.EACCES);
        area.shared.punch(area.offset + (start - area.start), stop - start);
      }
    }
    if (hole || covered < end) fail(E.ENOMEM);
  }

  /** mincore(2): one byte for each page, 1 when it has a frame. */
  mincore(address: number, length: number): Uint8Array {
    if (address % PAGE !== 0) fail(E.EINVAL);
    if (address > TASK_SIZE || length > TASK_SIZE - address) fail(E.ENOMEM);
    const end = address + pageUp(length);
    this.#require(address, end);
    const resident = new Uint8Array((end - address) / PAGE);
    this.tables.forEach(address, end, (linear) => {
      resident[(linear - address) / PAGE] = 1;
    });
    return resident;
  }

  /** msync(2). */
  msync(address: number, length: number, flags: number): void {
    if (flags & ~(MS.ASYNC | MS.INVALIDATE | MS.SYNC)) fail(E.EINVAL);
    if (address % PAGE !== 0) fail(E.EINVAL);
    if (flags & MS.ASYNC && flags & MS.SYNC) fail(E.EINVAL);
    if (length > TASK_SIZE || address > TASK_SIZE) fail(E.ENOMEM);
    const end = address + pageUp(length);
    for (const area of this.areas.overlapping(address, end)) {
      if (area.shared !== null) this.#collectDirty(area, area.start, area.end);
      area.shared?.flush();
    }
    this.#require(address, end);
  }

  /** mlock(2) and munlock(2): memory is always resident; only the range is checked. */
  checkMapped(address: number, length: number): void {
    const start = pageDown(address);
    const end = pageUp(address + length);
    if (length > TASK_SIZE || end > TASK_SIZE) fail(E.ENOMEM);
    this.#require(start, end);
  }

  /**
   * A page fault at `address` with the CPU's error code (SDM 3A 4.7). Gives the page a frame, grows the stack, or says
   * which signal the process gets.
   * @throws OutOfMemory
   */
  handleFault(address: number, errorCode: number): FaultResult {
    if (address >= TASK_SIZE) return MAPERR;
    const area = this.areas.at(address) ?? this.#growStack(address);
    if (area === undefined) return MAPERR;
    if (errorCode & PF.WRITE) {
      if ((area.prot & PROT.WRITE) === 0) return ACCERR;
    } else if (!accessible(area.prot)) {
      return ACCERR;
    }
    const page = pageDown(address);
    const entry = this.tables.lookup(page);
    // A page that is not there yet is brought in first: the program sees the error code of a page that is (access_error).
    if (errorCode & PF.FETCH && (area.prot & PROT.EXEC) === 0 && entry !== null) return ACCERR;
    if (entry !== null) {
      // Either the tables allow it already and the CPU had an older entry, or it is the first write to a page shared by fork.
      if (errorCode & PF.WRITE && !entry.write && area.shared === null)
        this.tables.map4k(page, this.#frames.own(entry.frame), pageRights(area));
      this.#machine.flushPage(BigInt(page));
      return OK;
    }
    const offset = area.offset + (page - area.start);
    if (area.backing !== null && offset >= pageUp(area.backing.size)) return ADRERR;
    this.tables.map4k(page, this.#frameFor(area, offset), pageRights(area));
    if (area.backing?.frames !== undefined) this.#mapAround(area, page);
    return OK;
  }

  /** Maps the neighbours of a program's page that other processes have brought in already (Linux: do_fault_around). */
  #mapAround(area: Area, page: number): void {
    if (area.prot & PROT.WRITE) return;
    const first = Math.max(area.start, page - (page % FAULT_AROUND));
    const end = Math.min(area.end, first + FAULT_AROUND);
    const rights = pageRights(area);
    for (let at = first; at < end; at += PAGE) {
      const frame = area.backing!.frames!.get(area.offset + (at - area.start));
      if (frame === undefined || this.tables.lookup(at) !== null) continue;
      this.#frames.share(frame);
      this.tables.map4k(at, frame, rights);
    }
  }

  /** A page that another process shares is not written through these tables. */
  #rightsOf(rights: PageRights, frame: number): PageRights {
    return rights.write && this.#frames.isShared(frame) ? { ...rights, write: false } : rights;
  }

  #frameFor(area: Area, offset: number): number {
    if (area.shared !== null) return area.shared.frame(offset / PAGE);
    const cache = (area.prot & PROT.WRITE) === 0 ? area.backing?.frames : undefined;
    const known = cache?.get(offset);
    if (known !== undefined) {
      this.#frames.share(known);
      return known;
    }
    const frame = this.memory.allocateFrame();
    area.backing?.read(offset, this.memory.bytes(frame, PAGE));
    if (cache !== undefined && cache.size < this.memory.size / PAGE / MOST_CACHED) {
      // The cache is a user too.
      this.#frames.share(frame);
      cache.set(offset, frame);
    }
    return frame;
  }

  #growStack(address: number): Area | undefined {
    const area = this.areas.next(address);
    if (area === undefined || !area.growsDown) return undefined;
    const start = pageDown(address);
    if (start < MMAP_MIN_ADDR || area.end - start > this.#options.stackLimit()) return undefined;
    const below = this.areas.before(area.start);
    if (below !== undefined && !below.growsDown && accessible(below.prot) && start - below.end < STACK_GUARD_GAP) {
      return undefined;
    }
    const size = area.start - start;
    if (this.#total + size > this.#options.addressLimit()) return undefined;
    this.#total += size;
    area.start = start;
    return area;
  }

  /** Frees everything: the address space is dead then. */
  destroy(): void {
    this.#unmapRange(0, TASK_SIZE);
    this.tables.destroy();
  }

  #insert(area: Area): void {
    this.#total += area.end - area.start;
    retain(area);
    this.areas.insert(area);
  }

  /** Linux's default heuristic: one mapping may not want more than all memory. */
  #charge(size: number): void {
    if (size > this.memory.size) fail(E.ENOMEM);
  }

  #sizeIn(start: number, end: number): number {
    let size = 0;
    for (const area of this.areas.overlapping(start, end)) {
      size += Math.min(end, area.end) - Math.max(start, area.start);
    }
    return size;
  }

  /** @throws SysError ENOMEM when [start, end) has a hole. */
  #require(start: number, end: number): void {
    if (this.#sizeIn(start, end) !== end - start) fail(E.ENOMEM);
  }

  #unmapRange(start: number, end: number): void {
    for (const area of this.areas.remove(start, end)) {
      this.#drop(area, area.start, area.end);
      release(area);
      this.#total -= area.end - area.start;
    }
  }

  /** Takes the pages of [start, end), a part of `area`, out of the tables and frees those that are private. */
  #drop(area: Area, start: number, end: number): void {
    const flush = this.#flusher(start, end);
    this.tables.forEach(start, end, (linear, frame) => {
      if (area.shared !== null) this.#noteDirty(area, linear);
      this.tables.unmap(linear);
      if (area.shared === null) this.#frames.release(frame);
      flush(linear);
    });
  }

  #noteDirty(area: Area, linear: number): void {
    if (this.tables.clean(linear)) area.shared!.markDirty((area.offset + (linear - area.start)) / PAGE);
  }

  #collectDirty(area: Area, start: number, end: number): void {
    const flush = this.#flusher(start, end);
    this.tables.forEach(start, end, (linear) => {
      this.#noteDirty(area, linear);
      flush(linear);
    });
  }

  #populate(start: number, end: number, prot: number, strict = false): void {
    for (let page = start; page < end; page += PAGE) {
      const result = this.handleFault(page, PF.USER | (prot & PROT.WRITE ? PF.WRITE : 0));
      if (!result.ok && strict) fail(E.EFAULT);
      if (!result.ok) return;
    }
  }

  /** Flushes page by page as long as few are touched in a range of any size, then everything once. */
  #flusher(start: number, end: number): (linear: number) => void {
    if ((end - start) / PAGE <= FLUSH_CEILING) return (linear) => this.#machine.flushPage(BigInt(linear));
    let flushed = false;
    return () => {
      if (!flushed) this.#machine.flushTlb();
      flushed = true;
    };
  }
}

const hintAddress = (address: number): number =>
  address === 0 || address > TASK_SIZE ? 0 : Math.max(pageUp(address), MMAP_MIN_ADDR);
