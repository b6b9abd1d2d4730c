import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { caseText, FuzzFileError, parseCase } from './file.ts';
import type { FuzzCase } from './steps.ts';

export interface CorpusEntry {
  readonly path: string;
  readonly case: FuzzCase;
}

const SUFFIX = '.json';
const NAME_DIGITS = 16;
/** The longest input has some hundred kilobytes. */
const MOST_BYTES = 64 << 20;

/** Makes a directory with those that it lies in; the recursive way of the library never ends where the file system refuses, as /proc does. */
export function makeFolder(folder: string): void {
  const there = statSync(folder, { throwIfNoEntry: false });
  if (there?.isDirectory()) return;
  if (there === undefined) makeFolder(dirname(folder));
  mkdirSync(folder);
}

/** Writes a file whole or not at all: no disk that is full and no Ctrl-C leaves a part of it. @throws the error of the file system */
export function writeWhole(path: string, text: string): void {
  const part = `${path}.${process.pid}.part`;
  try {
    writeFileSync(part, text);
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

/** What a file of the corpus holds. @throws FuzzFileError, or the error of the file system */
function textOf(path: string): string {
  const stat = statSync(path);
  // A pipe or a device may never end.
  if (!stat.isFile()) throw new FuzzFileError('is not a regular file');
  if (stat.size > MOST_BYTES) throw new FuzzFileError(`larger than ${MOST_BYTES >> 20} MiB`);
  return readFileSync(path, 'utf8');
}

/** A directory of inputs, a file each, named by what it holds: the same input twice is one file. */
export class Corpus {
  readonly folder: string;

  /** Makes the directory where there is none. @throws the error of the file system */
  constructor(folder: string) {
    this.folder = folder;
    makeFolder(folder);
  }

  /** Every input, by name; `skip` hears of files that are none. @throws the error of the file system for the directory itself */
  read(skip: (path: string, error: unknown) => void): CorpusEntry[] {
    const entries: CorpusEntry[] = [];
    for (const name of readdirSync(this.folder).sort()) {
      if (!name.endsWith(SUFFIX)) continue;
      const path = join(this.folder, name);
      try {
        entries.push({ path, case: parseCase(textOf(path)) });
      } catch (error) {
        skip(path, error);
      }
    }
    return entries;
  }

  /** Adds an input. @throws the error of the file system */
  add(c: FuzzCase): void {
    const text = caseText(c);
    const path = join(this.folder, createHash('sha1').update(text).digest('hex').slice(0, NAME_DIGITS) + SUFFIX);
    if (!existsSync(path)) writeWhole(path, text);
  }

  remove({ path }: CorpusEntry): void {
    rmSync(path, { force: true });
  }
}
