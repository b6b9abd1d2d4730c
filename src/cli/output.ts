import fs from 'node:fs';
import { fileError } from './files.ts';
import { STATUS } from './status.ts';

const BUFFER = 1 << 16;
const SIGPIPE = 13;
const RETRY_MS = 2;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * Text to a descriptor, in blocks, at once where it is asked for. Synchronous, so that what is written is written when the
 * process ends. A reader that has gone away ends the process quietly, as SIGPIPE would.
 */
export class Output {
  readonly #fd: number;
  #waiting: string[] = [];
  #length = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  line(text: string): void {
    this.write(`${text}\n`);
  }

  write(text: string): void {
    this.#waiting.push(text);
    this.#length += text.length;
    if (this.#length >= BUFFER) this.flush();
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    const bytes = Buffer.from(this.#waiting.join(''));
    this.#waiting = [];
    this.#length = 0;
    for (let done = 0; done < bytes.length; ) {
      try {
        done += fs.writeSync(this.#fd, bytes, done);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'EAGAIN') {
          if (code === 'EPIPE') process.exit(STATUS.signal + SIGPIPE);
          throw fileError(error, this.#fd === 1 ? 'standard output' : `descriptor ${this.#fd}`);
        }
        Atomics.wait(sleeper, 0, 0, RETRY_MS);
      }
    }
  }
}

/** One line on standard error, at once; nobody is told when nobody listens. */
export function complain(line: string): void {
  try {
    fs.writeSync(2, `${line}\n`);
  } catch {
    // Standard error is closed: there is nowhere left to say so.
  }
}
