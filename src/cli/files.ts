import fs from 'node:fs';
import { type ByteSource, memorySource } from '../elf/source.ts';
import { CliError } from './errors.ts';

const REASONS: Readonly<Record<string, readonly [what: string, mend: string]>> = {
  ENOENT: ['no such file', 'check the path'],
  ENOTDIR: ['no such file', 'a part of the path is not a directory'],
  EACCES: ['permission denied', 'make it readable (chmod +r)'],
  EPERM: ['permission denied', 'make it readable'],
  EISDIR: ['is a directory', 'give a file'],
  ELOOP: ['too many symbolic links', 'check the path'],
  ENAMETOOLONG: ['the name is too long', 'check the path'],
  EROFS: ['read-only file system', 'give another place'],
  ENOSPC: ['no space left on the device', 'make room'],
  ERR_FS_FILE_TOO_LARGE: ['larger than 2 GiB', 'give a smaller file'],
};

/** What is wrong, in words, and how to mend it. */
export function fileReason(error: unknown): readonly [what: string, mend: string] {
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? [`cannot be used (${code || message})`, 'give another file'];
}

/** An error of the host's file system as one line. */
export function fileError(error: unknown, path: string): CliError {
  const [what, mend] = fileReason(error);
  return new CliError(what, path, mend);
}

/** A whole file of the host, or a pipe. @throws CliError for anything else */
export function readFile(path: string): Uint8Array {
  try {
    const stat = fs.statSync(path);
    if (stat.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    if (!stat.isFile() && !stat.isFIFO()) throw new CliError('is not a regular file', path, 'give a file');
    const bytes = fs.readFileSync(path);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  } catch (error) {
    throw error instanceof CliError ? error : fileError(error, path);
  }
}

/** A file of the host that is read where it is wanted, a pipe as a whole. @throws CliError for anything else */
export function openSource(path: string): ByteSource {
  let stat: fs.Stats;
  let fd: number;
  try {
    stat = fs.statSync(path);
    if (!stat.isFile()) return memorySource(readFile(path));
    fd = fs.openSync(path, 'r');
  } catch (error) {
    throw error instanceof CliError ? error : fileError(error, path);
  }
  return {
    length: stat.size,
    read: (offset, length) => {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, stat.size - offset)));
      for (let done = 0; done < bytes.length; ) {
        let part: number;
        try {
          part = fs.readSync(fd, bytes, done, bytes.length - done, offset + done);
        } catch (error) {
          throw fileError(error, path);
        }
        if (part === 0) throw new CliError('the file has become shorter', path, 'try again');
        done += part;
      }
      return bytes;
    },
  };
}
