import { hex } from '../bits/hex.ts';
import { ERESTART } from './block.ts';
import { describeEnd, type ProcessEnd } from './end.ts';
import { errnoName, errnoText } from './errno.ts';
import { SIG, signalName } from './signals/numbers.ts';
import { CLD, SI, type SignalInfo } from './signals/state.ts';
import { syscallName } from './syscalls/names.ts';
import { NO_RESULT, type SyscallRow } from './syscalls/row.ts';
import type { Task } from './task.ts';

/** Writes system calls the way strace(1) does with -f; all it knows comes from the rows of the table. */
export class Strace {
  readonly #emit: (line: string) => void;
  readonly #several: () => boolean;
  /** Arguments of calls under way, as text; empty where the call fills them in. */
  readonly #calls = new Map<Task, string[]>();

  /** @param several whether lines must tell whose they are */
  constructor(emit: (line: string) => void, several: () => boolean) {
    this.#emit = emit;
    this.#several = several;
  }

  #line(task: Task, text: string): void {
    this.#emit(this.#several() ? `[pid ${String(task.tid).padStart(5)}] ${text}` : text);
  }

  /** Before the call: what it reads is looked at now, since the call may overwrite it. */
  enter(task: Task, row: SyscallRow, args: readonly number[]): void {
    const context = { user: task.user, args, result: -1 };
    this.#calls.set(
      task,
      row.args.map((kind, index) => (kind.out ? '' : kind.show(args[index]!, context))),
    );
  }

  /** After it. `result` is negative for an error; NO_RESULT when the call did not return. */
  leave(task: Task, row: SyscallRow, args: readonly number[], result: number): void {
    const texts = this.#calls.get(task) ?? row.args.map(() => '');
    this.#calls.delete(task);
    const succeeded = result >= 0;
    const context = { user: task.user, args, result };
    row.args.forEach((kind, index) => {
      if (!kind.out) return;
      const value = args[index]!;
      texts[index] = succeeded ? kind.show(value, context) : value === 0 ? 'NULL' : hex(value);
    });
    // An argument that this call does not have is shown as nothing.
    const shown = texts.filter((text) => text !== '').join(', ');
    const returns = result !== NO_RESULT && row.result !== 'none';
    this.#line(task, `${row.name}(${shown}) = ${returns ? resultText(row, result) : noReturn(row)}`);
  }

  /** A number that no row has. */
  unknown(task: Task, number: number, args: readonly bigint[]): void {
    this.#line(task, `${syscallName(number)}(${args.map((value) => hex(value)).join(', ')}) = ${errorText(38)}`);
  }

  /** A signal that is delivered. */
  signal(task: Task, info: SignalInfo): void {
    const name = signalName(info.signal);
    const fields = [`si_signo=${name}`, `si_code=${codeText(info)}`];
    if (info.fault !== undefined) fields.push(`si_addr=${info.address ? hex(info.address) : 'NULL'}`);
    else if (info.timer !== undefined) fields.push(`si_timerid=${info.timer.id}`, `si_overrun=${info.timer.overrun}`);
    else if (info.pid !== undefined) fields.push(`si_pid=${info.pid}`, `si_uid=${info.uid ?? 0}`);
    if (info.status !== undefined) {
      const killed = info.code !== CLD.EXITED;
      fields.push(`si_status=${killed ? signalName(info.status) : info.status}`, 'si_utime=0', 'si_stime=0');
    }
    this.#line(task, `--- ${name} {${fields.join(', ')}} ---`);
  }

  /** The last line of a process. */
  end(task: Task, end: ProcessEnd): void {
    const text =
      end.kind === 'exited'
        ? `exited with ${end.status}`
        : end.kind === 'killed'
          ? `killed by ${signalName(end.signal)}`
          : describeEnd(end);
    this.#line(task, `+++ ${text} +++`);
  }
}

const CODES: Readonly<Record<number, string>> = {
  [SI.USER]: 'SI_USER',
  [SI.KERNEL]: 'SI_KERNEL',
  [SI.QUEUE]: 'SI_QUEUE',
  [SI.TIMER]: 'SI_TIMER',
  [SI.TKILL]: 'SI_TKILL',
};
const CHILD_CODES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(CLD).map(([name, code]) => [code, `CLD_${name}`]),
);
const SEGV_CODES: Readonly<Record<number, string>> = { 1: 'SEGV_MAPERR', 2: 'SEGV_ACCERR' };

function codeText({ signal, code }: SignalInfo): string {
  if (code > 0 && signal === SIG.CHLD) return CHILD_CODES[code] ?? String(code);
  if (code > 0 && signal === SIG.SEGV) return SEGV_CODES[code] ?? CODES[code] ?? String(code);
  return CODES[code] ?? String(code);
}

/** exec shows 0 when it has worked; exit and rt_sigreturn do not return. */
const noReturn = (row: SyscallRow): string => (row.name.startsWith('execve') ? '0' : '?');

function errorText(errno: number): string {
  return `-1 ${errnoName(errno)} (${errnoText(errno)})`;
}

const RESTARTS: Readonly<Record<number, string>> = {
  [ERESTART.SYS]: 'ERESTARTSYS (To be restarted if SA_RESTART is set)',
  [ERESTART.NOINTR]: 'ERESTARTNOINTR (To be restarted)',
  [ERESTART.NOHAND]: 'ERESTARTNOHAND (To be restarted if no handler)',
  [ERESTART.BLOCK]: 'ERESTART_RESTARTBLOCK (Interrupted by signal)',
};

function resultText(row: SyscallRow, result: number): string {
  if (RESTARTS[-result] !== undefined) return `? ${RESTARTS[-result]}`;
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
