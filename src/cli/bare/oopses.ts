import { type Fault, VECTOR } from '../../exec/exit.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Names } from '../../trace/names.ts';
import { printOops } from '../oops/print.ts';
import { Output } from '../output.ts';

/** Exceptions that are a kernel's everyday work. */
const EVERYDAY: ReadonlySet<number> = new Set([VECTOR.DB, VECTOR.BP, VECTOR.NM]);

/** Prints an oops for every exception that a kernel raises in its own code, as its own handler would if it had Linux' words. */
export class Oopses {
  readonly #names: Names;
  readonly #info: string | undefined;
  readonly #out = new Output(2);
  #count = 0;

  /** @param info file with what no register holds (docs/oops.md) */
  constructor(names: Names, info: string | undefined) {
    this.#names = names;
    this.#info = info;
  }

  /** An exception is about to be delivered on a CPU. */
  exception({ memory, cpu }: Machine, fault: Fault, id: number): void {
    if (cpu.cpl !== 0 || EVERYDAY.has(fault.vector)) return;
    this.#count++;
    printOops({ fault, memory, cpu, names: this.#names }, this.#info, this.#out, { cpu: id, count: this.#count });
    this.#out.flush();
  }
}
