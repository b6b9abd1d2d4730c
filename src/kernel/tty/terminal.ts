import { SIG } from '../signals/numbers.ts';
import { IFLAG, LFLAG, OFLAG, Termios, V } from './termios.ts';

/** Bytes that wait in one direction before a writer waits. */
export const CAPACITY = 65_536;
/** Longest line that can be edited (N_TTY_BUF_SIZE). */
const MOST_LINE = 4095;
const NEWLINE = 10;
const RETURN = 13;
const TAB = 9;
const BACKSPACE = 8;
const SPACE = 32;
const DELETE = 127;
const CARET = 94;
/** `^C` stands for 3: the letter is so far above. */
const LETTER = 64;

/** What a terminal's characters make happen. */
export interface TerminalEvents {
  /** A signal to the foreground group. */
  signal(signal: number): void;
}

/** A pseudoterminal: the line discipline between its two ends (Linux: drivers/tty/n_tty.c, pty.c). */
export class Terminal {
  readonly number: number;
  readonly termios = new Termios();
  /** Rows, columns, and the same in pixels. */
  size: readonly [number, number, number, number] = [0, 0, 0, 0];
  /** The session that it controls, and the process group that may read; 0: none. */
  session = 0;
  foreground = 0;
  /** TIOCSPTLCK: the slave cannot be opened. */
  locked = true;
  /** Open slaves, and whether there ever was one. */
  slaves = 0;
  wasOpen = false;
  /** The master is gone. */
  hungUp = false;
  /** Grows with whatever arrives at either end. */
  arrived = 0;

  /** Lines, or pieces where lines are not edited, that the slave reads. An empty one is an end of file. */
  readonly #lines: Uint8Array[] = [];
  #lineBytes = 0;
  #edited: number[] = [];
  #literal = false;
  #stopped = false;
  readonly #output: number[] = [];
  readonly #events: TerminalEvents;

  constructor(number: number, events: TerminalEvents) {
    this.number = number;
    this.#events = events;
  }

  #has(flag: number): boolean {
    return (this.termios.local & flag) !== 0;
  }
  get canonical(): boolean {
    return this.#has(LFLAG.ICANON);
  }
  /** The other side has stopped the output by ^S. */
  get stopped(): boolean {
    return this.#stopped;
  }
  set stopped(value: boolean) {
    this.#stopped = value;
  }

  // ——— what the master sees ———

  get outputBytes(): number {
    return this.#stopped ? 0 : this.#output.length;
  }
  get outputRoom(): number {
    return this.#stopped ? 0 : Math.max(0, CAPACITY - this.#output.length);
  }
  takeOutput(length: number): Uint8Array {
    this.arrived++;
    return Uint8Array.from(this.#output.splice(0, Math.min(length, this.outputBytes)));
  }
  get inputRoom(): number {
    return Math.max(0, CAPACITY - this.#lineBytes);
  }

  // ——— what the slave sees ———

  /** Bytes that a read would give now. */
  get readable(): number {
    return this.canonical ? (this.#lines[0]?.length ?? 0) : this.#lineBytes;
  }
  /** A line, or its end of file, waits. */
  get hasLine(): boolean {
    return this.#lines.length > 0;
  }

  takeInput(length: number): Uint8Array {
    if (this.canonical) {
      const line = this.#lines[0];
      if (line === undefined || line.length <= length) this.#lines.shift();
      else this.#lines[0] = line.subarray(length);
      const part = line?.subarray(0, length) ?? new Uint8Array(0);
      this.#lineBytes -= part.length;
      return part;
    }
    const all = Buffer.concat(this.#lines.splice(0));
    const part = Uint8Array.from(all.subarray(0, length));
    if (all.length > length) this.#lines.push(Uint8Array.from(all.subarray(length)));
    this.#lineBytes = all.length - part.length;
    return part;
  }

  #push(bytes: readonly number[]): void {
    this.#lines.push(Uint8Array.from(bytes));
    this.#lineBytes += bytes.length;
    this.arrived++;
  }

  flushInput(): void {
    this.#lines.length = 0;
    this.#lineBytes = 0;
    this.#edited = [];
  }
  flushOutput(): void {
    this.#output.length = 0;
  }

  /** tcsetattr(3): a line that was being edited can be read when lines are not edited any more. */
  setTermios(bytes: Uint8Array): void {
    const before = this.canonical;
    this.termios.set(bytes);
    if (!before || this.canonical || this.#edited.length === 0) return;
    this.#push(this.#edited);
    this.#edited = [];
  }

  /** What the slave writes, processed (OPOST). */
  write(bytes: Uint8Array): void {
    for (const byte of bytes) this.#put(byte);
    this.arrived++;
  }

  #put(byte: number): void {
    const { output } = this.termios;
    if (output & OFLAG.OPOST) {
      if (byte === NEWLINE && output & OFLAG.ONLCR) this.#output.push(RETURN);
      if (byte === RETURN && output & OFLAG.OCRNL) {
        this.#output.push(NEWLINE);
        return;
      }
    }
    this.#output.push(byte);
  }

  // ——— what is typed ———

  /** What the master writes. */
  type(bytes: Uint8Array): void {
    for (const byte of bytes) this.#receive(byte);
    this.arrived++;
  }

  #receive(raw: number): void {
    const { termios } = this;
    const { input } = termios;
    let byte = input & IFLAG.ISTRIP ? raw & 0x7f : raw;
    if (this.#literal) {
      this.#literal = false;
      this.#keep(byte);
      return;
    }
    if (input & IFLAG.IXON) {
      const started = termios.is(byte, V.START);
      if (started || termios.is(byte, V.STOP)) {
        this.#stopped = !started;
        return;
      }
      if (input & IFLAG.IXANY) this.#stopped = false;
    }
    if (this.#has(LFLAG.ISIG) && this.#signals(byte)) return;
    if (byte === RETURN) {
      if (input & IFLAG.IGNCR) return;
      if (input & IFLAG.ICRNL) byte = NEWLINE;
    } else if (byte === NEWLINE && input & IFLAG.INLCR) byte = RETURN;
    if (this.canonical && this.#edit(byte)) return;
    this.#keep(byte);
  }

  /** ^C, ^\ and ^Z. */
  #signals(byte: number): boolean {
    for (const [index, signal] of [
      [V.INTR, SIG.INT],
      [V.QUIT, SIG.QUIT],
      [V.SUSP, SIG.TSTP],
    ] as const) {
      if (!this.termios.is(byte, index)) continue;
      if (!this.#has(LFLAG.NOFLSH)) {
        this.flushInput();
        this.flushOutput();
      }
      if (this.termios.input & IFLAG.IXON) this.#stopped = false;
      if (this.#has(LFLAG.ECHO)) this.#echo(byte);
      this.#events.signal(signal);
      return true;
    }
    return false;
  }

  /** Characters that edit or end a line. */
  #edit(byte: number): boolean {
    const { termios } = this;
    const extended = this.#has(LFLAG.IEXTEN);
    if (termios.is(byte, V.ERASE)) this.#erase(1);
    else if (extended && termios.is(byte, V.WERASE)) this.#erase(this.#word());
    else if (termios.is(byte, V.KILL)) this.#kill(byte);
    else if (extended && termios.is(byte, V.LNEXT)) {
      this.#literal = true;
      if (this.#has(LFLAG.ECHO) && this.#has(LFLAG.ECHOCTL)) this.#show(CARET, BACKSPACE);
    } else if (extended && this.#has(LFLAG.ECHO) && termios.is(byte, V.REPRINT)) {
      this.#echo(byte);
      this.#put(NEWLINE);
      for (const one of this.#edited) this.#echo(one);
    } else if (byte === NEWLINE) {
      if (this.#has(LFLAG.ECHO) || this.#has(LFLAG.ECHONL)) this.#put(NEWLINE);
      this.#end(byte);
    } else if (termios.is(byte, V.EOF)) this.#end();
    else if (termios.is(byte, V.EOL) || (extended && termios.is(byte, V.EOL2))) {
      if (this.#has(LFLAG.ECHO)) this.#echo(byte);
      this.#end(byte);
    } else return false;
    return true;
  }

  #end(...last: number[]): void {
    this.#push([...this.#edited, ...last]);
    this.#edited = [];
  }

  #keep(byte: number): void {
    if (!this.canonical) {
      if (this.#has(LFLAG.ECHO)) this.#echo(byte);
      this.#push([byte]);
      return;
    }
    if (this.#edited.length >= MOST_LINE) return;
    if (this.#has(LFLAG.ECHO)) this.#echo(byte);
    this.#edited.push(byte);
  }

  #shown(byte: number): boolean {
    return this.#has(LFLAG.ECHOCTL) && (byte < SPACE || byte === DELETE) && byte !== TAB;
  }
  #echo(byte: number): void {
    if (this.#shown(byte) && byte !== NEWLINE) this.#show(CARET, byte ^ LETTER);
    else this.#put(byte);
  }
  #show(...bytes: number[]): void {
    for (const byte of bytes) this.#put(byte);
  }

  #erase(count: number): void {
    for (let n = 0; n < count && this.#edited.length > 0; n++) {
      const byte = this.#edited.pop()!;
      if (!this.#has(LFLAG.ECHO)) continue;
      if (!this.#has(LFLAG.ECHOE)) {
        this.#echo(this.termios.characters[V.ERASE]!);
        continue;
      }
      for (let width = this.#shown(byte) ? 2 : 1; width > 0; width--) this.#show(BACKSPACE, SPACE, BACKSPACE);
    }
  }

  /** Length of the last word with the spaces behind it. */
  #word(): number {
    const isWord = (byte: number): boolean => /[\p{L}\p{N}_]/u.test(String.fromCharCode(byte));
    let at = this.#edited.length;
    while (at > 0 && !isWord(this.#edited[at - 1]!)) at--;
    while (at > 0 && isWord(this.#edited[at - 1]!)) at--;
    return this.#edited.length - at;
  }

  #kill(byte: number): void {
    if (this.#has(LFLAG.ECHO) && !(this.#has(LFLAG.ECHOKE) && this.#has(LFLAG.ECHOE))) {
      this.#edited = [];
      this.#echo(byte);
      if (this.#has(LFLAG.ECHOK)) this.#put(NEWLINE);
      return;
    }
    this.#erase(this.#edited.length);
  }
}
