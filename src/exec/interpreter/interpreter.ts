import type { Insn } from '../../decode/insn.ts';
import { PAGE_SIZE } from '../../memory/physical.ts';
import * as L from '../../state/layout.ts';
import { PENDING_KIND } from '../../state/pending.ts';
import type { ExecContext } from '../context.ts';
import type { Engine, EngineStatistics } from '../engine.ts';
import type { Exit } from '../exit.ts';
import { fetchInsn } from '../fetch.ts';
import { type RegionEntry, Regions } from '../jit/regions.ts';
import { runSteppable } from '../single-step.ts';
import { NEVER_HOT, RecordCache } from './cache.ts';
import { LEFT, NOWHERE, PSEUDO, UNTIL } from './dispatch.ts';
import { HandlerTable } from './handler-table.ts';
import { OUTCOME } from './handlers.ts';
import { RECORD } from './record.ts';
import { fillRecord, shapeKey } from './shape.ts';

/** Instructions per call of the wasm function. V8 replaces a function only between calls, so it must return now and then. */
const SLICE = 500_000;
/** Instructions decoded ahead in one go. */
const RUN_LENGTH = 48;
/** Records that one go may take: every instruction may need a pseudo-record or two before it. */
const RUN_RECORDS = RUN_LENGTH * 3 + 1;

/** Mnemonics behind which nothing is decoded ahead: what follows need not be code. */
const ENDS_RUN = new Set('jmp ret retf iret hlt ud0 ud1 ud2 int3 int1 sysret'.split(' '));

/** How often a head is reached before the code around it is compiled. */
export const HOT_AFTER = 2000;
/** The part of that which is left where a head is warm. */
const WARM = 0.75;
/** Code that is reached less often than this part of the heads stays outside of regions. */
const LEAST = 1 / 64;

/** Runs pre-decoded records in one generated WebAssembly function, and hot code as compiled regions. */
export class Interpreter implements Engine {
  readonly #context: ExecContext;
  readonly #cache: RecordCache;
  readonly #handlers: HandlerTable;
  /** Null where nothing is compiled. */
  readonly regions: Regions | null;
  readonly #view: DataView;
  readonly #hotAfter: number | null;
  #until: bigint | null = null;
  #sliceStart = 0;
  #sliceLength = 0;

  /** @param hotAfter how often a head is reached before the code around it is compiled; null: nothing is */
  constructor(context: ExecContext, hotAfter: number | null) {
    this.#context = context;
    this.#hotAfter = hotAfter;
    const { mmu } = context;
    this.#view = mmu.memory.view;
    this.#cache = new RecordCache(mmu.memory, mmu.code, () => this.#reset());
    mmu.onFetch((frame) => this.#cache.mapOf(frame));
    this.#handlers = new HandlerTable(context);
    const { linker, table, rest } = this.#handlers;
    this.regions = hotAfter !== null ? new Regions(mmu, context.machine.decode, linker, table, rest) : null;
  }

  get until(): bigint | null {
    return this.#until;
  }
  /** Records before the old and the new address carry a probe, so both start anew. */
  set until(address: bigint | null) {
    if (address === this.#until) return;
    this.#until = address;
    this.#reset();
  }

  statistics(): EngineStatistics {
    const { regions } = this;
    if (regions === null) return {};
    const { bytes, milliseconds, dropped, ...compiled } = regions.counts;
    const exits = (outcome: number): number => Number(this.#view.getBigUint64(L.REGION_EXITS + 8 * outcome, true));
    return {
      'compiled code': { ...compiled, 'bytes of WebAssembly': bytes, ms: milliseconds, 'regions dropped': dropped },
      regions: {
        entries: Number(this.#view.getBigUint64(L.REGION_ENTRIES, true)),
        'exits to other code': exits(OUTCOME.jump),
        'exits to the interpreter': exits(OUTCOME.plain),
        'exits with a fault': exits(OUTCOME.fault),
        'exits to the machine': exits(OUTCOME.exit),
      },
    };
  }

  prepare(insns: readonly Insn[]): void {
    const handlers = this.#handlers;
    const shapes = new Map(insns.map((insn) => [shapeKey(insn), insn]));
    const unknown = (): [string, Insn][] =>
      [...shapes].filter(([key, insn]) => !handlers.has(key) && handlers.defines(insn, key));
    let missing = unknown();
    if (!handlers.hasRoom(missing.length)) {
      this.#reset(shapes.size);
      missing = unknown();
    }
    if (!handlers.hasRoom(missing.length)) return;
    for (const [key, insn] of missing) handlers.of(insn, key);
    handlers.compilePending();
  }

  /** Forgets everything decoded and compiled, and shapes too where there is no room for so many more. */
  #reset(shapes = RUN_LENGTH): void {
    this.#cache.reset();
    this.regions?.clear();
    if (!this.#handlers.hasRoom(shapes)) this.#handlers.forget();
    this.#context.mmu.flushFast();
  }

  run(budget: number): Exit {
    return runSteppable(this.#context, budget, (part) => this.#run(part));
  }

  #run(budget: number): Exit | null {
    const { cpu } = this.#context;
    const view = this.#view;
    // LEFT was set to the slice's length and counts the running instruction as gone.
    this.#context.count = () => this.#sliceStart + this.#sliceLength - view.getInt32(LEFT, true) - 1;
    view.setInt32(L.PENDING, PENDING_KIND.none, true);
    cpu.setU64(UNTIL, this.#until ?? NOWHERE);
    let left = budget;
    for (;;) {
      if (left === 0) return this.#until !== null && cpu.rip === this.#until ? { kind: 'until' } : { kind: 'count' };
      const slice = Math.min(left, SLICE);
      this.#sliceStart = cpu.icount;
      this.#sliceLength = slice;
      view.setInt32(LEFT, slice, true);
      const kind = this.#handlers.run();
      const done = slice - view.getInt32(LEFT, true);
      left -= done;
      cpu.icount = this.#sliceStart + done;
      if (kind === PENDING_KIND.count) continue;
      if (kind === PENDING_KIND.until) return { kind: 'until' };
      if (kind === PENDING_KIND.resume) return null;
      if (kind === PENDING_KIND.hot) {
        this.#compile(cpu.rip);
        continue;
      }
      if (kind === PENDING_KIND.check) this.#forget(cpu.rip);
      else if (kind !== PENDING_KIND.decode && kind !== PENDING_KIND.decodeNext) return this.#context.takeExit();
      if (left === 0) continue;
      const exit = this.#decodeAt(cpu.rip, kind !== PENDING_KIND.decodeNext);
      if (exit !== null) return exit;
    }
  }

  /** Compiles the code around a hot head; its entries are decoded anew when they are reached. */
  #compile(rip: bigint): void {
    const { regions } = this;
    if (regions === null) return;
    if (!regions.hasRoom) return this.#reset();
    const cache = this.#cache;
    const until = this.#until;
    const entries = regions.compile(rip, {
      hot: (physical) => cache.arrivals(physical, this.#hotAfter!) >= this.#hotAfter! * LEAST,
      warm: (frame) => cache.heads(frame, this.#hotAfter! * WARM),
      excluded: (at) => until !== null && (at & 0xfffn) === (until & 0xfffn),
    });
    for (const entry of entries) cache.forget(entry);
  }

  /** The region behind the record at an address was checked under other translations: look again. */
  #forget(rip: bigint): void {
    const physical = this.#context.mmu.fetch(rip);
    if (physical !== null) this.#cache.forget(physical);
  }

  /**
   * Decodes a run of instructions at `rip`. An exit where not even the first one can be.
   *
   * @param jumped a branch has led here, not the instruction before
   */
  #decodeAt(rip: bigint, jumped: boolean): Exit | null {
    const { mmu } = this.#context;
    const cache = this.#cache;
    if (!cache.hasRoom(RUN_RECORDS) || !this.#handlers.hasRoom(RUN_LENGTH)) this.#reset();
    let at = rip;
    for (let n = 0; n < RUN_LENGTH; n++) {
      const first = n === 0;
      // Only the first instruction may fault; the rest is decoded ahead, within its page.
      if (!first && at >> 12n !== rip >> 12n) break;
      const fetched = fetchInsn(mmu, this.#context, at, !first);
      if (fetched === null) {
        if (first) return this.#context.takeExit();
        this.#view.setInt32(L.PENDING, PENDING_KIND.none, true);
        break;
      }
      const { insn, physical, second } = fetched;
      const offset = physical % PAGE_SIZE;
      const map = cache.mapOf(physical - offset);
      const known = cache.recordAt(map, offset);
      // A region's entry begins a run of its own.
      if (!first && (known !== 0 || this.regions?.isEntry(physical))) break;
      const key = shapeKey(insn);
      if (!this.#handlers.defines(insn, key)) {
        if (first) return { kind: 'unimplemented', mnemonic: insn.mnemonic, bytes: insn.bytes };
        break;
      }
      if (known !== 0) cache.drop(map + offset * 4);
      this.#append(insn, key, at, map, offset, physical, second, first, jumped);
      this.#uncover(insn, at);
      mmu.code.mark(physical, second === null ? insn.length : PAGE_SIZE - offset);
      if (second !== null) mmu.code.mark(second, insn.length - (PAGE_SIZE - offset));
      at = BigInt.asUintN(64, at + BigInt(insn.length));
      if (second !== null || ENDS_RUN.has(insn.mnemonic)) break;
      // With regions, what has been decoded must have been met: they are made of it.
      if (this.regions !== null && (insn.operands[0]?.kind === 'rel' || insn.mnemonic === 'call')) break;
    }
    // Behind the run stands a look-up of what follows; its offset may be the next page's first byte.
    const end = this.#cache.allocateRecord();
    this.#view.setUint16(end + RECORD.handler, PSEUDO.lookup, true);
    this.#view.setUint16(end + RECORD.offset, Number(at - (rip & ~0xfffn)), true);
    this.#handlers.compilePending();
    return null;
  }

  /** The target of a branch back becomes a head: a run begins there, and it may become hot. */
  #uncover(insn: Insn, at: bigint): void {
    const op = insn.operands[0];
    if (this.regions === null || op?.kind !== 'rel' || op.offset > 0n) return;
    const target = BigInt.asUintN(64, at + op.offset);
    const offset = Number(target & 0xfffn);
    const frame = this.#context.mmu.peekFetch(target - BigInt(offset));
    if (frame !== null) this.#cache.uncover(frame + offset, this.#hotAfter!);
  }

  #append(
    insn: Insn,
    key: string,
    at: bigint,
    map: number,
    offset: number,
    physical: number,
    second: number | null,
    first: boolean,
    jumped: boolean,
  ): void {
    const view = this.#view;
    const cache = this.#cache;
    let entry = 0;
    const record = (): number => {
      const address = cache.allocateRecord();
      if (entry === 0) entry = address;
      fillRecord(view, address, insn, offset);
      return address;
    };
    if (this.#until !== null && (at & 0xfffn) === (this.#until & 0xfffn))
      view.setUint16(record() + RECORD.handler, PSEUDO.until, true);
    if (first && this.regions !== null) {
      const region = this.regions.entryAt(at, physical);
      if (region !== null) this.#fillRegion(record(), at, region);
      else this.#fillHead(record(), jumped || cache.isTarget(physical));
    }
    if (second !== null) {
      const cross = record();
      view.setUint16(cross + RECORD.handler, PSEUDO.cross, true);
      view.setUint32(cross + RECORD.imm, cache.mapOf(second - (second % PAGE_SIZE)), true);
    }
    const address = record();
    const { handler, index } = this.#handlers.of(insn, key);
    view.setUint16(address + RECORD.handler, handler, true);
    view.setUint16(address + RECORD.function, index, true);
    cache.enter(map, offset, entry, second === null ? null : second - (second % PAGE_SIZE));
  }

  /** A record that counts how often a run is reached; only one that a branch has led to becomes hot. */
  #fillHead(record: number, jumped: boolean): void {
    this.#view.setUint16(record + RECORD.handler, PSEUDO.head, true);
    this.#view.setUint32(record + RECORD.imm, jumped ? this.#hotAfter! : NEVER_HOT, true);
  }

  /** A record that enters a region. */
  #fillRegion(record: number, rip: bigint, entry: RegionEntry): void {
    const view = this.#view;
    view.setUint16(record + RECORD.handler, PSEUDO.region, true);
    view.setUint16(record + RECORD.function, entry.index, true);
    view.setBigUint64(record + RECORD.imm, rip, true);
    view.setUint32(record + RECORD.displacement, view.getUint32(L.GENERATION, true), true);
    view.setUint32(record + RECORD.displacement + 4, entry.number, true);
  }
}
