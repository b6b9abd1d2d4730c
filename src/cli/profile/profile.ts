import fs from 'node:fs';
import { hex } from '../../bits/hex.ts';
import type { SymbolTable } from '../../elf/symbols.ts';
import type { GuestMachine } from '../../kernel/guest-machine.ts';
import type { Names } from '../../trace/names.ts';
import { fileError } from '../files.ts';
import { StackWalker } from './stack.ts';

const STDERR = 2;

/**
 * Where a run spends its instructions: samples of the stack, counted by the functions on it. Taken at fixed instruction
 * counts, so the same run gives the same profile.
 */
export class Profile {
  readonly #counts = new Map<string, number>();
  readonly #labels = new Map<bigint, string>();
  readonly #path: string;
  readonly #fd: number;
  #symbols: SymbolTable | undefined;
  #walker: StackWalker | undefined;

  /**
   * @param path where it goes; `-` is standard error
   * @throws CliError where the file cannot be written
   */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#fd = path === '-' ? STDERR : fs.openSync(path, 'w');
    } catch (error) {
      throw fileError(error, path);
    }
  }

  /**
   * Counts the stack as it is now.
   * @param names asked for once, at the first sample: before the run nobody knows where the program is loaded
   */
  sample(machine: Pick<GuestMachine, 'cpu' | 'memory'>, names: () => Names): void {
    this.#walker ??= this.#begin(machine, names().symbols);
    const stack = this.#walker
      .walk()
      .map((address) => this.#labels.get(address) ?? this.#label(address))
      .reverse()
      .join(';');
    this.#counts.set(stack, (this.#counts.get(stack) ?? 0) + 1);
  }

  #begin(machine: Pick<GuestMachine, 'cpu' | 'memory'>, symbols: SymbolTable): StackWalker {
    this.#symbols = symbols;
    return new StackWalker(machine, (address) => symbols.at(address)?.symbol.address);
  }

  /** A function's name, or the page of code without one: `[0x401000]`. */
  #label(address: bigint): string {
    const name = this.#symbols?.at(address)?.symbol.name.replace(/[;\s]/g, '_');
    const label = name ?? `[${hex(address & ~0xfffn)}]`;
    this.#labels.set(address, label);
    return label;
  }

  /** `main;f;g 12`: one line for each stack, outermost function first, as flame graph tools read them; in order of text. */
  lines(): string[] {
    return [...this.#counts].map(([stack, count]) => `${stack} ${count}`).sort();
  }

  /** Writes the file. @throws CliError where it cannot be written */
  end(): void {
    try {
      fs.writeSync(
        this.#fd,
        this.lines()
          .map((line) => `${line}\n`)
          .join(''),
      );
      if (this.#fd !== STDERR) fs.closeSync(this.#fd);
    } catch (error) {
      throw fileError(error, this.#path);
    }
  }
}
