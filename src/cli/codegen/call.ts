import { functionsOf } from '../../codegen/build.ts';
import { nearest } from '../../codegen/expect.ts';
import { argumentsOf } from '../../codegen/run/arguments.ts';
import { Caller } from '../../codegen/run/call.ts';
import { CodeImage, findFunction } from '../../codegen/run/image.ts';
import { Externals, FS_BASE, GS_BASE } from '../../codegen/run/layout.ts';
import { putBytes } from '../../codegen/run/memory.ts';
import { callJson, callText } from '../../codegen/run/report.ts';
import type { Signature } from '../../elf/dwarf/debug-info.ts';
import { bytesOf, pair } from '../bare/request.ts';
import { CliError, locate } from '../errors.ts';
import { Output } from '../output.ts';
import { STATUS } from '../status.ts';
import { integer } from '../values.ts';
import { type InputOptions, readBuild } from './inputs.ts';

/** Options of `swapgs call`. */
export interface CallOptions extends InputOptions {
  readonly arg?: readonly string[];
  readonly reg?: readonly string[];
  readonly mem?: readonly string[];
  readonly gs?: bigint;
  readonly fs?: bigint;
  readonly stub?: readonly string[];
  readonly seed: number;
  readonly zero?: boolean;
  readonly maxInsns?: number;
  readonly json?: boolean;
}

/** Runs one function and prints what it has done. */
export async function callFunction(path: string, name: string, options: CallOptions): Promise<number> {
  const build = readBuild(path, 0, options);
  const hint = nearest(
    functionsOf(build).map((fn) => ({ fn })),
    name,
  );
  const fn = locate(path, () => findFunction(build.units, name, hint));
  const externals = new Externals();
  const image = new CodeImage(fn.unit, externals);
  const number = (text: string, option: string): bigint => {
    const segment = /^%([fg])s:(.*)$/.exec(text);
    const base = segment === null ? 0n : segment[1] === 'g' ? (options.gs ?? GS_BASE) : (options.fs ?? FS_BASE);
    const plain = segment === null ? text : segment[2]!;
    const offset = integer(plain) ?? image.addressOfName(plain);
    const value = offset === null ? null : base + offset;
    if (value === null)
      throw new CliError(`'${text}' is no number`, option, 'as 42, -1, 0x1000, a symbol or %gs:symbol');
    return BigInt.asUintN(64, value);
  };
  const pairs = (list: readonly string[] | undefined, option: string): (readonly [string, bigint])[] =>
    (list ?? []).map((text) => {
      const [key, value] = pair(text, option, 'NAME=VALUE');
      return [key, number(value, `${option} ${key}`)] as const;
    });
  const told = new Set<string>();
  const tellNotes = (): void => {
    for (const note of fn.unit.debugNotes ?? []) {
      if (!told.has(note)) process.stderr.write(`swapgs: ${path}: ${note}\n`);
      told.add(note);
    }
  };
  const signature = fn.unit.signatureOf?.(fn) ?? null;
  tellNotes();
  const typed = locate('--arg', () => argumentsOf(signature, options.arg ?? [], (text) => number(text, '--arg')));
  const outcome = locate('--reg', () =>
    new Caller(image, externals).call(
      image.addressOf(fn),
      {
        args: typed.args,
        memory: {
          seed: options.zero === true ? null : options.seed,
          words: new Map([...typed.words, ...wordsOf(options.mem ?? [], number)]),
          constants: [],
        },
        ...(options.gs === undefined ? {} : { gsBase: options.gs }),
        ...(options.fs === undefined ? {} : { fsBase: options.fs }),
        registers: [...typed.registers, ...pairs(options.reg, '--reg')],
      },
      {
        stubs: new Map(pairs(options.stub, '--stub')),
        ...(options.maxInsns === undefined ? {} : { instructions: options.maxInsns }),
      },
    ),
  );
  const out = new Output(1);
  if (options.json === true) out.line(JSON.stringify(callJson(image, name, outcome, typed.call)));
  else {
    const declared = (callee: string): Signature | null => fn.unit.declarationOf?.(fn, callee) ?? null;
    for (const line of callText(image, name, outcome, typed.call, declared)) out.line(line);
  }
  out.flush();
  tellNotes();
  switch (outcome.end.reason) {
    case 'return':
    case 'left':
      return STATUS.ok;
    case 'fault':
      return STATUS.fault;
    case 'limit':
      return STATUS.limit;
  }
}

/** Given memory as aligned words; bytes of a word that are not given are zero. */
function wordsOf(given: readonly string[], number: (text: string, option: string) => bigint): Map<bigint, bigint> {
  const words = new Map<bigint, bigint>();
  for (const text of given) {
    const [where, content] = pair(text, '--mem', 'ADDR=HEX or ADDR=@FILE');
    putBytes(words, number(where, '--mem'), bytesOf(content, '--mem'));
  }
  return words;
}
