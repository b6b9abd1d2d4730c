import { signed } from '../../bits/width.ts';
import { V, W } from '../../ir/wasm-opcodes.ts';
import * as L from '../../state/layout.ts';
import { OUTCOME } from '../interpreter/handlers.ts';
import type { FunctionBuilder, Label } from '../wasm/function.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { pushTargetSlot } from '../wasm/targets.ts';
import type { CodeBlock } from './blocks.ts';
import { BlockEmission, type BlockTarget } from './emit-block.ts';
import { MAX_LEAVES } from './flags.ts';
import { pushFloatsPlain } from './float.ts';
import { Frame, flagsFunction, pureTarget } from './frame.ts';
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
    pushFloatsPlain(f);
    f.set(this.frame.plainFloats);
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
    if (!this.#plan.structure.loops.has(block)) return inside();
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
    for (const site of region.returns.get(from.start) ?? []) {
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
    const count = code.insns.length;
    // The whole block or nothing of it: the interpreter stops within.
    f.get(left);
    f.i32(count);
    f.op(W.i32_sub);
    f.tee(left);
    f.i32(0);
    f.op(W.i32_lt_s);
    f.ifElse(
      null,
      () => {
        this.#addLeft(count);
        this.#leaveTo(code.start, OUTCOME.plain);
      },
      undefined,
      'unlikely',
    );
    const flags = this.#plan.flags[index]!;
    if (flags.settle) {
      this.#storeRegisters();
      this.#flagsToState();
    }
    const emission = new BlockEmission(lifted, this.frame, this.#target(lifted), flags.state, this.#plan.states);
    emission.run();
  }

  #addLeft(by: number): void {
    const f = this.#f;
    f.get(this.frame.left);
    f.i32(by);
    f.op(W.i32_add);
    f.set(this.frame.left);
  }

  #target(lifted: LiftedBlock): BlockTarget {
    const f = this.#f;
    const { code } = lifted;
    const count = code.insns.length;
    const opaque = endsOpaquely(lifted);
    let at = 0;
    /** Before the current instruction, which has not retired. */
    const undo = (outcome: number): void => {
      this.#addLeft(count - at);
      this.#leaveTo(code.insns[at]!.rip, outcome);
    };
    const edge = (to: bigint): void => (opaque ? this.#leaveTo(to, OUTCOME.jump) : this.#edge(code, to));
    const { next } = code.insns.at(-1)!;
    return {
      ...pureTarget(f, this.#module),
      at: (index) => {
        at = index;
      },
      beforeCall: () =>
        f.storeState(L.BUDGET, 32, () => {
          f.get(this.frame.left);
          f.i32(count - at - 1);
          f.op(W.i32_add);
        }),
      fault: () => undo(OUTCOME.fault),
      plain: () => undo(OUTCOME.plain),
      spill: () => {
        this.#storeRegisters();
        this.#flagsToState();
      },
      reload: () => this.#loadRegisters(),
      branch: (target) => {
        if (opaque) throw new Error('a conditional branch behind a helper of unknown effect');
        this.#edgeIf(code, target.attr.value!);
        this.#edge(code, next);
      },
      edge,
      dynamic: () => (opaque ? this.#leave(OUTCOME.jump) : this.#dynamic(code)),
      jump: () => {
        throw new Error('jumps of a region go through edges');
      },
      again: () => edge(code.start),
      next: () => edge(next),
      exit: () => this.#leaveTo(next, OUTCOME.exit),
    };
  }
}
