import { trackedAt } from '../../ir/forward.ts';
import type { Node, Val } from '../../ir/nodes.ts';
import { TYPE, V, W } from '../../ir/wasm-opcodes.ts';
import { type Helper, helperNamed } from '../../semantics/helpers/helper.ts';
import * as L from '../../state/layout.ts';
import { Emission, RESOLVE, STORES, type Target } from '../wasm/emit-ir.ts';
import { typeOf } from '../wasm/function.ts';
import { isOpaque } from './code.ts';
import type { FlagState, FlagStates } from './flags.ts';
import {
  arithmeticOf,
  FloatArithmetic,
  type FloatOperand,
  formatOf,
  pushFloatsPlain,
  sharedArithmetic,
} from './float.ts';
import { emitFlag, type Frame } from './frame.ts';
import { type AccessGroup, groupAccesses, type Member } from './groups.ts';
import { Inlined } from './inlined.ts';
import type { LiftedBlock } from './lift-block.ts';

/** What a block's emission asks of the region around it. */
export interface BlockTarget extends Target {
  /** The instruction that the following nodes belong to. */
  at(index: number): void;
  /** Leaves before the current instruction, which the interpreter is to execute. */
  plain(): void;
  /** Puts everything that is held in locals into the CPU state, and takes it from there again. */
  spill(): void;
  reload(): void;
  /** Two ways out of the block: the condition is on the stack. */
  branch(target: bigint): void;
  /** Goes on at an address. */
  edge(to: bigint): void;
  /** Goes on at the address in the frame's `rip`. */
  dynamic(): void;
}

/** A vector's bits but the lowest 32. */
const ALL_BUT_LOWEST = (1n << 128n) - (1n << 32n);

/** Emits a block of a region: registers and flags in locals, one page look-up for accesses at one base. */
export class BlockEmission extends Emission {
  readonly #frame: Frame;
  readonly #target: BlockTarget;
  readonly #members: Map<Node, Member>;
  /** Local with the address of a group's lowest byte in the WebAssembly memory, or 0: not looked up, or not to be had. */
  readonly #hosts = new Map<AccessGroup, number>();
  /** Reads of registers that are still in the register's own local. */
  readonly #aliases = new Map<Node, number>();
  /** Numbers that are held as f32 or f64. */
  readonly #floats = new Map<Node, number>();
  /** Loads that are wanted as f32 or f64. */
  readonly #floatLoads = new Set<Node>();
  readonly #arithmetic: FloatArithmetic;
  /** Arithmetic of instructions that have more than one floating-point operation. */
  readonly #shared: ReadonlySet<Node>;
  /** The next `fpCheck` has been seen to already. */
  #checked = false;
  /** How flags stand that the block has not written. */
  #flagsIn: FlagState | null;
  readonly #states: FlagStates;

  /** @param flagsIn null: in the CPU state */
  constructor(lifted: LiftedBlock, frame: Frame, target: BlockTarget, flagsIn: FlagState | null, states: FlagStates) {
    super(lifted, target);
    this.#frame = frame;
    this.#target = target;
    this.#flagsIn = flagsIn;
    this.#states = states;
    this.#members = groupAccesses(lifted.nodes);
    this.#shared = sharedArithmetic(lifted.nodes);
    this.#arithmetic = new FloatArithmetic({
      f: frame.f,
      callee: (name) => target.callee(name),
      fault: () => target.fault(),
      plain: () => target.plain(),
      plainFloats: frame.plainFloats,
    });
    for (const node of lifted.nodes)
      if (node.op === 'call' && arithmeticOf(node.attr.helper!) !== null)
        for (const arg of node.args) if (arg.op === 'load') this.#floatLoads.add(arg);
    // A shared look-up uses the base once more, and so does each access that misses: it must stand in a local.
    for (const { group } of this.#members.values())
      if (group.base !== null && group.count > 1) this.#moreUses(group.base, 2);
    // Every use of a lane is one of its vector, those as a base included.
    for (const node of lifted.nodes) if (node.op === 'low') this.#moreUses(node.args[0]!, this.uses.get(node)! - 1);
  }

  #moreUses(node: Node, n: number): void {
    this.uses.set(node, (this.uses.get(node) ?? 0) + n);
  }

  protected override finish(): void {
    super.finish();
    for (const host of this.#hosts.values()) this.f.release(host);
    this.#hosts.clear();
    for (const local of new Set(this.#floats.values())) this.f.release(local);
    this.#floats.clear();
  }

  /** A lane is taken from its vector wherever it is used. */
  protected override share(node: Node): void {
    if (node.op !== 'low') super.share(node);
  }

  protected override keep(node: Node): void {
    if (!this.#floatLoads.has(node)) return super.keep(node);
    const local = this.f.allocate(formatOf(node.w).type);
    this.f.set(local);
    this.#floats.set(node, local);
  }

  protected override isHeld(node: Node): boolean {
    return this.#floats.has(node) || super.isHeld(node);
  }

  // ——— registers ———

  protected override push(node: Node): void {
    this.uses.set(node, (this.uses.get(node) ?? 0) - 1);
    const place = this.#aliases.get(node);
    const float = this.#floats.get(node);
    if (float !== undefined) {
      this.f.get(float);
      this.f.op(node.w === 64 ? W.i64_reinterpret_f64 : W.i32_reinterpret_f32);
    } else if (place !== undefined) this.f.get(this.#frame.registers.get(place)!.local);
    else super.push(node);
  }

  #settleAll(): void {
    for (const place of this.#frame.registers.keys()) this.#settle(place);
  }

  /** Before a register's local changes: reads that are still to be used move to locals of their own. */
  #settle(place: number): void {
    for (const [node, at] of this.#aliases)
      if (at === place) {
        this.#aliases.delete(node);
        if (this.uses.get(node)! <= 0) continue;
        this.f.get(this.#frame.registers.get(place)!.local);
        this.keep(node);
      }
  }

  protected override effect(node: Node): void {
    const { f } = this;
    switch (node.op) {
      case 'insn':
        return this.#target.at(node.attr.index!);
      case 'get': {
        const place = node.attr.place as number;
        if (trackedAt(place, node.w) === null) return super.effect(node);
        this.#aliases.set(node, place);
        return;
      }
      case 'put': {
        const place = node.attr.place as number;
        const [value] = node.args;
        if (trackedAt(place, value!.w) === null) {
          super.effect(node);
          if (place === L.MXCSR) this.#readControl();
          return;
        }
        this.push(value!);
        this.#settle(place);
        return f.set(this.#frame.registers.get(place)!.local);
      }
      case 'getflag': {
        if (this.#flagsIn === null) return super.effect(node);
        emitFlag(this.#flagsIn, node.attr.flag!, this.t, this.#frame);
        return this.keep(node);
      }
      case 'putflags': {
        const { id, leaves } = this.#states.byId(Number(node.attr.value));
        node.args.forEach((value, i) => {
          if (leaves[i]!.source !== null) return this.#used(value);
          this.push(value);
          if (value.w < 64) f.op(W.i64_extend_i32_u);
          f.set(this.#frame.leaves + i);
        });
        f.i32(id);
        return f.set(this.#frame.flags);
      }
      case 'branch':
        this.ended = true;
        this.push(node.args[0]!);
        this.finish();
        return this.#target.branch(node.args[1]!.attr.value!);
      case 'jump': {
        this.ended = true;
        const [to] = node.args;
        if (to!.op === 'const') {
          this.finish();
          return this.#target.edge(to!.attr.value!);
        }
        this.push(to!);
        f.set(this.#frame.rip);
        this.finish();
        return this.#target.dynamic();
      }
      default:
        return super.effect(node);
    }
  }

  protected override compute(node: Node): void {
    const { f } = this;
    // A lane replaced in a vector.
    if (node.op === 'vector' && this.#floats.has(node.args[0]!)) {
      this.constant(0n, 128);
      return this.#replaceLowest(node.args[0]!);
    }
    if (node.op === 'v128_or' && this.#isLowestReplaced(node)) {
      const [rest, number] = node.args;
      this.#take(rest!);
      this.#take(number!);
      this.push(rest!.args[0]!);
      return this.#replaceLowest(number!.args[0]!);
    }
    if (node.op === 'pair') {
      const [low, high] = node.args as readonly Val[];
      if (this.#floats.has(low!) && high!.op === 'high' && this.#single(high!)) {
        this.#take(high!);
        this.push(high!.args[0]!);
        return this.#replaceLowest(low!);
      }
      if (high!.op === 'high' && this.#single(high!)) {
        this.#take(high!);
        this.push(high!.args[0]!);
        this.push(low!);
        return f.simd(V.i64x2_replace_lane, 0);
      }
      if (low!.op === 'low' && this.#single(low!)) {
        this.#take(low!);
        this.push(low!.args[0]!);
        this.push(high!);
        return f.simd(V.i64x2_replace_lane, 1);
      }
    }
    super.compute(node);
  }

  /** (v ∧ all but the lowest 32 bits) ∨ vector(x), both for this alone. */
  #isLowestReplaced({ args: [rest, number] }: Node): boolean {
    return (
      rest!.op === 'v128_and' &&
      rest!.args[1]!.attr.value === ALL_BUT_LOWEST &&
      number!.op === 'vector' &&
      number!.args[0]!.w === 32 &&
      this.#single(rest!) &&
      this.#single(number!)
    );
  }

  /** Puts a number in the lowest lane of the vector on the stack. */
  #replaceLowest(number: Node): void {
    const { f } = this;
    const wide = number.w === 64;
    const float = this.#floats.get(number);
    if (float === undefined) {
      this.push(number);
      return f.simd(wide ? V.i64x2_replace_lane : V.i32x4_replace_lane, 0);
    }
    this.#used(number);
    f.get(float);
    f.simd(wide ? V.f64x2_replace_lane : V.f32x4_replace_lane, 0);
  }

  /** Not computed yet, and for one user. */
  #single(node: Node): boolean {
    return !this.locals.has(node) && this.uses.get(node) === 1;
  }
  #take(node: Node): void {
    this.uses.set(node, 0);
  }

  // ——— memory ———

  /** Leaves the local with the group's address, looked up at its first access; null where the access stands alone. */
  #host({ group }: Member): number | null {
    if (group.count < 2) return null;
    let host = this.#hosts.get(group);
    if (host !== undefined) return host;
    const { f } = this;
    host = f.allocate(TYPE.i32);
    this.#hosts.set(group, host);
    const table = group.write ? L.TLB_WRITE : L.TLB_READ;
    f.temp(TYPE.i64, (ea) =>
      f.temp(TYPE.i32, (slot) => {
        this.#pushSum(group.base, group.low);
        f.set(ea);
        this.hit(ea, slot, table, () => this.slot(ea));
        f.i32(0);
        // Both ends in the page that the entry is for.
        f.get(slot);
        f.access(W.i64_load, table);
        f.get(ea);
        f.i64(BigInt(group.span - 1));
        f.op(W.i64_add);
        f.i64(-4096n);
        f.op(W.i64_and, W.i64_eq, W.select);
        f.set(host!);
      }),
    );
    return host;
  }

  /** Base plus constant, without using the base up. */
  #pushSum(base: Node | null, offset: bigint): void {
    const { f } = this;
    if (base === null) return f.i64(offset);
    this.#moreUses(base, 1);
    this.push(base);
    if (offset === 0n) return;
    f.i64(offset);
    f.op(W.i64_add);
  }

  /** A helper may have changed the state between a load for writing and the store: code is not stored to from here at all. */
  protected override readonly writeIntent = RESOLVE.write | RESOLVE.data;

  /** Also leaves before an instruction that stores to decoded bytes. */
  protected override faultIf(at: number): void {
    const { f } = this;
    f.tee(at);
    f.i32(-2);
    f.op(W.i32_ge_u);
    f.ifElse(null, () => {
      f.get(at);
      f.i32(-1);
      f.op(W.i32_eq);
      f.ifElse(null, () => this.t.fault());
      this.#target.plain();
    });
  }

  protected override load(node: Node): void {
    const member = this.#members.get(node)!;
    const host = this.#host(member);
    if (host === null) return super.load(node);
    const { f } = this;
    const offset = Number(member.offset - member.group.low);
    const read = (at: number): void => this.readMemory(node, at);
    const type = this.#floatLoads.has(node) ? formatOf(node.w).type : typeOf(node.w);
    const write = node.attr.intent === 'write';
    f.get(host);
    f.ifElse(
      type,
      () => {
        f.get(host);
        read(offset);
      },
      () =>
        f.temp(TYPE.i64, (ea) =>
          f.temp(TYPE.i32, (at) => {
            this.#pushSum(member.group.base, member.offset);
            f.set(ea);
            this.slow(ea, node.w / 8, RESOLVE.load | (write ? this.writeIntent : 0), node.attr.fault!);
            this.faultIf(at);
            f.get(at);
            read(0);
          }),
        ),
      'likely',
    );
    this.#used(node.args[0]!);
  }

  /** A use of the node that needs no code: an address through its base, a leaf in a register. */
  #used(node: Node): void {
    this.uses.set(node, (this.uses.get(node) ?? 0) - 1);
  }

  protected override readMemory(node: Node, offset: number): void {
    if (this.#floatLoads.has(node)) this.f.access(node.w === 64 ? W.f64_load : W.f32_load, offset);
    else super.readMemory(node, offset);
  }

  protected override store(node: Node): void {
    const { f } = this;
    const member = this.#members.get(node)!;
    const [address, value] = node.args;
    const w = value!.w;
    const host = this.#host(member);
    const float = this.#floats.get(value!);
    const opcode = float === undefined ? STORES[w]! : w === 64 ? W.f64_store : W.f32_store;
    const put = (at: number): void => (w === 128 ? f.accessSimd(V.v128_store, at) : f.access(opcode, at));
    f.temp(TYPE.i64, (ea) =>
      f.temp(TYPE.i32, (at) =>
        f.temp(float === undefined ? typeOf(w) : formatOf(w).type, (v) => {
          if (float === undefined) this.push(value!);
          else {
            this.#used(value!);
            f.get(float);
          }
          f.set(v);
          const slowly = (): void => {
            this.slow(ea, w / 8, RESOLVE.write | RESOLVE.data, node.attr.fault!);
            this.faultIf(at);
            f.get(at);
            f.get(v);
            put(0);
            f.get(at);
            f.i32(L.SCRATCH);
            f.op(W.i32_eq);
            f.ifElse(null, () => f.call(this.t.callee('commit')));
          };
          if (host !== null) {
            f.get(host);
            f.ifElse(
              null,
              () => {
                f.get(host);
                f.get(v);
                put(Number(member.offset - member.group.low));
              },
              () => {
                this.#pushSum(member.group.base, member.offset);
                f.set(ea);
                slowly();
              },
              'likely',
            );
            this.#used(address!);
            return;
          }
          this.push(address!);
          f.set(ea);
          this.miss(ea, at, L.TLB_WRITE, w / 8);
          f.ifElse(
            null,
            slowly,
            () => {
              this.hit(ea, at, L.TLB_WRITE);
              f.get(v);
              put(0);
            },
            'unlikely',
          );
        }),
      ),
    );
  }

  // ——— helpers ———

  /** Whether the host's arithmetic stands, after MXCSR may have changed. */
  #readControl(): void {
    pushFloatsPlain(this.f);
    this.f.set(this.#frame.plainFloats);
  }

  /** A number in a local of its own type. */
  #float(node: Node): FloatOperand {
    const { f } = this;
    let local = this.#floats.get(node);
    if (local !== undefined) {
      this.#used(node);
      return { node, local };
    }
    const { type, w } = formatOf(node.w);
    if (node.op === 'low' && !this.isHeld(node)) {
      this.#used(node);
      this.push(node.args[0]!);
      f.simd(w === 64 ? V.f64x2_extract_lane : V.f32x4_extract_lane, 0);
    } else {
      this.push(node);
      f.op(w === 64 ? W.f64_reinterpret_i64 : W.f32_reinterpret_i32);
    }
    local = f.allocate(type);
    f.set(local);
    this.#floats.set(node, local);
    return { node, local };
  }

  #vector(node: Node): FloatOperand {
    const local = this.f.allocate(TYPE.v128);
    this.push(node);
    this.f.set(local);
    return { node, local };
  }

  protected override calls(node: Node): void {
    const { f } = this;
    const known = arithmeticOf(node.attr.helper!);
    if (known === null) return super.calls(node);
    const operands = node.args.map((arg) => this.#vector(arg));
    const result = f.allocate(TYPE.v128);
    const shared = this.#shared.has(node);
    this.#arithmetic.emit(node, known.op, known.format, operands, result, shared);
    this.locals.set(node, result);
    for (const { local } of operands) f.release(local);
    this.#checked = !shared;
  }

  protected override call(node: Node): void {
    const { f } = this;
    const helper = helperNamed(node.attr.helper!);
    if (helper.name === 'fpCheck' && this.#checked) {
      this.#checked = false;
      return;
    }
    const known = arithmeticOf(helper.name);
    if (known !== null) {
      const operands = node.args.map((arg) => this.#float(arg));
      const result = f.allocate(known.format.type);
      const shared = this.#shared.has(node);
      this.#arithmetic.emit(node, known.op, known.format, operands, result, shared);
      this.#floats.set(node, result);
      this.#checked = !shared;
      return;
    }
    if (isOpaque(helper.name)) {
      this.#settleAll();
      this.#target.spill();
      this.callHelper(node);
      // Before it leaves: a helper that ends the instruction by itself has written registers.
      this.#target.reload();
      this.leaveIfPending(node);
      this.#readControl();
      this.#flagsIn = null;
      return;
    }
    if (helper.fast === undefined) return super.call(node);
    this.#inline(node, helper);
  }

  /** The helper's common case in place, with a call for the others. */
  #inline(node: Node, helper: Helper): void {
    const { f } = this;
    const args = node.args.map((arg) => {
      const local = f.allocate(typeOf(arg.w));
      this.push(arg);
      f.set(local);
      return local;
    });
    helper.fast!(new Inlined(f, args), () => {
      for (const local of args) f.get(local);
      f.call(this.t.callee(`slow:${helper.name}`));
    });
    for (const local of args) f.release(local);
    if (node.w > 0) this.keep(node);
    if (helper.faults === false) return;
    f.loadState(L.PENDING, 32);
    f.ifElse(null, () => this.t.fault(), undefined, 'unlikely');
  }
}
