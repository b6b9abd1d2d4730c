import fs from 'node:fs';
import { CliError } from './errors.ts';

const REASONS: Readonly<Record<string, readonly [what: string, mend: string]>> = {
  ENOENT: ['no such file', 'check the path'],
  ENOTDIR: ['no such file', 'a part of the path is not a directory'],
  EACCES: ['permission denied', 'make it readable (chmod +r)'],
  EPERM: ['permission denied', 'make it readable'],
  EISDIR: ['is a directory', 'give a file'],
  ELOOP: ['too many symbolic links', 'check the path'],
  ENAMETOOLONG: ['the name is too long', 'check the path'],
  ERR_FS_FILE_TOO_LARGE: ['larger than 2 GiB', 'give a smaller file'],
};

/** An error of the host's file system as one line. */
export function fileError(error: unknown, path: string): CliError {
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException;
  const [what, mend] = REASONS[code] ?? [`cannot be used (${code || message})`, 'give another file'];
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
