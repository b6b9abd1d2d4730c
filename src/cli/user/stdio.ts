import { SysError } from '../../kernel/errno.ts';
import type { Stdio } from '../../kernel/fs/stdio.ts';

/** What a program may read before recording it is given up. */
const MOST_RECORDED = 64 << 20;

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
  /** A run that had to wait for its input goes otherwise when it finds it at once: it is not repeated. */
  tryRead(length: number): Uint8Array | null {
    const { tryRead } = this.#stdio;
    if (tryRead === undefined) return this.read(length);
    const bytes = tryRead.call(this.#stdio, length);
    if (bytes === null) this.giveUp();
    else this.#add({ bytes: bytes.slice() });
    return bytes;
  }

  /** What happens cannot be repeated. */
  giveUp(): void {
    this.#recorded = Number.POSITIVE_INFINITY;
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
  tryRead(): Uint8Array {
    return this.read();
  }
  write(_stream: 1 | 2, bytes: Uint8Array): number {
    const answer = this.#take();
    return 'taken' in answer ? answer.taken : bytes.length;
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
  tryRead(length: number): Uint8Array | null {
    const { tryRead } = this.#stdio;
    return tryRead === undefined ? this.read(length) : tryRead.call(this.#stdio, length);
  }
  write(_stream: 1 | 2, bytes: Uint8Array): number {
    return this.#stdio.write(2, bytes);
  }
}
