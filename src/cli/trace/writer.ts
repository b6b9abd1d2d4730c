import fs from 'node:fs';
import { symbolRange, type Window } from '../../trace/filter.ts';
import type { Names } from '../../trace/names.ts';
import { stepJson, stepLine } from '../../trace/text.ts';
import type { Step } from '../../trace/watcher.ts';
import type { TraceOptions } from '../commands/trace.ts';
import { CliError } from '../errors.ts';
import { fileError } from '../files.ts';
import { Output } from '../output.ts';
import { parseRange } from '../values.ts';

/** @throws CliError for a function that there is not */
export function windowOf(options: TraceOptions, names: Names, path: string): Window {
  const all = names.symbols.symbols;
  const functions = (options.symbol ?? []).map((name) => {
    const symbol = names.symbols.named(name);
    if (symbol === undefined) {
      throw new CliError(`no function ${name}`, path, 'the file may have been stripped; give --range');
    }
    return symbolRange(symbol, all);
  });
  const from = options.from ?? 1;
  const to = options.to ?? Number.POSITIVE_INFINITY;
  if (from > to) throw new CliError(`--from ${from} comes after --to ${to}`, 'swapgs trace', 'exchange them');
  return {
    from,
    to,
    ranges: [...functions, ...(options.range === undefined ? [] : [parseRange(options.range)])],
  };
}

/** Writes the instructions that pass to standard output or a file. */
export class TraceWriter {
  readonly #options: TraceOptions;
  readonly #names: Names;
  readonly #out: Output;
  readonly #fd: number;

  constructor(options: TraceOptions, names: Names) {
    this.#options = options;
    this.#names = names;
    this.#fd = options.output === undefined ? 1 : open(options.output);
    this.#out = new Output(this.#fd);
  }

  readonly add = (step: Step): void => {
    this.#out.line(this.#options.json === true ? stepJson(step, this.#names) : stepLine(step, this.#names));
  };

  /** Writes what waits, so that it stands before what others write to the same place. */
  flush(): void {
    this.#out.flush();
  }

  close(): void {
    this.#out.flush();
    if (this.#fd !== 1) fs.closeSync(this.#fd);
  }
}

function open(path: string): number {
  try {
    return fs.openSync(path, 'w');
  } catch (error) {
    throw fileError(error, path);
  }
}
