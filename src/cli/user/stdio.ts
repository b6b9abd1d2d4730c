import fs from 'node:fs';
import { milliseconds } from '../../bits/clock.ts';
import { Blocked } from '../../kernel/block.ts';
import { SysError } from '../../kernel/errno.ts';
import { HostStdio, type Stdio } from '../../kernel/fs/stdio.ts';

/** What a program may read before recording it is given up. */
const MOST_RECORDED = 64 << 20;
const RETRY_MS = 5;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

type Answer = { readonly bytes: Uint8Array } | { readonly taken: number } | { readonly errno: number };

/** Standard streams that remember what they answered, so that a run can be repeated. */
export class RecordingStdio implements Stdio {
  readonly #stdio: Stdio;
  readonly #answers: Answer[] = [];
  #recorded = 0;

  constructor(stdio: Stdio) {
    this.#stdio = stdio;
  }

  read(length: number): Uint8Array {
    return this.#keep(
      () => this.#stdio.read(length),
      (bytes) => ({ bytes: bytes.slice() }),
    );
  }
  write(stream: 1 | 2, bytes: Uint8Array): number {
    return this.#keep(
      () => this.#stdio.write(stream, bytes),
      (taken) => ({ taken }),
    );
  }

  #keep<T>(call: () => T, answer: (result: T) => Answer): T {
    try {
      const result = call();
      this.#add(answer(result));
      return result;
    } catch (error) {
      if (error instanceof SysError) this.#add({ errno: error.errno });
      throw error;
    }
  }

  #add(answer: Answer): void {
    if (this.#recorded > MOST_RECORDED) return;
    this.#recorded += 'bytes' in answer ? answer.bytes.length + 64 : 16;
    this.#answers.push(answer);
  }

  /** Streams that give the same answers again and write nothing; null when too much was read to keep it. */
  replay(): Stdio | null {
    return this.#recorded > MOST_RECORDED ? null : new ReplayStdio(this.#answers);
  }
}

class ReplayStdio implements Stdio {
  readonly #answers: readonly Answer[];
  #next = 0;

  constructor(answers: readonly Answer[]) {
    this.#answers = answers;
  }

  #take(): Answer {
    const answer = this.#answers[this.#next++] ?? { bytes: new Uint8Array(0) };
    if ('errno' in answer) throw new SysError(answer.errno);
    return answer;
  }

  read(): Uint8Array {
    const answer = this.#take();
    return 'bytes' in answer ? answer.bytes : new Uint8Array(0);
  }
  write(_stream: 1 | 2, bytes: Uint8Array): number {
    const answer = this.#take();
    return 'taken' in answer ? answer.taken : bytes.length;
  }
}

/** The host's streams, of which standard input is not waited for beyond a deadline. */
export class TimedStdio extends HostStdio {
  readonly #deadline: number;
  #fd: number | null = null;

  /** @param deadline in milliseconds of `milliseconds()` */
  constructor(deadline: number) {
    super();
    this.#deadline = deadline;
  }

  override read(length: number): Uint8Array {
    const fd = this.#input();
    if (fd === null) return super.read(length);
    const buffer = new Uint8Array(length);
    for (;;) {
      try {
        return buffer.subarray(0, fs.readSync(fd, buffer, 0, length, null));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return super.read(length);
        if (milliseconds() >= this.#deadline) throw new Blocked('standard input');
        Atomics.wait(sleeper, 0, 0, RETRY_MS);
      }
    }
  }

  /**
   * Standard input as a descriptor that does not wait; null where reading it never does, or cannot be kept from it.
   * Pipes and terminals are opened anew, since both share one position; a socket cannot be, and Node makes it so.
   */
  #input(): number | null {
    if (this.#fd !== null) return this.#fd < 0 ? null : this.#fd;
    this.#fd = -1;
    try {
      const stat = fs.fstatSync(0);
      if (stat.isSocket() && process.stdin) this.#fd = 0;
      if (stat.isFIFO() || stat.isCharacterDevice()) {
        this.#fd = fs.openSync('/proc/self/fd/0', fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
      }
    } catch {
      // A host without /proc, or a stream that cannot be opened again: it is read as it is.
    }
    return this.#fd < 0 ? null : this.#fd;
  }
}

/** Sends what the program writes to standard output to standard error instead. */
export class DivertedStdio implements Stdio {
  readonly #stdio: Stdio;

  constructor(stdio: Stdio) {
    this.#stdio = stdio;
  }

  read(length: number): Uint8Array {
    return this.#stdio.read(length);
  }
  write(_stream: 1 | 2, bytes: Uint8Array): number {
    return this.#stdio.write(2, bytes);
  }
}
