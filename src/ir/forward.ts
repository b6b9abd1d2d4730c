import { mask, type Width } from '../bits/width.ts';
import { GPR, VECTOR, VECTOR_STRIDE } from '../state/layout.ts';
import { type Builder, Effects } from './builder.ts';
import type { AddressFault, Block, FlagName, Node, Place, Val } from './nodes.ts';
import { simplify } from './simplify.ts';

/** Registers that a block keeps as values: general-purpose ones whole, vector registers in two parts of 128 bits. */
export interface Tracked {
  /** Byte offset of the register, or of its part, in the CPU state. */
  readonly place: number;
  readonly w: 64 | 128;
  /** Bytes behind that. */
  readonly offset: number;
}

const GPR_END = GPR + 16 * 8;
const VECTOR_END = VECTOR + 32 * VECTOR_STRIDE;

/** The tracked register that holds these bytes, or null. */
export function trackedAt(at: number, width: number): Tracked | null {
  if (at >= GPR && at < GPR_END) {
    const offset = (at - GPR) % 8;
    return { place: at - offset, w: 64, offset };
  }
  if (at >= VECTOR && at < VECTOR_END) {
    const offset = (at - VECTOR) % 16;
    if ((at - VECTOR) % VECTOR_STRIDE >= 32) return null;
    return offset + width / 8 <= 16 ? { place: at - offset, w: 128, offset } : null;
  }
  return null;
}

/** Nodes of a block are numbered below this; three numbers fit a safe integer. */
const MOST_NODES = 1 << 17;

/** The six flags in the order in which a `putflags` takes them. */
export const FLAG_ORDER: readonly FlagName[] = ['cf', 'pf', 'af', 'zf', 'sf', 'of'];

/**
 * Builds the IR of a block of several instructions. What an instruction reads comes from the value that an earlier one wrote;
 * registers and flags are written back only where somebody may look: before whatever may leave the block, and at its end.
 * Equal pure nodes are one node, and expressions are simplified.
 */
export class ForwardingBuilder extends Effects {
  readonly #opaque: (helper: string) => boolean;
  readonly #quiet: (helper: string) => boolean;
  readonly #plain: boolean;
  readonly #registers = new Map<number, Val>();
  /** Values of parts of registers as they were last written, by place and width. */
  readonly #parts = new Map<number, { w: number; offset: number; value: Val }>();
  readonly #dirty = new Set<number>();
  readonly #flags = new Map<FlagName, Val>();
  #flagsDirty = false;
  /** Pure nodes by operation and width, then by their arguments' numbers. */
  readonly #known = new Map<string, Map<number, Val>>();
  readonly #constants = new Map<bigint, Val[]>();
  readonly #ids = new Map<Node, number>();

  /**
   * @param opaque whether a helper may read and write registers and flags in the CPU state
   * @param quiet whether a helper neither leaves the block nor touches what the block keeps as values
   * @param plain every expression stays as it is written, and no register is kept from one instruction for the next
   */
  constructor(opaque: (helper: string) => boolean, quiet: (helper: string) => boolean, plain = false) {
    super();
    this.#plain = plain;
    this.#opaque = opaque;
    this.#quiet = quiet;
  }

  /** The nodes that follow belong to instruction `index` of the block. */
  begin(index: number): void {
    if (this.#plain) {
      this.commit();
      this.#registers.clear();
      this.#parts.clear();
    }
    this.node('insn', 0, [], { index });
  }

  // ——— pure nodes: one node a value ———

  /** The node that is equal to `node`, which may be an older one or a simpler one. */
  override intern(op: string, w: Width, args: readonly Val[], make: () => Val): Val {
    if (this.#plain) return make();
    const simpler = simplify(this as unknown as Builder, op, w, args);
    if (simpler !== null) return simpler;
    const kind = `${op}${w}`;
    let known = this.#known.get(kind);
    if (known === undefined) {
      known = new Map();
      this.#known.set(kind, known);
    }
    let key = 0;
    for (const arg of args) key = key * MOST_NODES + this.#id(arg);
    let node = known.get(key);
    if (node === undefined) {
      node = make();
      known.set(key, node);
    }
    return node;
  }

  #id(node: Node): number {
    let id = this.#ids.get(node);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(node, id);
    }
    return id;
  }

  override constant(value: bigint, w: Width): Val {
    const wrapped = value & mask(w);
    let known = this.#constants.get(wrapped);
    if (known === undefined) {
      known = [];
      this.#constants.set(wrapped, known);
    }
    let node = known.find((c) => c.w === w);
    if (node === undefined) {
      node = super.constant(wrapped, w);
      known.push(node);
    }
    return node;
  }

  // ——— registers ———

  #whole(place: number, w: 64 | 128): Val {
    let value = this.#registers.get(place);
    if (value === undefined) {
      value = super.get(place, w);
      this.#registers.set(place, value);
    }
    return value;
  }

  override get(place: Place, w: Width, offset = 0): Val {
    const t = typeof place === 'number' ? trackedAt(place + offset, w) : null;
    if (t === null) return super.get(place, w, offset);
    const part = this.#parts.get(t.place);
    if (part !== undefined && part.w === w && part.offset === t.offset) return part.value;
    const whole = this.#whole(t.place, t.w);
    const k = this as unknown as Builder;
    if (w === t.w) return whole;
    if (t.w === 64) return k.trunc(k.shr(whole, this.constant(BigInt(8 * t.offset), 64)), w);
    const half = t.offset < 8 ? k.low(whole, 64) : k.high(whole, 64);
    return k.trunc(k.shr(half, this.constant(BigInt(8 * (t.offset % 8)), 64)), w);
  }

  override put(place: Place, value: Val, offset = 0): void {
    const t = typeof place === 'number' ? trackedAt(place + offset, value.w) : null;
    if (t === null) return super.put(place, value, offset);
    this.#parts.delete(t.place);
    this.#dirty.add(t.place);
    if (value.w === t.w) {
      this.#registers.set(t.place, value);
      return;
    }
    const whole = this.#whole(t.place, t.w);
    this.#registers.set(
      t.place,
      t.w === 64 ? this.#insert(whole, value, t.offset) : this.#lane(whole, value, t.offset),
    );
    this.#parts.set(t.place, { w: value.w, offset: t.offset, value });
  }

  /** A quadword with some of its bits replaced. */
  #insert(whole: Val, value: Val, offset: number): Val {
    const k = this as unknown as Builder;
    const at = BigInt(8 * offset);
    const hole = this.constant(mask(64) ^ (mask(value.w) << at), 64);
    return k.or(k.and(whole, hole), k.shl(k.zext(value, 64), this.constant(at, 64)));
  }

  #lane(whole: Val, value: Val, offset: number): Val {
    const k = this as unknown as Builder;
    if (value.w === 32 && offset === 0)
      return k.v128_or(k.v128_and(whole, this.constant(mask(128) ^ mask(32), 128)), k.vector(value, 128));
    const [low, high] = [k.low(whole, 64), k.high(whole, 64)];
    const merged = value.w === 64 ? value : this.#insert(offset < 8 ? low : high, value, offset % 8);
    return offset < 8 ? k.pair(merged, high) : k.pair(low, merged);
  }

  // ——— flags ———

  override getFlag(flag: FlagName): Val {
    let value = this.#flags.get(flag);
    if (value === undefined) {
      value = super.getFlag(flag);
      this.#flags.set(flag, value);
    }
    return value;
  }

  override putFlag(flag: FlagName, value: Val): void {
    this.#flags.set(flag, value);
    this.#flagsDirty = true;
  }

  // ——— where somebody may look ———

  /** Writes back what has changed. */
  commit(): void {
    if (this.#flagsDirty) {
      const values = FLAG_ORDER.map((flag) => this.getFlag(flag));
      this.node('putflags', 0, values, { holders: this.#holders() });
      this.#flagsDirty = false;
    }
    for (const place of this.#dirty) super.put(place, this.#registers.get(place)!);
    this.#dirty.clear();
  }

  /** Which general-purpose register holds a value, in its low bits at least. */
  #holders(): Map<Node, number> {
    const holders = new Map<Node, number>();
    for (const [place, value] of this.#registers) {
      if (value.w !== 64) continue;
      holders.set(value, place);
      if (value.op === 'zext') holders.set(value.args[0]!, place);
    }
    return holders;
  }

  override load(address: Val, w: Width, fault: AddressFault, intent: 'read' | 'write' = 'read'): Val {
    this.commit();
    return super.load(address, w, fault, intent);
  }

  override store(address: Val, value: Val, fault: AddressFault): void {
    this.commit();
    super.store(address, value, fault);
  }

  override trapIf(condition: Val, vector: number, errorCode: number | null = null): void {
    if (condition.op === 'const' && condition.attr.value === 0n) return;
    this.commit();
    super.trapIf(condition, vector, errorCode);
  }

  override call(helper: string, w: Width | 0, ...args: Val[]): Val {
    if (!this.#quiet(helper)) this.commit();
    const result = super.call(helper, w, ...args);
    if (this.#opaque(helper)) this.#forget();
    return result;
  }

  override callLanes(helper: string, lane: 32 | 64, ...vectors: Val[]): Val {
    if (!this.#quiet(helper)) this.commit();
    return super.callLanes(helper, lane, ...vectors);
  }

  /** What is known of registers and flags may be wrong from here on. */
  #forget(): void {
    this.#registers.clear();
    this.#parts.clear();
    this.#flags.clear();
  }

  override jump(target: Val): void {
    this.commit();
    super.jump(target);
  }

  override branch(condition: Val, target: Val): void {
    this.commit();
    super.branch(condition, target);
  }

  override skipIf(condition: Val): void {
    if (condition.op === 'const' && condition.attr.value === 0n) return;
    this.commit();
    super.skipIf(condition);
  }

  override again(condition: Val): void {
    this.commit();
    super.again(condition);
  }

  override exit(reason: number): void {
    this.commit();
    super.exit(reason);
  }

  override block(): Block {
    return Object.freeze({ nodes: Object.freeze([...this.nodes]) });
  }
}
