import { TYPE, W, type WasmType } from '../../ir/wasm-opcodes.ts';
import type { FunctionEmitter } from '../../semantics/helpers/fast.ts';
import { ByteSink } from './bytes.ts';

/** A branch target: how many blocks were open when it was opened. */
export type Label = number;

/** Which way a branch mostly goes; the engine that compiles the module may lay out code by it. */
export type Hint = 'likely' | 'unlikely';

const EMPTY = 0x40;
const SIMD = 0xfd;
const BULK = 0xfc;
const BULK_COPY = 10;
const BULK_FILL = 11;
/** log2 of the alignment hint; every access is unaligned as far as the guest goes. */
const ALIGN = 0;

/** Writes one function's body. Locals are reused: a temporary lives for the length of a callback. */
export class FunctionBuilder implements FunctionEmitter {
  readonly params: readonly WasmType[];
  readonly results: readonly WasmType[];
  readonly #code = new ByteSink();
  readonly #locals: WasmType[] = [];
  readonly #free = new Map<WasmType, number[]>();
  readonly #hints: { at: number; likely: boolean }[] = [];
  readonly #fixups: { at: number; n: number }[] = [];
  #depth = 0;

  constructor(params: readonly WasmType[], results: readonly WasmType[]) {
    this.params = params;
    this.results = results;
  }

  // ——— locals ———

  allocate(type: WasmType): number {
    const reused = this.#free.get(type)?.pop();
    if (reused !== undefined) return reused;
    this.#locals.push(type);
    return this.params.length + this.#locals.length - 1;
  }

  release(local: number): void {
    const type = this.#locals[local - this.params.length]!;
    const free = this.#free.get(type);
    if (free) free.push(local);
    else this.#free.set(type, [local]);
  }

  temp<T>(type: WasmType, body: (local: number) => T): T {
    const local = this.allocate(type);
    const result = body(local);
    this.release(local);
    return result;
  }

  get(local: number): void {
    this.#code.u8(W.local_get);
    this.#code.u32(local);
  }
  set(local: number): void {
    this.#code.u8(W.local_set);
    this.#code.u32(local);
  }
  tee(local: number): void {
    this.#code.u8(W.local_tee);
    this.#code.u32(local);
  }

  // ——— plain instructions ———

  op(...opcodes: number[]): void {
    for (const opcode of opcodes) this.#code.u8(opcode);
  }

  /** The low half of the i64 on the stack. */
  wrap(): void {
    this.op(W.i32_wrap_i64);
  }

  simd(opcode: number, ...immediates: number[]): void {
    this.#code.u8(SIMD);
    this.#code.u32(opcode);
    for (const byte of immediates) this.#code.u8(byte);
  }

  i32(value: number): void {
    this.#code.u8(W.i32_const);
    this.#code.s32(value);
  }

  i64(value: bigint): void {
    this.#code.u8(W.i64_const);
    this.#code.s64(value);
  }

  /** A load or store: the address (and value) are on the stack, `offset` is added to it. */
  access(opcode: number, offset: number): void {
    this.#code.u8(opcode);
    this.#code.u32(ALIGN);
    this.#code.u32(offset);
  }

  accessSimd(opcode: number, offset: number): void {
    this.simd(opcode);
    this.#code.u32(ALIGN);
    this.#code.u32(offset);
  }

  /** Copies bytes within memory, as if through a buffer: destination, source and number are on the stack. */
  memoryCopy(): void {
    this.op(BULK, BULK_COPY, 0, 0);
  }
  /** Fills memory with the low byte of a value: destination, value and number are on the stack. */
  memoryFill(): void {
    this.op(BULK, BULK_FILL, 0);
  }

  /** Index of the import behind `callOut`; whoever emits rows sets it. */
  rowImport: (row: string, width: number) => number = (row) => {
    throw new Error(`${row} cannot be called from here`);
  };

  callOut(row: string, width: number): void {
    this.call(this.rowImport(row, width));
  }

  call(index: number): void {
    this.#code.u8(W.call);
    this.#code.u32(index);
  }

  /** Calls function `n` of those that the module defines. */
  callDefined(n: number): void {
    this.#code.u8(W.call);
    this.#fixups.push({ at: this.#code.length, n });
    this.#code.reserve32();
  }

  callIndirect(type: number): void {
    this.#code.u8(W.call_indirect);
    this.#code.u32(type);
    this.#code.u8(0);
  }

  // ——— control ———

  block(body: (label: Label) => void, type: WasmType | null = null): void {
    this.#open(W.block, type, body);
  }

  loop(body: (label: Label) => void): void {
    this.#open(W.loop, null, body);
  }

  repeatWhile(body: () => void): void {
    this.loop((label) => {
      body();
      this.brIf(label);
    });
  }

  #open(opcode: number, type: WasmType | null, body: (label: Label) => void): void {
    this.#code.u8(opcode);
    this.#code.u8(type ?? EMPTY);
    body(++this.#depth);
    this.#depth--;
    this.#code.u8(W.end);
  }

  ifElse(type: WasmType | null, then: () => void, otherwise?: () => void, hint?: Hint): void {
    this.#hint(hint);
    this.#code.u8(W.if);
    this.#code.u8(type ?? EMPTY);
    this.#depth++;
    then();
    if (otherwise) {
      this.#code.u8(W.else);
      otherwise();
    }
    this.#depth--;
    this.#code.u8(W.end);
  }

  #hint(hint: Hint | undefined): void {
    if (hint !== undefined) this.#hints.push({ at: this.#code.length, likely: hint === 'likely' });
  }

  br(label: Label): void {
    this.#code.u8(W.br);
    this.#code.u32(this.#depth - label);
  }

  brIf(label: Label, hint?: Hint): void {
    this.#hint(hint);
    this.#code.u8(W.br_if);
    this.#code.u32(this.#depth - label);
  }

  brTable(labels: readonly Label[], otherwise: Label): void {
    this.#code.u8(W.br_table);
    this.#code.u32(labels.length);
    for (const label of labels) this.#code.u32(this.#depth - label);
    this.#code.u32(this.#depth - otherwise);
  }

  // ——— CPU state ———

  loadState(at: number, width: 32 | 64): void {
    this.i32(0);
    this.access(width === 64 ? W.i64_load : W.i32_load, at);
  }

  storeState(at: number, width: 32 | 64, value: () => void): void {
    this.i32(0);
    value();
    this.access(width === 64 ? W.i64_store : W.i32_store, at);
  }

  /**
   * The function's entry in the code section, and where its hinted branches stand in it.
   *
   * @param defined index of the first function that the module defines
   */
  encode(defined: number): { bytes: Uint8Array; hints: readonly { at: number; likely: boolean }[] } {
    const body = new ByteSink();
    const runs: { type: WasmType; count: number }[] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    body.u32(runs.length);
    for (const { type, count } of runs) {
      body.u32(count);
      body.u8(type);
    }
    const start = body.length;
    for (const { at, n } of this.#fixups) this.#code.patch32(at, defined + n);
    body.append(this.#code.bytes());
    body.u8(W.end);
    return { bytes: body.bytes(), hints: this.#hints.map(({ at, likely }) => ({ at: start + at, likely })) };
  }
}

/** The wasm type that holds a value of `width` bits. */
export function typeOf(width: number): WasmType {
  return width === 128 ? TYPE.v128 : width === 64 ? TYPE.i64 : TYPE.i32;
}
