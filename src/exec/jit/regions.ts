import { milliseconds } from '../../bits/clock.ts';
import type { Mmu } from '../../memory/mmu.ts';
import { PAGE_SIZE } from '../../memory/physical.ts';
import type { MachineServices } from '../../semantics/helpers/helper.ts';
import * as L from '../../state/layout.ts';
import type { Linker } from '../wasm/link.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { type CodeRegion, gather, jumpsIndirectly } from './blocks.ts';
import { CodeReader } from './code.ts';
import { emitRegion, REGION } from './emit-region.ts';
import { planRegion, type RegionPlan } from './plan.ts';

/** A compiled region where it stands in memory. */
interface Region {
  /** Index of its function in the table. */
  readonly index: number;
  readonly entries: readonly bigint[];
  /** The entries that it was compiled for. */
  readonly heads: readonly bigint[];
  /** It jumps through registers or memory. */
  readonly jumps: boolean;
  /** Frames by linear page: what it was compiled from. */
  readonly frames: ReadonlyMap<bigint, number>;
  /** Physical ranges of its instructions. */
  readonly ranges: readonly { readonly from: number; readonly to: number }[];
  /** Bytes of its module. */
  readonly size: number;
}

/** A way into a region. */
export interface RegionEntry {
  readonly index: number;
  readonly number: number;
}

/** Table indices that regions take. */
export interface TableRange {
  readonly from: number;
  readonly to: number;
}

/** What execution has met so far. */
export interface Seen {
  /** Whether the code at a physical address is reached often enough to be compiled with what leads to it. */
  hot(physical: number): boolean;
  /** Physical addresses in a frame of heads that are on the way to be hot. */
  warm(frame: number): number[];
  /** Addresses that must stay outside of regions. */
  excluded(rip: bigint): boolean;
}

/** Instructions of a region that another one may contain too. */
const MOST_ABSORBED = 128;
/** Heads of one region. */
const MOST_HEADS = 64;
/** Bytes of WebAssembly after which all regions are forgotten. */
const MOST_CODE = 32 << 20;
/** What no slot of the cache of branch targets holds as an address: not canonical. */
const NO_TARGET = 0x7f;

/** What compiling has cost so far. */
export interface CompileCounts {
  regions: number;
  instructions: number;
  bytes: number;
  milliseconds: number;
  dropped: number;
}

/** The compiled regions of a CPU: made when a head is hot, entered where they are valid, dropped when their code changes. */
export class Regions {
  readonly counts: CompileCounts = { regions: 0, instructions: 0, bytes: 0, milliseconds: 0, dropped: 0 };
  /** Told of every region that is compiled, for those who look at the code. */
  /** Expressions stay as the definitions write them: to tell a mistake of theirs from one of the compiler's. */
  plain = false;
  onCompile: ((plan: RegionPlan, bytes: Uint8Array) => void) | null = null;
  readonly #mmu: Mmu;
  readonly #decode: MachineServices['decode'];
  readonly #linker: Linker;
  readonly #table: WebAssembly.Table;
  readonly #range: TableRange;
  /** Regions by the physical address of an entry; of aliases the last one compiled. */
  readonly #entries = new Map<number, Region>();
  readonly #byFrame = new Map<number, Set<Region>>();
  #next: number;
  #size = 0;

  constructor(
    mmu: Mmu,
    decode: MachineServices['decode'],
    linker: Linker,
    table: WebAssembly.Table,
    range: TableRange,
  ) {
    this.#mmu = mmu;
    this.#decode = decode;
    this.#linker = linker;
    this.#table = table;
    this.#range = range;
    this.#next = range.from;
    mmu.code.connect((physical, length) => this.#written(physical, length));
    mmu.onTranslationChange(() => this.#changed());
    this.#forgetTargets();
  }

  /** Translations have changed: every region must be checked before it is entered again. */
  #changed(): void {
    const { view } = this.#mmu.memory;
    view.setUint32(L.GENERATION, (view.getUint32(L.GENERATION, true) + 1) >>> 0, true);
    this.#forgetTargets();
  }

  #forgetTargets(): void {
    const { view, u8 } = this.#mmu.memory;
    view.setUint32(L.STALE, 1, true);
    u8.fill(NO_TARGET, L.TARGETS, L.TARGETS + L.TARGET_ENTRIES * L.TARGET_ENTRY_SIZE);
  }

  /** There is room for another region; otherwise `clear` first. */
  get hasRoom(): boolean {
    return this.#next < this.#range.to && this.#size < MOST_CODE;
  }

  /** Forgets all regions. */
  clear(): void {
    for (const region of new Set(this.#entries.values())) this.#table.set(region.index, null);
    this.counts.dropped += new Set(this.#entries.values()).size;
    this.#entries.clear();
    this.#byFrame.clear();
    this.#next = this.#range.from;
    this.#size = 0;
    this.#forgetTargets();
  }

  /** Whether a region is entered at a physical address. */
  isEntry(physical: number): boolean {
    return this.#entries.has(physical);
  }

  /** The entry of a region at an address, if one may be entered there under the present translations. */
  entryAt(rip: bigint, physical: number): RegionEntry | null {
    const region = this.#entries.get(physical);
    const number = region?.entries.indexOf(rip) ?? -1;
    if (region === undefined || number < 0) return null;
    for (const [page, frame] of region.frames) if (this.#mmu.peekFetch(page) !== frame) return null;
    return { index: region.index, number };
  }

  /**
   * Compiles the code around a hot head.
   *
   * @returns physical addresses at which the region may be entered, none where nothing was compiled
   */
  compile(head: bigint, seen: Seen): number[] {
    const started = milliseconds();
    const reader = new CodeReader(this.#mmu, this.#decode);
    const known = (rip: bigint): boolean => {
      const physical = reader.physical(rip);
      return physical !== null && seen.hot(physical);
    };
    const outside = (rip: bigint): boolean => seen.excluded(rip) || this.#isLarge(reader.physical(rip), rip);
    let code = gather(reader, [head], known, outside);
    let merged: Region[] = [];
    if (code !== null && jumpsIndirectly(code)) {
      // What it jumps to is among the other heads nearby, and those of regions that jump in this way too.
      const warm = [...reader.frames].flatMap(([page, frame]) =>
        seen.warm(frame).map((physical) => page + BigInt(physical - frame)),
      );
      merged = [...reader.frames].flatMap(([page, frame]) =>
        [...(this.#byFrame.get(frame) ?? [])].filter((region) => region.jumps && region.frames.get(page) === frame),
      );
      const heads = new Set([head, ...merged.flatMap((region) => region.heads), ...warm]);
      if (heads.size > MOST_HEADS) merged = [];
      else if (heads.size > 1) code = gather(reader, [...heads], known, (rip) => seen.excluded(rip));
    }
    if (code === null) return [];
    for (const region of new Set(merged)) this.#drop(region);
    const index = this.#next++;
    const module = new ModuleBuilder();
    const plan = planRegion(code, this.plain);
    emitRegion(plan, module, index);
    const bytes = module.encode();
    this.onCompile?.(plan, bytes);
    this.#table.set(index, this.#linker.link({ bytes, imports: module.importedNames })[REGION] as () => number);
    const entries = this.#enter(code, reader, index, bytes.length);
    const { counts } = this;
    counts.regions++;
    counts.instructions += code.blocks.reduce((sum, block) => sum + block.insns.length, 0);
    counts.bytes += bytes.length;
    counts.milliseconds += milliseconds() - started;
    return entries;
  }

  /** Whether a region is entered here that is too large to be compiled into another one. */
  #isLarge(physical: number | null, rip: bigint): boolean {
    const region = physical === null ? undefined : this.#entries.get(physical);
    return region !== undefined && region.ranges.length > MOST_ABSORBED && region.entries.includes(rip);
  }

  #enter(code: CodeRegion, reader: CodeReader, index: number, size: number): number[] {
    const { code: pages } = this.#mmu;
    const ranges: { from: number; to: number }[] = [];
    for (const { insns } of code.blocks)
      for (const { rip, insn } of insns) {
        const from = reader.physical(rip)!;
        const head = Math.min(insn.length, PAGE_SIZE - (from % PAGE_SIZE));
        ranges.push({ from, to: from + head });
        if (head === insn.length) continue;
        const second = reader.physical(rip + BigInt(head))!;
        ranges.push({ from: second, to: second + insn.length - head });
      }
    const region: Region = {
      index,
      heads: code.heads,
      jumps: jumpsIndirectly(code),
      entries: code.entries,
      frames: reader.frames,
      ranges,
      size,
    };
    this.#size += size;
    for (const { from, to } of ranges) {
      pages.mark(from, to - from);
      const frame = from - (from % PAGE_SIZE);
      const regions = this.#byFrame.get(frame) ?? new Set();
      this.#byFrame.set(frame, regions.add(region));
    }
    const physical = code.entries.map((rip) => reader.physical(rip)!);
    for (const at of physical) this.#entries.set(at, region);
    return physical;
  }

  #written(physical: number, length: number): void {
    const regions = this.#byFrame.get(physical - (physical % PAGE_SIZE));
    if (regions === undefined) return;
    for (const region of regions)
      if (region.ranges.some(({ from, to }) => from < physical + length && physical < to)) this.#drop(region);
  }

  #drop(region: Region): void {
    for (const [at, known] of this.#entries) if (known === region) this.#entries.delete(at);
    for (const regions of this.#byFrame.values()) regions.delete(region);
    this.#table.set(region.index, null);
    this.#size -= region.size;
    this.counts.dropped++;
    this.#changed();
  }
}
