import type { CodePages } from '../../memory/code-pages.ts';
import { PAGE_SIZE, type PhysicalMemory } from '../../memory/physical.ts';
import { CODE_ARENA, CODE_ARENA_END } from '../../state/layout.ts';
import { PSEUDO } from './dispatch.ts';
import { RECORD, RECORD_SIZE } from './record.ts';

const MAP_SIZE = PAGE_SIZE * 4;
/** Where the count of a run begins that only the instruction before has led to. */
export const NEVER_HOT = 0x7fff_ffff;
const LONGEST_INSN = 15;
/** Records that stand before an instruction's own. */
const PREFIXES: ReadonlySet<number> = new Set([PSEUDO.cross, PSEUDO.until, PSEUDO.head, PSEUDO.region]);

/**
 * Decoded instructions by physical address: for each frame with code a map from page offset to record (u32 each, 0 = none),
 * and the records themselves, both in the code arena. A full arena is emptied at once.
 */
export class RecordCache {
  readonly #memory: PhysicalMemory;
  readonly #code: CodePages;
  readonly #maps = new Map<number, number>();
  /** Map entries of instructions that reach into a frame from the one before it in linear order. */
  readonly #crossing = new Map<number, number[]>();
  readonly #targets = new Set<number>();
  #next = CODE_ARENA;

  readonly #full: () => void;

  /** @param full called when a map no longer fits: it must call `reset` */
  constructor(memory: PhysicalMemory, code: CodePages, full: () => void) {
    this.#full = full;
    this.#memory = memory;
    this.#code = code;
    code.connect((physical, length) => this.#written(physical, length));
  }

  /** Whether `records` more records and two maps fit; otherwise `reset` first. */
  hasRoom(records: number): boolean {
    return this.#next + records * RECORD_SIZE + 2 * MAP_SIZE <= CODE_ARENA_END;
  }

  /** Forgets every record. Whoever holds a record's address (the interpreter, the fetch TLB) must look it up again. */
  reset(): void {
    this.#maps.clear();
    this.#crossing.clear();
    this.#targets.clear();
    this.#code.clear();
    this.#next = CODE_ARENA;
  }

  /** Address of the frame's map, made empty where there is none. */
  mapOf(frame: number): number {
    let map = this.#maps.get(frame);
    if (map === undefined) {
      if (this.#next + MAP_SIZE > CODE_ARENA_END) this.#full();
      map = this.#allocate(MAP_SIZE);
      this.#memory.u8.fill(0, map, map + MAP_SIZE);
      this.#maps.set(frame, map);
    }
    return map;
  }

  #allocate(size: number): number {
    if (this.#next + size > CODE_ARENA_END) throw new RangeError('the code arena is full');
    const at = this.#next;
    this.#next += size;
    return at;
  }

  /** A fresh record behind the last one; all zero. */
  allocateRecord(): number {
    const at = this.#allocate(RECORD_SIZE);
    this.#memory.u8.fill(0, at, at + RECORD_SIZE);
    return at;
  }

  /**
   * How often the run at a physical address has been reached; 0 where none begins there, infinity where nobody counts: in the
   * middle of a run, and at the entries of regions.
   *
   * @param hotAfter where the counts of heads began
   */
  arrivals(physical: number, hotAfter: number): number {
    const offset = physical % PAGE_SIZE;
    const map = this.#maps.get(physical - offset);
    const record = map === undefined ? 0 : this.recordAt(map, offset);
    if (record === 0) return 0;
    const view = this.#memory.view;
    if (view.getUint16(record + RECORD.handler, true) !== PSEUDO.head) return Number.POSITIVE_INFINITY;
    const left = view.getInt32(record + RECORD.imm, true);
    return (left > NEVER_HOT / 2 ? NEVER_HOT : hotAfter) - left;
  }

  /** Whether a branch back leads to a physical address. */
  isTarget(physical: number): boolean {
    return this.#targets.has(physical);
  }

  /** Notes that a branch back leads to a physical address: what is decoded there is counted, and may become hot. */
  uncover(physical: number, hotAfter: number): void {
    this.#targets.add(physical);
    const offset = physical % PAGE_SIZE;
    const map = this.#maps.get(physical - offset);
    const record = map === undefined ? 0 : this.recordAt(map, offset);
    if (record === 0) return;
    const view = this.#memory.view;
    const handler = view.getUint16(record + RECORD.handler, true);
    if (handler === PSEUDO.head) {
      if (view.getInt32(record + RECORD.imm, true) > NEVER_HOT / 2) view.setInt32(record + RECORD.imm, hotAfter, true);
    } else if (handler !== PSEUDO.region) this.drop(map! + offset * 4);
  }

  /** Physical addresses in a frame of heads whose count has come down to `most`. */
  heads(frame: number, most: number): number[] {
    const map = this.#maps.get(frame);
    const out: number[] = [];
    if (map === undefined) return out;
    const view = this.#memory.view;
    for (let offset = 0; offset < PAGE_SIZE; offset++) {
      const record = this.recordAt(map, offset);
      if (record === 0 || view.getUint16(record + RECORD.handler, true) !== PSEUDO.head) continue;
      if (view.getInt32(record + RECORD.imm, true) <= most) out.push(frame + offset);
    }
    return out;
  }

  /** Makes the record at a physical address look its address up again, where there is one. */
  forget(physical: number): void {
    const offset = physical % PAGE_SIZE;
    const map = this.#maps.get(physical - offset);
    if (map !== undefined) this.drop(map + offset * 4);
  }

  /** Record of the instruction at a page offset, or 0. */
  recordAt(map: number, offset: number): number {
    return this.#memory.view.getUint32(map + offset * 4, true);
  }

  /** Enters a record; `second` is the frame that a crossing instruction ends in. */
  enter(map: number, offset: number, record: number, second: number | null): void {
    const entry = map + offset * 4;
    this.#memory.view.setUint32(entry, record, true);
    if (second === null) return;
    const entries = this.#crossing.get(second);
    if (entries) entries.push(entry);
    else this.#crossing.set(second, [entry]);
  }

  /** Makes the record behind a map entry look its address up again, and forgets it. */
  drop(entry: number): void {
    const view = this.#memory.view;
    let record = view.getUint32(entry, true);
    if (record === 0) return;
    view.setUint32(entry, 0, true);
    // What stands before the instruction's own record, and that.
    for (let before = true; before; record += RECORD_SIZE) {
      before = PREFIXES.has(view.getUint16(record + RECORD.handler, true));
      view.setUint16(record + RECORD.handler, PSEUDO.lookup, true);
    }
  }

  #written(physical: number, length: number): void {
    const frame = physical - (physical % PAGE_SIZE);
    const map = this.#maps.get(frame);
    const view = this.#memory.view;
    const first = physical - frame;
    const end = first + length;
    if (map !== undefined)
      for (let offset = Math.max(0, first - LONGEST_INSN + 1); offset < Math.min(end, PAGE_SIZE); offset++) {
        const record = view.getUint32(map + offset * 4, true);
        if (record !== 0 && offset + view.getUint8(record + RECORD.length) > first) this.drop(map + offset * 4);
      }
    const crossing = this.#crossing.get(frame);
    if (crossing !== undefined && first < LONGEST_INSN) {
      for (const entry of crossing) this.drop(entry);
      this.#crossing.delete(frame);
    }
  }
}
