import { operandWidth, rowOf } from '../../ir/builder.ts';
import {
  type AddressFault,
  type Block,
  type Field,
  type FlagName,
  isEffect,
  type Node,
  type Place,
} from '../../ir/nodes.ts';
import type { Row } from '../../ir/ops.ts';
import { TYPE, V, W } from '../../ir/wasm-opcodes.ts';
import { helperNamed } from '../../semantics/helpers/helper.ts';
import * as L from '../../state/layout.ts';
import { PENDING_KIND } from '../../state/pending.ts';
import { type FunctionBuilder, typeOf } from './function.ts';

/** Functions that emitted code calls: each is an import or a definition of the module at hand. */
export type Callee =
  /** (ea i64, access i32) → i32: slow path of a memory access; the address of the bytes, or −1 with a fault pending. */
  | 'resolve'
  /** () → (): finishes a store that went to SCRATCH. */
  | 'commit'
  | `helper:${string}`
  /** A helper's TypeScript, without its common case. */
  | `slow:${string}`
  | `row:${string}`;

/** Where the operands of emitted code live and where its control goes: what an engine adds to the IR. */
export interface Target {
  readonly f: FunctionBuilder;
  callee(name: Callee): number;
  /** Puts the i32 address of a place that is a record field on the stack. */
  placeAddress(field: Field): void;
  /** Puts a record field's value on the stack, `w` bits. */
  field(field: Field, w: number): void;
  /** Puts 1 or 0 on the stack: whether the record's memory operand is addressed through SS. */
  stackOperand(): void;
  /** Before anything that may read the instruction count. */
  beforeCall(): void;
  /** Leaves with the pending exception; the instruction has not retired. */
  fault(): void;
  /** Goes to the address that `push` puts on the stack. */
  jump(target: Node, push: () => void): void;
  /** Executes the same instruction again. */
  again(): void;
  /** Goes on behind the instruction. */
  next(): void;
  /** Returns to the caller with a reason in PENDING, behind the instruction. */
  exit(): void;
}

/** Bits of the second argument of `resolve`: the size in bytes, and how. With `data` a store to decoded bytes gives −2 and does nothing. */
export const RESOLVE = { size: 0x1f, write: 0x20, stack: 0x40, load: 0x80, data: 0x100 } as const;

export const FLAG_PLACE: Record<FlagName, number> = {
  cf: L.CF_SLOT,
  pf: L.PF_SLOT,
  af: L.AF_SLOT,
  zf: L.ZF_SLOT,
  sf: L.SF_SLOT,
  of: L.OF_SLOT,
};

export const LOADS: Record<number, number> = { 8: W.i32_load8_u, 16: W.i32_load16_u, 32: W.i32_load, 64: W.i64_load };
export const STORES: Record<number, number> = { 8: W.i32_store8, 16: W.i32_store16, 32: W.i32_store, 64: W.i64_store };

/** Emits the wasm of a block of IR. Pure nodes with one use are emitted where they are used, the others once into a local. */
export function emitBlock(block: Block, target: Target): void {
  new Emission(block, target).run();
}

/** One block's emission. The region compiler derives from it: there registers, flags and checked addresses live in locals. */
export class Emission {
  readonly block: Block;
  protected readonly t: Target;
  protected readonly f: FunctionBuilder;
  protected readonly uses = new Map<Node, number>();
  protected readonly locals = new Map<Node, number>();
  protected ended = false;

  constructor(block: Block, target: Target) {
    this.block = block;
    this.t = target;
    this.f = target.f;
    this.f.rowImport = (row, width) => target.callee(`row:${row}/${width}`);
    for (const node of block.nodes) for (const arg of node.args) this.uses.set(arg, (this.uses.get(arg) ?? 0) + 1);
  }

  run(): void {
    this.prepare();
    if (!this.ended) this.t.next();
    this.finish();
  }

  /** Emits the nodes in order; what is used once waits for its user. */
  protected prepare(): void {
    for (const node of this.block.nodes) {
      if (this.ended) break;
      if (isEffect(node)) this.effect(node);
      else this.share(node);
    }
  }

  /** As `prepare`, without the effects. */
  protected pure(): void {
    for (const node of this.block.nodes) if (!isEffect(node)) this.share(node);
  }

  /** Computes a pure node that is used more than once. */
  protected share(node: Node): void {
    if ((this.uses.get(node) ?? 0) <= 1 || node.op === 'const' || node.op === 'field') return;
    this.compute(node);
    this.keep(node);
  }

  protected finish(): void {
    for (const local of this.locals.values()) this.f.release(local);
    this.locals.clear();
  }

  /** Moves the value on the stack to a local of its own. */
  protected keep(node: Node): void {
    const local = this.f.allocate(typeOf(node.w));
    this.f.set(local);
    this.locals.set(node, local);
  }

  /** Whether the node's value is at hand without computing it. */
  protected isHeld(node: Node): boolean {
    return this.locals.has(node);
  }

  /** Puts a node's value on the stack. */
  protected push(node: Node): void {
    const local = this.locals.get(node);
    if (local !== undefined) this.f.get(local);
    else this.compute(node);
  }

  protected compute(node: Node): void {
    const f = this.f;
    if (node.op === 'const') return this.constant(node.attr.value!, node.w);
    if (node.op === 'field') return this.t.field(node.attr.field!, node.w);
    const row = rowOf(node.op);
    if (row === undefined) throw new Error(`IR node ${node.op} is neither a row nor held in a local`);
    const order = row.order ?? node.args.map((_, i) => i);
    for (const i of order) this.push(node.args[i]!);
    this.row(row, node);
    const narrow = node.w < 32 && node.w > 0;
    if (narrow && row.dirty) {
      f.i32((1 << node.w) - 1);
      f.op(W.i32_and);
    }
  }

  protected row(row: Row, node: Node): void {
    const f = this.f;
    const w = operandWidth(row, node.args);
    if (row.emit === undefined) f.callOut(node.op, w);
    else if (typeof row.emit === 'function') row.emit(f, w, node.w);
    else f.op(row.emit[w === 64 ? 1 : 0]);
    // A test or comparison of 64 bits already is an i32.
  }

  protected constant(value: bigint, w: number): void {
    const f = this.f;
    if (w === 128) {
      const bytes = Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
      f.simd(V.v128_const, ...bytes);
    } else if (w === 64) f.i64(value);
    else f.i32(Number(BigInt.asIntN(32, value)));
  }

  /** Puts a place's base address on the stack and gives the constant offset of the access. */
  protected address(place: Place, offset = 0): number {
    if (typeof place === 'number') {
      this.f.i32(0);
      return place + offset;
    }
    this.t.placeAddress(place);
    return offset;
  }

  protected effect(node: Node): void {
    const f = this.f;
    const [a, b] = node.args;
    switch (node.op) {
      case 'get': {
        const at = this.address(node.attr.place!, node.attr.offset);
        if (node.w === 128) f.accessSimd(V.v128_load, at);
        else f.access(LOADS[node.w]!, at);
        return this.keep(node);
      }
      case 'put': {
        const at = this.address(node.attr.place!, node.attr.offset);
        this.push(a!);
        if (a!.w === 128) f.accessSimd(V.v128_store, at);
        else f.access(STORES[a!.w]!, at);
        return;
      }
      case 'getflag':
        this.getFlag(node.attr.flag!);
        return this.keep(node);
      case 'putflag':
        return this.putFlag(node.attr.flag!, a!);
      case 'load':
        this.load(node);
        return this.keep(node);
      case 'store':
        return this.store(node);
      case 'trapif':
        this.push(a!);
        f.ifElse(null, () => {
          this.setPending(PENDING_KIND.fault);
          f.storeState(L.FAULT_VECTOR, 32, () => f.i32(node.attr.vector!));
          f.storeState(L.FAULT_ERROR, 32, () => f.i32(node.attr.errorCode ?? -1));
          this.t.fault();
        });
        return;
      case 'call':
        return this.call(node);
      case 'calls':
        return this.calls(node);
      case 'jump':
        this.ended = true;
        return this.t.jump(a!, () => this.push(a!));
      case 'branch':
        this.ended = true;
        this.push(a!);
        f.ifElse(null, () => this.t.jump(b!, () => this.push(b!)));
        return this.t.next();
      case 'skipif':
        this.push(a!);
        f.ifElse(null, () => this.t.next());
        return;
      case 'again':
        this.ended = true;
        this.push(a!);
        f.ifElse(null, () => this.t.again());
        return this.t.next();
      case 'exit':
        this.ended = true;
        this.setPending(node.attr.exit!);
        return this.t.exit();
      default:
        throw new Error(`unknown effect ${node.op}`);
    }
  }

  protected setPending(kind: number): void {
    this.f.storeState(L.PENDING, 32, () => this.f.i32(kind));
  }

  // ——— flags: each slot holds the value that the flag is a test of ———

  protected getFlag(flag: FlagName): void {
    const f = this.f;
    f.i32(0);
    switch (flag) {
      case 'zf':
        f.access(W.i64_load, L.ZF_SLOT);
        return f.op(W.i64_eqz);
      case 'sf':
        f.access(W.i32_load8_u, L.SF_SLOT + 7);
        f.i32(7);
        return f.op(W.i32_shr_u);
      case 'pf':
        f.access(W.i32_load8_u, L.PF_SLOT);
        f.op(W.i32_popcnt);
        f.i32(1);
        return f.op(W.i32_and, W.i32_eqz);
      case 'af':
        f.access(W.i32_load8_u, L.AF_SLOT);
        f.i32(4);
        f.op(W.i32_shr_u);
        f.i32(1);
        return f.op(W.i32_and);
      default:
        return f.access(W.i32_load8_u, FLAG_PLACE[flag]);
    }
  }

  protected putFlag(flag: FlagName, value: Node): void {
    const f = this.f;
    const slot = FLAG_PLACE[flag];
    const [tested] = value.args;
    const lazy = this.isHeld(value) ? '' : value.op;
    f.i32(0);
    switch (flag) {
      case 'zf':
        if (lazy === 'eqz') {
          this.push(tested!);
          if (tested!.w < 64) f.op(W.i64_extend_i32_u);
        } else {
          this.push(value);
          f.op(W.i32_eqz, W.i64_extend_i32_u);
        }
        return f.access(W.i64_store, slot);
      case 'sf':
        if (lazy === 'msb') {
          this.push(tested!);
          if (tested!.w < 64) f.op(W.i64_extend_i32_u);
          if (tested!.w < 64) {
            f.i64(BigInt(64 - tested!.w));
            f.op(W.i64_shl);
          }
        } else {
          this.push(value);
          f.op(W.i64_extend_i32_u);
          f.i64(63n);
          f.op(W.i64_shl);
        }
        return f.access(W.i64_store, slot);
      case 'pf':
        if (lazy === 'parity') {
          this.push(tested!);
          if (tested!.w === 64) f.op(W.i32_wrap_i64);
        } else {
          this.push(value);
          f.op(W.i32_eqz);
        }
        return f.access(W.i32_store8, slot);
      case 'af':
        if (lazy === 'bit4') {
          this.push(tested!);
          if (tested!.w === 64) f.op(W.i32_wrap_i64);
        } else {
          this.push(value);
          f.i32(4);
          f.op(W.i32_shl);
        }
        return f.access(W.i32_store8, slot);
      default:
        this.push(value);
        return f.access(W.i32_store8, slot);
    }
  }

  // ——— memory ———

  /** Puts the offset of the fast TLB entry on the stack. */
  protected slot(ea: number): void {
    const f = this.f;
    f.get(ea);
    f.i64(BigInt(Math.log2(4096 / L.TLB_ENTRY_SIZE)));
    f.op(W.i64_shr_u, W.i32_wrap_i64);
    f.i32((L.TLB_ENTRIES - 1) * L.TLB_ENTRY_SIZE);
    f.op(W.i32_and);
  }

  /** Puts on the stack whether the access misses the fast TLB or crosses its page; leaves the slot in a local. */
  protected miss(ea: number, slot: number, table: number, bytes: number): void {
    const f = this.f;
    this.slot(ea);
    f.tee(slot);
    f.access(W.i64_load, table);
    f.get(ea);
    if (bytes > 1) {
      f.i64(BigInt(bytes - 1));
      f.op(W.i64_add);
    }
    f.i64(-4096n);
    f.op(W.i64_and, W.i64_ne);
  }

  /** Puts the address of the bytes on the stack; `push` puts the entry's offset there first, which then is in `slot` too. */
  protected hit(ea: number, slot: number, table: number, push?: () => void): void {
    const f = this.f;
    f.get(ea);
    f.op(W.i32_wrap_i64);
    if (push === undefined) f.get(slot);
    else {
      push();
      f.tee(slot);
    }
    f.access(W.i32_load, table + 8);
    f.op(W.i32_add);
  }

  protected slow(ea: number, bytes: number, bits: number, fault: AddressFault): void {
    const f = this.f;
    f.get(ea);
    f.i32(bytes | bits | (fault === 'stack' ? RESOLVE.stack : 0));
    if (fault === 'operand') {
      this.t.stackOperand();
      f.i32(Math.log2(RESOLVE.stack));
      f.op(W.i32_shl, W.i32_or);
    }
    f.call(this.t.callee('resolve'));
  }

  /** How a load announces that a store follows. */
  protected readonly writeIntent: number = RESOLVE.write;

  /** Keeps the result of `resolve` in a local and leaves where it is a fault. */
  protected faultIf(at: number): void {
    const f = this.f;
    f.tee(at);
    f.i32(-1);
    f.op(W.i32_eq);
    f.ifElse(null, () => this.t.fault());
  }

  protected load(node: Node): void {
    const f = this.f;
    const bytes = node.w / 8;
    const write = node.attr.intent === 'write';
    const table = write ? L.TLB_WRITE : L.TLB_READ;
    f.temp(TYPE.i64, (ea) =>
      f.temp(TYPE.i32, (slot) => {
        this.push(node.args[0]!);
        f.set(ea);
        this.miss(ea, slot, table, bytes);
        f.ifElse(
          TYPE.i32,
          () => {
            this.slow(ea, bytes, RESOLVE.load | (write ? this.writeIntent : 0), node.attr.fault!);
            this.faultIf(slot);
            f.get(slot);
          },
          () => this.hit(ea, slot, table),
          'unlikely',
        );
        this.readMemory(node, 0);
      }),
    );
  }

  /** Loads what the node asks for from the address on the stack and a constant offset. */
  protected readMemory(node: Node, offset: number): void {
    if (node.w === 128) this.f.accessSimd(V.v128_load, offset);
    else this.f.access(LOADS[node.w]!, offset);
  }

  protected store(node: Node): void {
    const f = this.f;
    const [address, value] = node.args;
    const w = value!.w;
    const bytes = w / 8;
    const type = typeOf(w);
    const put = (): void => (w === 128 ? f.accessSimd(V.v128_store, 0) : f.access(STORES[w]!, 0));
    f.temp(TYPE.i64, (ea) =>
      f.temp(TYPE.i32, (slot) =>
        f.temp(type, (v) => {
          this.push(address!);
          f.set(ea);
          this.push(value!);
          f.set(v);
          this.miss(ea, slot, L.TLB_WRITE, bytes);
          f.ifElse(
            null,
            () => {
              this.slow(ea, bytes, RESOLVE.write, node.attr.fault!);
              this.faultIf(slot);
              f.get(slot);
              f.get(v);
              put();
              f.get(slot);
              f.i32(L.SCRATCH);
              f.op(W.i32_eq);
              f.ifElse(null, () => f.call(this.t.callee('commit')));
            },
            () => {
              this.hit(ea, slot, L.TLB_WRITE);
              f.get(v);
              put();
            },
            'unlikely',
          );
        }),
      ),
    );
  }

  // ——— helpers ———

  /** Each lane's call by itself. */
  protected calls(node: Node): void {
    const f = this.f;
    const helper = this.t.callee(`helper:${node.attr.helper!}`);
    const wide = node.attr.lane === 64;
    const vectors = node.args.map((arg) => {
      const local = f.allocate(TYPE.v128);
      this.push(arg);
      f.set(local);
      return local;
    });
    this.constant(0n, 128);
    for (let lane = 0; lane < (wide ? 2 : 4); lane++) {
      for (const vector of vectors) {
        f.get(vector);
        f.simd(wide ? V.i64x2_extract_lane : V.i32x4_extract_lane, lane);
      }
      f.call(helper);
      f.simd(wide ? V.i64x2_replace_lane : V.i32x4_replace_lane, lane);
    }
    for (const vector of vectors) f.release(vector);
    this.keep(node);
  }

  protected call(node: Node): void {
    this.callHelper(node);
    this.leaveIfPending(node);
  }

  protected callHelper(node: Node): void {
    this.t.beforeCall();
    for (const arg of node.args) this.push(arg);
    this.f.call(this.t.callee(`helper:${node.attr.helper!}`));
    if (node.w > 0) this.keep(node);
  }

  /** Leaves where the helper that was called has left something pending. */
  protected leaveIfPending(node: Node): void {
    if (helperNamed(node.attr.helper!).faults === false) return;
    this.f.loadState(L.PENDING, 32);
    this.f.ifElse(null, () => this.t.fault());
  }
}
