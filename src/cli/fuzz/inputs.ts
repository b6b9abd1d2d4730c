import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Corpus, type CorpusEntry } from '../../fuzz/corpus.ts';
import { FuzzFileError } from '../../fuzz/file.ts';
import type { FuzzCase } from '../../fuzz/steps.ts';
import { CliError } from '../errors.ts';
import { fileError, fileReason } from '../files.ts';
import { complain } from '../output.ts';

/** Directories of inputs and findings, as the command line names them: what is wrong with one is told before anything runs. */

const named = (folder: string, option: string): string => {
  if (folder === '') throw new CliError('no directory given', option, 'give a path');
  return folder;
};

/** @throws CliError */
export function openCorpus(folder: string, option: '--corpus' | '--merge', mustExist: boolean): Corpus {
  if (mustExist && !existsSync(named(folder, option)))
    throw new CliError('no such directory', folder, 'check the path');
  try {
    return new Corpus(named(folder, option));
  } catch (error) {
    throw error instanceof CliError ? error : fileError(error, folder);
  }
}

/** Every input of a corpus; what is none is named and left out. @throws CliError */
export function readCorpus(corpus: Corpus): CorpusEntry[] {
  try {
    return corpus.read((path, error) => {
      const why = error instanceof FuzzFileError ? error.message : fileReason(error)[0];
      complain(`swapgs: ${why}: ${path}: left out`);
    });
  } catch (error) {
    throw fileError(error, corpus.folder);
  }
}

/** Whether findings may be written there, as far as it can be known before there are any. @throws CliError */
export function checkFindings(folder: string): void {
  let there = named(folder, '--findings');
  try {
    while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
    if (!statSync(there).isDirectory()) throw new CliError('is not a directory', there, 'give another --findings');
    accessSync(there, constants.W_OK);
  } catch (error) {
    throw error instanceof CliError ? error : new CliError(fileReason(error)[0], there, 'give another --findings');
  }
}

/** Adds inputs to a corpus as long as there is room for them; the campaign goes on where there is none. */
export class Keeper {
  readonly #corpus: Corpus;
  #added = 0;
  #refused = 0;

  constructor(corpus: Corpus) {
    this.#corpus = corpus;
  }

  get added(): number {
    return this.#added;
  }

  /** Inputs that could not be written. */
  get refused(): number {
    return this.#refused;
  }

  add(c: FuzzCase): void {
    try {
      this.#corpus.add(c);
      this.#added++;
    } catch (error) {
      if (this.#refused++ > 0) return;
      complain(`swapgs: ${fileReason(error)[0]}: ${this.#corpus.folder}: inputs are not kept from here on`);
    }
  }
}
