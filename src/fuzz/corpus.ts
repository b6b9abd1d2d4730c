import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { caseText, FuzzFileError, parseCase } from './file.ts';
import type { FuzzCase } from './steps.ts';

export interface CorpusEntry {
  readonly path: string;
  readonly case: FuzzCase;
}

const SUFFIX = '.json';
const NAME_DIGITS = 16;

/** Makes a directory with those that it lies in; the recursive way of the library never ends where the file system refuses, as /proc does. */
export function makeFolder(folder: string): void {
  const there = statSync(folder, { throwIfNoEntry: false });
  if (there?.isDirectory()) return;
  if (there === undefined) makeFolder(dirname(folder));
  mkdirSync(folder);
}

/** A directory of inputs, a file each, named by what it holds: the same input twice is one file. */
export class Corpus {
  readonly folder: string;

  /** Makes the directory where there is none. @throws the error of the file system */
  constructor(folder: string) {
    this.folder = folder;
    makeFolder(folder);
  }

  /** Every input, by name; `skip` hears of files that are none. */
  read(skip: (path: string, why: string) => void): CorpusEntry[] {
    const entries: CorpusEntry[] = [];
    for (const name of readdirSync(this.folder).sort()) {
      if (!name.endsWith(SUFFIX)) continue;
      const path = join(this.folder, name);
      try {
        entries.push({ path, case: parseCase(readFileSync(path, 'utf8')) });
      } catch (error) {
        const { message, code } = error as NodeJS.ErrnoException;
        skip(path, error instanceof FuzzFileError ? message : (code ?? message));
      }
    }
    return entries;
  }

  /** Adds an input. */
  add(c: FuzzCase): void {
    const text = caseText(c);
    const path = join(this.folder, createHash('sha1').update(text).digest('hex').slice(0, NAME_DIGITS) + SUFFIX);
    if (!existsSync(path)) writeFileSync(path, text);
  }

  remove({ path }: CorpusEntry): void {
    rmSync(path, { force: true });
  }
}
