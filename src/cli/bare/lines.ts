import fs from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { fileError } from '../files.ts';

const CHUNK = 1 << 16;
const RETRY_MS = 2;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * The lines of a file, or of standard input (`-`), as they come. `wait` is called before more input is waited for: whoever
 * answers line by line must have answered by then.
 * @throws CliError when the file cannot be read
 */
export function* lines(path: string, wait: () => void): Generator<string> {
  const fd = open(path);
  const decoder = new StringDecoder('utf8');
  const buffer = Buffer.alloc(CHUNK);
  let rest = '';
  for (;;) {
    wait();
    const length = read(fd, buffer, path);
    if (length === 0) break;
    const parts = (rest + decoder.write(buffer.subarray(0, length))).split('\n');
    rest = parts.pop()!;
    yield* parts;
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
  if (fd !== 0) fs.closeSync(fd);
}

function open(path: string): number {
  if (path === '-') return 0;
  try {
    return fs.openSync(path, 'r');
  } catch (error) {
    throw fileError(error, path);
  }
}

function read(fd: number, buffer: Buffer, path: string): number {
  for (;;) {
    try {
      return fs.readSync(fd, buffer, 0, buffer.length, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw fileError(error, path === '-' ? 'standard input' : path);
      Atomics.wait(sleeper, 0, 0, RETRY_MS);
    }
  }
}
