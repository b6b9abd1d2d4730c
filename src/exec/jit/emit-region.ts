import { signed } from '../../bits/width.ts';
import { V, W } from '../../ir/wasm-opcodes.ts';
import { RCX } from '../../semantics/lift.ts';
import * as L from '../../state/layout.ts';
import { OUTCOME } from '../interpreter/handlers.ts';
import type { FunctionBuilder, Label } from '../wasm/function.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { pushTargetSlot } from '../wasm/targets.ts';
import type { CodeBlock } from './blocks.ts';
import { BULK_EVERY, emitBulk, isBulk } from './bulk.ts';
import { BlockEmission, type BlockTarget } from './emit-block.ts';
import { MAX_LEAVES } from './flags.ts';
import { pushFloatsPlain } from './float.ts';
import { Frame, flagsFunction, PureTarget } from './frame.ts';
import type { LiftedBlock } from './lift-block.ts';
import { endsOpaquely, type RegionPlan } from './plan.ts';

/** Name under which a region's function is exported. */
export const REGION = 'region';
/** The second function of a region's module: puts flags into the CPU state. */
const FLAGS_FUNCTION = 1;

/**
 * Emits a region as two functions of `module`: `(entry) → outcome`, which runs it from one of its entries, and the one that puts
 * flags into the CPU state.
 *
 * @param index the table index under which the region will be entered
 */
export function emitRegion(plan: RegionPlan, module: ModuleBuilder, index: number): void {
  const region = new RegionEmission(plan, module, index);
  region.run();
  module.define(REGION, region.frame.f);
  module.define(null, flagsFunction(plan.states, module));
}

class RegionEmission {
  readonly frame = new Frame();
  readonly #plan: RegionPlan;
  readonly #module: ModuleBuilder;
  readonly #index: number;
  readonly #loops = new Map<number, Label>();
  readonly #merges = new Map<number, Label>();
  #exit: Label = 0;
  #root: Label | null = null;

  constructor(plan: RegionPlan, module: ModuleBuilder, index: number) {
    this.#plan = plan;
    this.#module = module;
    this.#index = index;
    for (const block of plan.blocks) {
      for (const place of block.reads) this.frame.declare(place, false);
      for (const place of block.writes) this.frame.declare(place, true);
    }
  }

  get #f(): FunctionBuilder {
    return this.frame.f;
  }

  run(): void {
    const f = this.#f;
    const { structure } = this.#plan;
    f.loadState(L.BUDGET, 32);
    f.set(this.frame.left);
    this.#loadRegisters();
    if (this.#plan.floats) {
      pushFloatsPlain(f);
      f.set(this.frame.plainFloats);
    }
    f.block((exit) => {
      this.#exit = exit;
      const { roots, mergesAtRoot } = structure;
      if (roots.length === 1) return this.#tree(roots[0]!);
      f.loop((root) => {
        this.#root = root;
        this.#nest(mergesAtRoot, () => {
          f.get(this.frame.entry);
          const labels = roots.map((to) => this.#merges.get(to)!);
          f.brTable(labels, labels[0]!);
        });
      });
    });
    this.#storeRegisters();
    this.#flagsToState();
    f.storeState(L.RIP, 64, () => f.get(this.frame.rip));
    f.storeState(L.BUDGET, 32, () => f.get(this.frame.left));
    f.get(this.frame.outcome);
  }

  // ——— state ———

  #loadRegisters(): void {
    const f = this.#f;
    for (const [place, { local, w }] of this.frame.registers) {
      f.i32(0);
      if (w === 128) f.accessSimd(V.v128_load, place);
      else f.access(W.i64_load, place);
      f.set(local);
    }
  }

  #storeRegisters(): void {
    const f = this.#f;
    for (const [place, { local, w, written }] of this.frame.registers) {
      if (!written) continue;
      f.i32(0);
      f.get(local);
      if (w === 128) f.accessSimd(V.v128_store, place);
      else f.access(W.i64_store, place);
    }
  }

  /** Puts the flags into the CPU state, where the registers already are, unless they are there. */
  #flagsToState(): void {
    const f = this.#f;
    const { flags, leaves } = this.frame;
    if (this.#plan.states.list.length === 0) return;
    f.get(flags);
    f.ifElse(null, () => {
      f.get(flags);
      for (let i = 0; i < MAX_LEAVES; i++) f.get(leaves + i);
      f.callDefined(FLAGS_FUNCTION);
      f.i32(0);
      f.set(flags);
    });
  }

  // ——— control ———

  #tree(block: number): void {
    const inside = (): void => this.#nest(this.#plan.structure.mergesBelow[block]!, () => this.#code(block));
    const { structure, blocks, ways } = this.#plan;
    if (!structure.loops.has(block)) return inside();
    const { insn } = blocks[block]!.code.insns[0]!;
    if (isBulk(insn)) emitBulk(this.#f, insn, this.frame, ways[block]!);
    this.#f.loop((label) => {
      this.#loops.set(block, label);
      inside();
    });
  }

  /** `body`, with the trees of these merges behind it, each reached by leaving a wasm block. */
  #nest(merges: readonly number[], body: () => void): void {
    if (merges.length === 0) return body();
    const last = merges.at(-1)!;
    this.#f.block((label) => {
      this.#merges.set(last, label);
      this.#nest(merges.slice(0, -1), body);
    });
    this.#tree(last);
  }

  /** Label that an edge branches to, or null where the target's code comes in its place. */
  #label(from: number, to: number): Label | null {
    const { order, merges } = this.#plan.structure;
    if (order[to]! <= order[from]!) return this.#loops.get(to)!;
    return merges.has(to) ? this.#merges.get(to)! : null;
  }

  #leave(outcome: number): void {
    const f = this.#f;
    f.i32(outcome);
    f.set(this.frame.outcome);
    f.br(this.#exit);
  }

  #leaveTo(rip: bigint, outcome: number): void {
    this.#f.i64(signed(rip, 64));
    this.#f.set(this.frame.rip);
    this.#leave(outcome);
  }

  /** Goes on at an address; the way is a branch, the target's code itself, or out of the region. */
  #edge(from: CodeBlock, rip: bigint): void {
    const f = this.#f;
    const to = this.#plan.region.byStart.get(rip);
    if (to === undefined) return this.#leaveTo(rip, OUTCOME.jump);
    if (this.#plan.structure.viaRoot(from.index, to.index)) {
      f.i32(this.#plan.structure.roots.indexOf(to.index));
      f.set(this.frame.entry);
      return f.br(this.#root!);
    }
    const label = this.#label(from.index, to.index);
    if (label === null) this.#tree(to.index);
    else f.br(label);
  }

  /** The condition is on the stack: goes on at the address where it holds, else falls through. */
  #edgeIf(from: CodeBlock, rip: bigint): void {
    const f = this.#f;
    const to = this.#plan.region.byStart.get(rip);
    const direct = to !== undefined && !this.#plan.structure.viaRoot(from.index, to.index);
    const label = direct ? this.#label(from.index, to.index) : null;
    if (label !== null) f.brIf(label);
    else f.ifElse(null, () => this.#edge(from, rip));
  }

  /** Goes on at the address in `rip`: a return site in the region, another entry of it, or out. */
  #dynamic(from: CodeBlock): void {
    const f = this.#f;
    const { rip } = this.frame;
    const { region } = this.#plan;
    for (const site of region.targets.get(from.start) ?? []) {
      f.get(rip);
      f.i64(signed(site, 64));
      f.op(W.i64_eq);
      this.#edgeIf(from, site);
    }
    if (this.#root !== null && region.entries.length > 1) {
      const slot = f.allocate(f.params[0]!);
      pushTargetSlot(f, rip);
      f.tee(slot);
      f.access(W.i64_load, L.TARGETS);
      f.get(rip);
      f.op(W.i64_eq);
      f.get(slot);
      f.access(W.i32_load, L.TARGETS + 8);
      f.i32(this.#index);
      f.op(W.i32_eq, W.i32_and);
      f.ifElse(null, () => {
        f.get(slot);
        f.access(W.i32_load, L.TARGETS + 12);
        f.set(this.frame.entry);
        f.br(this.#root!);
      });
      f.release(slot);
    }
    this.#leave(OUTCOME.jump);
  }

  // ——— blocks ———

  #code(index: number): void {
    const f = this.#f;
    const lifted = this.#plan.blocks[index]!;
    const { code } = lifted;
    const { left } = this.frame;
    const { structure, ways } = this.#plan;
    if (structure.loops.has(index) || structure.roots.includes(index)) {
      const { insn } = code.insns[0]!;
      if (isBulk(insn)) {
        // Now and then, as what cannot be done at once is not to pay for the look each time.
        f.get(this.frame.registers.get(RCX)!.local);
        f.i64(BULK_EVERY - 1n);
        f.op(W.i64_and, W.i64_eqz);
        f.ifElse(null, () => emitBulk(f, insn, this.frame, ways[index]!));
      }
      // Enough for every way to the next loop head, or nothing: the interpreter stops within.
      f.get(left);
      f.i32(ways[index]!);
      f.op(W.i32_lt_s);
      f.ifElse(null, () => this.#leaveTo(code.start, OUTCOME.plain), undefined, 'unlikely');
    }
    this.#addLeft(-code.insns.length);
    const flags = this.#plan.flags[index]!;
    if (flags.settle) {
      this.#storeRegisters();
      this.#flagsToState();
    }
    const target = new RegionTarget(this, this.#module, lifted);
    new BlockEmission(lifted, this.frame, target, flags.state, this.#plan.states).run();
  }

  #addLeft(by: number): void {
    const f = this.#f;
    f.get(this.frame.left);
    f.i32(by);
    f.op(W.i32_add);
    f.set(this.frame.left);
  }

  // ——— what a block's target asks for ———

  /** Leaves before an instruction of the block, which has not retired. */
  undo(code: CodeBlock, at: number, outcome: number): void {
    this.#addLeft(code.insns.length - at);
    this.#leaveTo(code.insns[at]!.rip, outcome);
  }

  /** Instructions left behind the one at hand, for whoever asks the time. */
  storeLeft(code: CodeBlock, at: number): void {
    const f = this.#f;
    f.storeState(L.BUDGET, 32, () => {
      f.get(this.frame.left);
      f.i32(code.insns.length - at - 1);
      f.op(W.i32_add);
    });
  }

  spill(): void {
    this.#storeRegisters();
    this.#flagsToState();
  }

  reload(): void {
    this.#loadRegisters();
  }

  edge(from: CodeBlock, to: bigint, opaque: boolean): void {
    if (opaque) this.#leaveTo(to, OUTCOME.jump);
    else this.#edge(from, to);
  }

  branch(from: CodeBlock, to: bigint, otherwise: bigint): void {
    this.#edgeIf(from, to);
    this.#edge(from, otherwise);
  }

  dynamic(from: CodeBlock, opaque: boolean): void {
    if (opaque) this.#leave(OUTCOME.jump);
    else this.#dynamic(from);
  }

  exit(to: bigint): void {
    this.#leaveTo(to, OUTCOME.exit);
  }
}

/** A block of a region as the target of its emission. */
class RegionTarget extends PureTarget implements BlockTarget {
  readonly #region: RegionEmission;
  readonly #code: CodeBlock;
  readonly #opaque: boolean;
  readonly #next: bigint;
  #at = 0;

  constructor(region: RegionEmission, module: ModuleBuilder, lifted: LiftedBlock) {
    super(region.frame.f, module);
    this.#region = region;
    this.#code = lifted.code;
    this.#opaque = endsOpaquely(lifted);
    this.#next = lifted.code.insns.at(-1)!.next;
  }

  at(index: number): void {
    this.#at = index;
  }
  override beforeCall(): void {
    this.#region.storeLeft(this.#code, this.#at);
  }
  override fault(): void {
    this.#region.undo(this.#code, this.#at, OUTCOME.fault);
  }
  plain(): void {
    this.#region.undo(this.#code, this.#at, OUTCOME.plain);
  }
  spill(): void {
    this.#region.spill();
  }
  reload(): void {
    this.#region.reload();
  }
  branch(target: bigint): void {
    if (this.#opaque) throw new Error('a conditional branch behind a helper of unknown effect');
    this.#region.branch(this.#code, target, this.#next);
  }
  edge(to: bigint): void {
    this.#region.edge(this.#code, to, this.#opaque);
  }
  dynamic(): void {
    this.#region.dynamic(this.#code, this.#opaque);
  }
  override again(): void {
    this.edge(this.#code.start);
  }
  override next(): void {
    this.edge(this.#next);
  }
  override exit(): void {
    this.#region.exit(this.#next);
  }
}
