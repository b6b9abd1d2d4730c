import { Blocked } from '../block.ts';
import { E, fail } from '../errno.ts';
import type { Attributes, Inode } from '../fs/inode.ts';
import { O, POLL } from '../fs/mode.ts';
import { OpenFile } from '../fs/open-file.ts';
import { SIG } from '../signals/numbers.ts';
import type { Task } from '../task.ts';
import { waitFor } from '../wait.ts';
import { slaveControl, terminalControl } from './control.ts';
import type { Terminal } from './terminal.ts';
import type { Terminals } from './terminals.ts';
import { LFLAG, V } from './termios.ts';

/** Nanoseconds of one unit of VTIME. */
const TENTH = 100_000_000n;
/** Most bytes that one write gives the line discipline. */
const PIECE = 2048;

/** An open end of a pseudoterminal. */
abstract class TerminalFile extends OpenFile {
  readonly terminals: Terminals;
  readonly terminal: Terminal;
  readonly #inode: Inode;

  constructor(terminals: Terminals, terminal: Terminal, inode: Inode, path: string, flags: number) {
    super(path, flags & ~O.CREAT & ~O.EXCL & ~O.NOCTTY & ~O.TRUNC & ~O.CLOEXEC);
    this.terminals = terminals;
    this.terminal = terminal;
    this.#inode = inode;
  }

  override get inode(): Inode {
    return this.#inode;
  }
  override get pollable(): boolean {
    return true;
  }
  attributes(): Attributes {
    return this.#inode.attributes();
  }
  override get activity(): number {
    return this.terminal.arrived;
  }
}

/** What /dev/ptmx gives: the side of a terminal's keyboard and screen. */
export class MasterFile extends TerminalFile {
  get #slaveGone(): boolean {
    return this.terminal.wasOpen && this.terminal.slaves === 0;
  }

  override read(length: number): Uint8Array {
    const { terminal } = this;
    if (length === 0) return new Uint8Array(0);
    if (terminal.outputBytes === 0) {
      if (this.#slaveGone) fail(E.EIO);
      if (this.nonblocking) fail(E.EAGAIN);
      throw new Blocked('output of a terminal', { ready: () => terminal.outputBytes > 0 || this.#slaveGone });
    }
    return terminal.takeOutput(length);
  }

  override write(bytes: Uint8Array): number {
    const { terminal } = this;
    if (terminal.inputRoom === 0) {
      if (this.nonblocking) fail(E.EAGAIN);
      throw new Blocked('room in a terminal', { ready: () => terminal.inputRoom > 0 });
    }
    const part = bytes.subarray(0, Math.min(PIECE, terminal.inputRoom));
    terminal.type(part);
    return part.length;
  }

  override available(): number {
    return this.terminal.outputBytes;
  }
  override poll(): number {
    const { terminal } = this;
    let events = terminal.outputBytes > 0 ? POLL.IN | POLL.RDNORM : 0;
    if (terminal.inputRoom > 0) events |= POLL.OUT | POLL.WRNORM;
    return this.#slaveGone ? events | POLL.HUP : events;
  }
  override control(task: Task, request: number, argument: number): number {
    return terminalControl(this.terminals, this.terminal, task, request, argument, true);
  }
  protected override closed(): void {
    this.terminals.hangUp(this.terminal);
  }
}

/** The side of the programs. */
export class SlaveFile extends TerminalFile {
  constructor(terminals: Terminals, terminal: Terminal, inode: Inode, path: string, flags: number) {
    super(terminals, terminal, inode, path, flags);
    terminal.slaves++;
    terminal.wasOpen = true;
  }

  override read(length: number): Uint8Array {
    const { terminal } = this;
    const { task } = this.terminals;
    // Who waits when the terminal goes learns of it; who comes later finds its end.
    if (terminal.hungUp) return task.resumed === null ? new Uint8Array(0) : fail(E.EIO);
    this.terminals.requireForeground(terminal, SIG.TTIN, 'fails');
    if (length === 0) return new Uint8Array(0);
    const reason = 'input of a terminal';
    if (terminal.canonical) {
      if (!terminal.hasLine && this.nonblocking) fail(E.EAGAIN);
      waitFor(task, reason, { ready: () => terminal.hasLine || terminal.hungUp || !terminal.canonical });
      return terminal.takeInput(length);
    }
    const { characters } = terminal.termios;
    const least = characters[V.MIN]!;
    const time = BigInt(characters[V.TIME]!) * TENTH;
    const enough = Math.min(least, length);
    if (terminal.readable === 0 && this.nonblocking) fail(E.EAGAIN);
    if (terminal.readable < Math.max(enough, least === 0 && time === 0n ? 0 : 1) && !this.nonblocking) {
      // With both given, time counts from the first byte on.
      const timed = time > 0n && (least === 0 || terminal.readable > 0);
      const before = task.resumed?.wait.deadline ?? null;
      const deadline = timed ? (before ?? task.kernel.clock.monotonic() + time) : null;
      const seen = terminal.readable;
      const ready = (): boolean =>
        terminal.readable >= Math.max(1, enough) ||
        terminal.hungUp ||
        (time > 0n && least > 0 && terminal.readable > seen);
      if (timed && task.resumed?.timedOut) return terminal.takeInput(length);
      throw new Blocked(reason, { ready, deadline });
    }
    return terminal.takeInput(length);
  }

  override write(bytes: Uint8Array): number {
    const { terminal } = this;
    if (terminal.hungUp) fail(E.EIO);
    if (terminal.termios.local & LFLAG.TOSTOP) this.terminals.requireForeground(terminal, SIG.TTOU, 'may');
    if (terminal.outputRoom === 0) {
      if (this.nonblocking) fail(E.EAGAIN);
      throw new Blocked('room in a terminal', { ready: () => terminal.outputRoom > 0 || terminal.hungUp });
    }
    const part = bytes.subarray(0, Math.min(PIECE, terminal.outputRoom));
    terminal.write(part);
    return part.length;
  }

  override available(): number {
    return this.terminal.readable;
  }
  override poll(): number {
    const { terminal } = this;
    if (terminal.hungUp) return POLL.IN | POLL.OUT | POLL.ERR | POLL.HUP | POLL.RDNORM | POLL.WRNORM;
    const input = terminal.canonical
      ? terminal.hasLine
      : terminal.readable >= Math.max(1, terminal.termios.characters[V.MIN]!);
    return (input ? POLL.IN | POLL.RDNORM : 0) | (terminal.outputRoom > 0 ? POLL.OUT | POLL.WRNORM : 0);
  }
  override control(task: Task, request: number, argument: number): number {
    if (this.terminal.hungUp) fail(E.EIO);
    return slaveControl(this.terminals, this.terminal, task, request, argument);
  }
  protected override closed(): void {
    this.terminal.slaves--;
    this.terminal.arrived++;
  }
}
