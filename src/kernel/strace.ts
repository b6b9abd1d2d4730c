import { hex } from '../bits/hex.ts';
import { ERESTART } from './block.ts';
import { describeEnd, type ProcessEnd } from './end.ts';
import { errnoName, errnoText } from './errno.ts';
import { SIG, signalName } from './signals/numbers.ts';
import { CLD, SI, type SignalInfo } from './signals/state.ts';
import { syscallName } from './syscalls/names.ts';
import { NO_RESULT, type SyscallRow } from './syscalls/row.ts';
import { sigsetText } from './syscalls/structs.ts';
import type { Task } from './task.ts';

/** A call under way. */
interface Call {
  readonly row: SyscallRow;
  /** Its arguments as text; empty where the call fills them in. */
  readonly texts: string[];
  /** How many of them were told already, since another thread had something to say; -1: nothing was. */
  told: number;
  /** Signals that have come meanwhile and change nothing. */
  readonly ignored: SignalInfo[];
}

/** Calls that nothing comes behind. */
const ENDS: readonly string[] = ['exit', 'exit_group'];
/** Where the blocked signals stand in a signal's frame, above the stack pointer of rt_sigreturn(2). */
const FRAME_MASK = 296;
const RSP = 4;
const RAX = 0;

function frameText(task: Task): string {
  const at = Number(task.kernel.machine.cpu.gpr(RSP)) + FRAME_MASK;
  return task.user.span(at, 8, false) === 8 ? `{mask=${sigsetText(at, task.user)}}` : '';
}

/** Writes system calls the way strace(1) does with -f; all it knows comes from the rows of the table. */
export class Strace {
  readonly #emit: (line: string) => void;
  readonly #several: () => boolean;
  readonly #calls = new Map<Task, Call>();

  /** @param several whether lines must tell whose they are */
  constructor(emit: (line: string) => void, several: () => boolean) {
    this.#emit = emit;
    this.#several = several;
  }

  #line(task: Task, text: string): void {
    this.#interrupt(task);
    this.#write(task, text);
  }

  #write(task: Task, text: string): void {
    this.#emit(this.#several() ? `[pid ${String(task.tid).padStart(5)}] ${text}` : text);
  }

  /** Another thread has something to say: calls under way are told as far as they are known. */
  #interrupt(by: Task): void {
    for (const [task, call] of this.#calls) {
      if (task === by || call.told >= 0) continue;
      const filled = call.row.args.findIndex(({ out }) => out);
      call.told = filled < 0 ? call.texts.length : filled;
      const known = call.texts.slice(0, call.told).filter((text) => text !== '');
      const more = filled < 0 || known.length === 0 ? '' : ', ';
      this.#write(task, `${call.row.name}(${known.join(', ')}${more} <unfinished ...>`);
    }
  }

  /** Before the call: what it reads is looked at now, since the call may overwrite it. */
  enter(task: Task, row: SyscallRow, args: readonly number[]): void {
    const context = { user: task.user, args, result: -1 };
    const texts = row.args.map((kind, index) => (kind.out ? '' : kind.show(args[index]!, context)));
    if (row.name === 'rt_sigreturn') texts.push(frameText(task));
    // What follows is the end of the thread: that this call does not return is said before.
    if (ENDS.includes(row.name)) return this.#line(task, `${row.name}(${texts.join(', ')}) = ?`);
    this.#calls.set(task, { row, texts, told: -1, ignored: [] });
  }

  /** After it. `result` is negative for an error; NO_RESULT when the call did not return. */
  leave(task: Task, row: SyscallRow, args: readonly number[], result: number): void {
    const call = this.#calls.get(task);
    this.#calls.delete(task);
    if (call === undefined) return;
    const { texts, told, ignored } = call;
    const succeeded = result >= 0;
    const context = { user: task.user, args, result };
    row.args.forEach((kind, index) => {
      if (!kind.out) return;
      const value = args[index]!;
      texts[index] = succeeded ? kind.show(value, context) : value === 0 ? 'NULL' : hex(value);
    });
    // An argument that this call does not have is shown as nothing.
    const shown = texts.slice(Math.max(0, told)).filter((text) => text !== '');
    const head = told < 0 ? `${row.name}(` : `<... ${row.name} resumed>`;
    const returns = result !== NO_RESULT && row.result !== 'none';
    const value = returns ? resultText(row, result) : noReturn(task, row);
    this.#line(task, `${head}${shown.join(', ')}) = ${value}`);
    for (const info of ignored) this.signal(task, info);
  }

  /** A signal that changes nothing is told too, behind the call that it came in. */
  ignored(task: Task, info: SignalInfo): void {
    const call = this.#calls.get(task);
    if (call === undefined) this.signal(task, info);
    else call.ignored.push(info);
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

  /** The last line of a thread. */
  end(task: Task, end: ProcessEnd): void {
    this.#calls.delete(task);
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

/** What is in RAX behind a call that has replaced the registers: 0 of a new program, what it was before a signal. */
const noReturn = (task: Task, row: SyscallRow): string =>
  row.name === 'rt_sigreturn' ? String(BigInt.asIntN(64, task.kernel.machine.cpu.gpr(RAX))) : '0';

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
