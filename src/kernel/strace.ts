import { hex } from '../bits/hex.ts';
import { describeEnd, type ProcessEnd } from './end.ts';
import { errnoName, errnoText } from './errno.ts';
import { signalName } from './signals/numbers.ts';
import { syscallName } from './syscalls/names.ts';
import type { SyscallRow } from './syscalls/row.ts';
import type { UserMemory } from './user-memory.ts';

/** Writes system calls the way strace(1) does; all it knows comes from the rows of the table. */
export class Strace {
  readonly #emit: (line: string) => void;
  #name = '';
  #args: string[] = [];

  constructor(emit: (line: string) => void) {
    this.#emit = emit;
  }

  /** Before the call: what it reads is looked at now, since the call may overwrite it. */
  enter(row: SyscallRow, args: readonly number[], user: UserMemory): void {
    this.#name = row.name;
    const context = { user, args, result: -1 };
    this.#args = row.args.map((kind, index) => (kind.out ? '' : kind.show(args[index]!, context)));
  }

  /** After it. `result` is negative for an error; null when the call did not return. */
  leave(row: SyscallRow, args: readonly number[], user: UserMemory, result: number | null): void {
    const succeeded = result !== null && result >= 0;
    const context = { user, args, result: result ?? -1 };
    row.args.forEach((kind, index) => {
      if (!kind.out) return;
      const value = args[index]!;
      this.#args[index] = succeeded ? kind.show(value, context) : value === 0 ? 'NULL' : hex(value);
    });
    // An argument that this call does not have is shown as nothing.
    const shown = this.#args.filter((text) => text !== '').join(', ');
    this.#emit(`${this.#name}(${shown}) = ${result === null ? '?' : resultText(row, result)}`);
  }

  /** A number that no row has. */
  unknown(number: number, args: readonly bigint[]): void {
    this.#emit(`${syscallName(number)}(${args.map((value) => hex(value)).join(', ')}) = ${errorText(38)}`);
  }

  /** The last line. */
  end(end: ProcessEnd): void {
    switch (end.kind) {
      case 'exited':
        this.#emit(`+++ exited with ${end.status} +++`);
        return;
      case 'killed':
        this.#emit(`+++ killed by ${signalName(end.signal)} +++`);
        return;
      default:
        this.#emit(`+++ ${describeEnd(end)} +++`);
    }
  }
}

function errorText(errno: number): string {
  return `-1 ${errnoName(errno)} (${errnoText(errno)})`;
}

function resultText(row: SyscallRow, result: number): string {
  if (result < 0) return errorText(-result);
  switch (row.result) {
    case 'address':
      return hex(result);
    case 'octal':
      return `0${result.toString(8)}`;
    case 'ready':
      return result === 0 ? '0 (Timeout)' : String(result);
    case 'flags':
      return result === 0 ? '0' : hex(result);
    default:
      return String(result);
  }
}
