import { spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The committed helper; the same relative path from `src/` and from `dist/`. */
export const HELPER = fileURLToPath(new URL('../../guest/oracle/oracle', import.meta.url));

/** Said when the helper is gone; the next request needs a new channel. */
export class ChannelClosed extends Error {}

/** Exit statuses of the helper (`guest/oracle/oracle.c`). */
const STATUS: Readonly<Record<number, string>> = {
  3: 'it could not make its pipes',
  4: 'its memory regions are not free',
  5: 'the kernel refuses a seccomp filter',
  6: 'the CPU or the kernel has no XSAVE',
};

const GREETING_BYTES = 8;
const START_TIMEOUT_MS = 5000;

const sleeper = new Int32Array(new SharedArrayBuffer(4));
function sleep(milliseconds: number): void {
  Atomics.wait(sleeper, 0, 0, milliseconds);
}

/**
 * The helper process and the two FIFOs to it: blocking reads and writes, so that a caller needs no event loop.
 * The helper ends when this process does.
 */
export class Channel {
  /** The low half of the host's XCR0: the state components that its kernel has enabled. */
  readonly xcr0: number;
  /** The helper's process. */
  readonly pid: number | null;
  readonly #in: number;
  readonly #out: number;

  /** @throws Error with one line when the helper cannot run here. */
  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'swapgs-'));
    const held: number[] = [];
    try {
      const made = spawnSync(HELPER, ['fifos', folder], { stdio: 'ignore' });
      if (made.error) throw new Error(`the native oracle does not start: ${made.error.message}`);
      if (made.status !== 0) throw new Error(`the native oracle does not start: ${describe(made.status)}`);
      // Ends that never block, held until the helper has opened its own.
      held.push(openSync(join(folder, 'in'), constants.O_RDWR));
      held.push(openSync(join(folder, 'out'), constants.O_RDONLY | constants.O_NONBLOCK));
      const child = spawn(HELPER, ['serve', folder], { stdio: 'ignore' });
      child.on('error', () => {});
      child.unref();
      this.pid = child.pid ?? null;
      this.xcr0 = greeting(held[1]!);
      this.#in = openSync(join(folder, 'in'), constants.O_WRONLY);
      this.#out = openSync(join(folder, 'out'), constants.O_RDONLY);
    } finally {
      for (const fd of held) closeSync(fd);
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Sends all of `bytes`. @throws ChannelClosed */
  write(bytes: Uint8Array): void {
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(this.#in, bytes, done, bytes.length - done);
    } catch {
      throw new ChannelClosed('the native oracle is gone');
    }
  }

  /** Fills `bytes`. @throws ChannelClosed */
  read(bytes: Uint8Array): void {
    let have = 0;
    while (have < bytes.length) {
      const got = readSync(this.#out, bytes, have, bytes.length - have, null);
      if (got === 0) throw new ChannelClosed('the native oracle is gone');
      have += got;
    }
  }

  /** Ends the helper. */
  close(): void {
    closeSync(this.#in);
    closeSync(this.#out);
  }
}

function describe(status: number | null): string {
  return (status !== null && STATUS[status]) || `exit status ${status}`;
}

/** Waits for the helper's first word on a FIFO that does not block. */
function greeting(fd: number): number {
  const bytes = new Uint8Array(GREETING_BYTES);
  for (let waited = 0; waited < START_TIMEOUT_MS; waited++) {
    try {
      if (readSync(fd, bytes, 0, GREETING_BYTES, null) === GREETING_BYTES)
        return new DataView(bytes.buffer).getUint32(0, true);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
    sleep(1);
  }
  throw new Error('the native oracle does not start: no answer');
}
