import type { FunctionEmitter } from '../../semantics/helpers/fast.ts';
import type { Frame } from './frame.ts';

/** A function's emitter with its parameters in other locals. */
export class Inlined implements FunctionEmitter {
  readonly #f: Frame['f'];
  readonly #args: readonly number[];

  constructor(f: Frame['f'], args: readonly number[]) {
    this.#f = f;
    this.#args = args;
  }

  #local(n: number): number {
    return this.#args[n] ?? n;
  }
  op(...opcodes: number[]): void {
    this.#f.op(...opcodes);
  }
  simd(opcode: number, ...immediates: number[]): void {
    this.#f.simd(opcode, ...immediates);
  }
  i32(value: number): void {
    this.#f.i32(value);
  }
  i64(value: bigint): void {
    this.#f.i64(value);
  }
  temp<T>(type: Parameters<Frame['f']['temp']>[0], body: (local: number) => T): T {
    return this.#f.temp(type, body);
  }
  get(local: number): void {
    this.#f.get(this.#local(local));
  }
  set(local: number): void {
    this.#f.set(this.#local(local));
  }
  tee(local: number): void {
    this.#f.tee(this.#local(local));
  }
  ifElse(...args: Parameters<FunctionEmitter['ifElse']>): void {
    this.#f.ifElse(...args);
  }
  repeatWhile(body: () => void): void {
    this.#f.repeatWhile(body);
  }
  callOut(row: string, width: number): void {
    this.#f.callOut(row, width);
  }
  access(opcode: number, offset: number): void {
    this.#f.access(opcode, offset);
  }
  loadState(at: number, width: 32 | 64): void {
    this.#f.loadState(at, width);
  }
  storeState(at: number, width: 32 | 64, value: () => void): void {
    this.#f.storeState(at, width, value);
  }
}
