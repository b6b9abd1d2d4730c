import type { Task } from '../task.ts';
import type { ArgKind } from './args.ts';

/** How strace writes a result that is no error. `ready` counts files, none of
 * which is a timeout; `none` is for calls that do not return. */
export type ResultKind = 'number' | 'address' | 'octal' | 'flags' | 'ready' | 'none';

/** What a call gives that leaves RAX as it is: it has replaced the registers, or does not return. */
export const NO_RESULT = Number.MIN_SAFE_INTEGER;

/** One system call: all that is known about it. */
export interface SyscallRow {
  readonly number: number;
  readonly name: string;
  readonly args: readonly ArgKind[];
  readonly result: ResultKind;
  /** Does the call. An error leaves by `fail`. */
  readonly run: (task: Task, ...args: number[]) => number;
}

export function row(
  number: number,
  name: string,
  args: readonly ArgKind[],
  run: (task: Task, ...args: number[]) => number,
  result: ResultKind = 'number',
): SyscallRow {
  return { number, name, args, run, result };
}
