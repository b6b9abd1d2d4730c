import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import type { Console } from '../../kernel/tty/console.ts';

const MOST_BYTES = 4096;
const NO_SIZE = [0, 0, 0, 0] as const;

/** Whether somebody sits before the run: both its input and its output are a terminal. */
export const hasTerminal = (): boolean => process.stdin.isTTY === true && process.stdout.isTTY === true;

/** The host's terminal without its line discipline: the guest has one of its own, so that ^C reaches the guest's programs. */
export class HostConsole implements Console {
  readonly #input: number;

  constructor() {
    this.#input = fs.openSync('/proc/self/fd/0', fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    // Node puts the terminal back when the process ends; what it leaves on, stty turns off.
    process.stdin.setRawMode(true);
    spawnSync('stty', ['raw', '-echo'], { stdio: ['inherit', 'ignore', 'ignore'] });
  }

  /** Gives the terminal back. */
  close(): void {
    process.stdin.setRawMode(false);
    process.stdin.unref();
    process.stdin.destroy();
    fs.closeSync(this.#input);
  }

  size(): readonly [number, number, number, number] {
    try {
      // Node asks the terminal again at SIGWINCH only, which is not told while a guest runs.
      (process.stdout as { _refreshSize?: () => void })._refreshSize?.();
      const [columns, rows] = process.stdout.getWindowSize();
      return [rows, columns, 0, 0];
    } catch {
      return NO_SIZE;
    }
  }

  read(): Uint8Array | null {
    const buffer = new Uint8Array(MOST_BYTES);
    try {
      const got = fs.readSync(this.#input, buffer, 0, buffer.length, null);
      return got === 0 ? null : buffer.subarray(0, got);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? buffer.subarray(0, 0) : null;
    }
  }

  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      try {
        done += fs.writeSync(1, bytes, done);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      }
    }
  }
}
