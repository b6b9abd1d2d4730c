import fs from 'node:fs';
import { Analyser, type Analysis } from '../../codegen/analyse.ts';
import { againstBaseline, writeBaseline } from '../../codegen/baseline.ts';
import { type Build, functionsOf } from '../../codegen/build.ts';
import { type Comparison, compare, runChanged } from '../../codegen/compare.ts';
import { parseConditions, RUN_DIFFERENT } from '../../codegen/conditions.ts';
import { type Expectation, nearest, parseExpectations } from '../../codegen/expect.ts';
import { listingBuilds } from '../../codegen/inputs/open.ts';
import { STEPS, type Step } from '../../codegen/lines.ts';
import { pair } from '../bare/request.ts';
import { CliError, locate } from '../errors.ts';
import { fileError, readFile } from '../files.ts';
import { Output } from '../output.ts';
import { STATUS } from '../status.ts';
import { painter } from '../style.ts';
import { integer } from '../values.ts';
import { type InputOptions, readBuild } from './inputs.ts';

/** Options of `swapgs diff`. */
export interface DiffOptions extends InputOptions {
  readonly format: 'text' | 'json' | 'md' | 'html' | 'bloat' | 'github';
  readonly json?: boolean;
  readonly function?: readonly string[];
  readonly all?: boolean;
  readonly width?: number;
  readonly failOn?: readonly string[];
  readonly expect?: string;
  readonly baseline?: string;
  readonly updateBaseline?: boolean;
  readonly keep?: readonly string[];
  readonly assume?: readonly string[];
  readonly run?: boolean;
  readonly inputs: number;
  readonly seed: number;
  readonly stub?: readonly string[];
}

const DEFAULT_WIDTH = 120;
const SETTLED = new Set(['identical', 'relocation-only']);
const PROGRESS_AFTER_MS = 2000;

/** Compares what the command line names; the status says whether it differs. */
export async function diffBuilds(oldPath: string, newPath: string | undefined, options: DiffOptions): Promise<number> {
  if (options.updateBaseline === true && options.baseline === undefined) {
    throw new CliError('nothing says which file', '--update-baseline', 'give --baseline FILE too');
  }
  if (options.baseline !== undefined && newPath === undefined) return withBaseline(oldPath, options.baseline, options);
  const [old, fresh] = bothBuilds(oldPath, newPath, options);
  const out = new Output(1);
  const names = options.function?.flatMap((text) => text.split(','));
  const format = options.json === true ? 'json' : options.format;
  const conditions = (options.failOn ?? []).flatMap((text) => locate('--fail-on', () => parseConditions(text)));
  const expectations = expectationsOf(options);
  if (options.run !== true && conditions.some(({ text }) => text === RUN_DIFFERENT)) {
    throw new CliError('nothing is run', `--fail-on ${RUN_DIFFERENT}`, 'give --run too');
  }
  const comparison = locate(newPath ?? oldPath, () =>
    compare(old, fresh, {
      steps: stepsOf(options.keep ?? []),
      assume: { percpuPrivate: options.assume?.includes('percpu-private') ?? false },
      ...(names === undefined ? {} : { select: (name: string) => names.includes(name) }),
      progress: progress(),
    }),
  );
  for (const name of names ?? []) {
    if (!comparison.functions.some((diff) => diff.name === name || diff.new?.fn.name === name)) {
      const all = [...functionsOf(old), ...functionsOf(fresh)].map((fn) => ({ fn }));
      throw new CliError(`no function ${name}${nearest(all, name)}`, newPath ?? oldPath, 'check the name');
    }
  }
  if (options.run === true) {
    const stubs = stubsOf(options.stub ?? []);
    const run = { inputs: options.inputs, seed: options.seed, stubs };
    locate(newPath ?? oldPath, () => runChanged(comparison, run));
  }
  await print(comparison, format, options, names, out);
  const broken: string[] = conditions.flatMap((condition) => {
    const what = condition.broken(comparison);
    return what === null ? [] : [`--fail-on ${condition.text}: ${what}`];
  });
  const after = comparison.functions.flatMap((diff) => (diff.new === null ? [] : [diff.new]));
  broken.push(...unmet(expectations, after, options));
  if (options.baseline !== undefined) broken.push(...judgeBaseline(after, options.baseline, options));
  out.flush();
  const errors = new Output(2);
  for (const line of broken) errors.line(`swapgs: ${line}`);
  errors.flush();
  const judged = conditions.length > 0 || expectations.length > 0 || options.baseline !== undefined;
  const differs = judged ? broken.length > 0 : comparison.functions.some(({ status }) => !SETTLED.has(status));
  return differs ? STATUS.different : STATUS.ok;
}

const expectationsOf = ({ expect }: DiffOptions): Expectation[] =>
  expect === undefined ? [] : locate(expect, () => parseExpectations(textOf(expect)));

const unmet = (
  expectations: readonly Expectation[],
  functions: readonly Analysis[],
  { expect }: DiffOptions,
): string[] =>
  expectations.flatMap((expectation) => {
    const what = expectation.broken(functions);
    return what === null ? [] : [`${expect}:${expectation.line}: ${expectation.text}: ${what}`];
  });

function bothBuilds(oldPath: string, newPath: string | undefined, options: DiffOptions): readonly [Build, Build] {
  const old = readBuild(oldPath, 0, options);
  if (newPath !== undefined) return [old, readBuild(newPath, 1, options)];
  const both = listingBuilds(old);
  if (both === null) throw new CliError('only one build', oldPath, 'give two, or a text with two listings');
  return [both[0]!, both[1]!];
}

function stubsOf(given: readonly string[]): Map<string, bigint> {
  return new Map(
    given.map((text) => {
      const [name, value] = pair(text, '--stub', 'NAME=VALUE');
      const number = integer(value);
      if (number === null) throw new CliError(`'${value}' is no number`, `--stub ${name}`, 'as 42, -1 or 0x1000');
      return [name, BigInt.asUintN(64, number)] as const;
    }),
  );
}

const textOf = (path: string): string => Buffer.from(readFile(path)).toString('utf8');

function stepsOf(kept: readonly string[]): ReadonlySet<Step> {
  const steps = new Set<Step>(STEPS);
  for (const name of kept.flatMap((text) => text.split(','))) {
    if (!(STEPS as readonly string[]).includes(name)) {
      throw new CliError(`no step ${name}`, '--keep', `there are ${STEPS.join(', ')}`);
    }
    steps.delete(name as Step);
  }
  return steps;
}

/** Says on a terminal how far it is, once it takes long. */
function progress(): (share: number) => void {
  if (!process.stderr.isTTY) return () => {};
  const start = performance.now();
  return (share) => {
    if (performance.now() - start > PROGRESS_AFTER_MS) process.stderr.write(`\r${Math.round(share * 100)} % `);
    if (share >= 1) process.stderr.write('\r');
  };
}

async function print(
  comparison: Comparison,
  format: DiffOptions['format'],
  options: DiffOptions,
  names: readonly string[] | undefined,
  out: Output,
): Promise<void> {
  switch (format) {
    case 'text': {
      const { textReport } = await import('../../codegen/report/text.ts');
      const width = options.width ?? process.stdout.columns ?? DEFAULT_WIDTH;
      const look = {
        width,
        paint: painter(1),
        ...(names === undefined ? {} : { functions: new Set(names) }),
        ...(options.all === true ? { all: true } : {}),
      };
      for (const line of textReport(comparison, look)) out.line(line);
      break;
    }
    case 'json':
      for (const piece of (await import('../../codegen/report/json.ts')).jsonReport(comparison)) out.write(piece);
      break;
    case 'md':
      for (const line of (await import('../../codegen/report/markdown.ts')).markdownReport(comparison)) out.line(line);
      break;
    case 'github':
      for (const line of (await import('../../codegen/report/markdown.ts')).githubReport(comparison)) out.line(line);
      break;
    case 'html':
      for (const line of (await import('../../codegen/report/html.ts')).htmlReport(comparison)) out.line(line);
      break;
    case 'bloat':
      out.write((await import('../../codegen/report/bloat.ts')).bloatReport(comparison.old, comparison.new));
      break;
  }
}

/** One build against a baseline and expectations alone. */
function withBaseline(path: string, baseline: string, options: DiffOptions): number {
  for (const [given, name] of [
    [options.failOn, '--fail-on'],
    [options.run, '--run'],
  ] as const) {
    if (given !== undefined) throw new CliError('only one build', name, 'give two');
  }
  const expectations = expectationsOf(options);
  const build = readBuild(path, 0, options);
  const analyser = new Analyser({ percpuPrivate: options.assume?.includes('percpu-private') ?? false });
  const functions = functionsOf(build).map((fn) => analyser.analyse(fn));
  const broken = [...judgeBaseline(functions, baseline, options), ...unmet(expectations, functions, options)];
  const out = new Output(1);
  for (const line of broken) out.line(line);
  out.flush();
  return broken.length > 0 ? STATUS.different : STATUS.ok;
}

function judgeBaseline(functions: readonly Analysis[], path: string, { updateBaseline }: DiffOptions): string[] {
  if (updateBaseline !== true) return locate(path, () => againstBaseline(textOf(path), functions));
  try {
    fs.writeFileSync(path, writeBaseline(functions));
  } catch (error) {
    throw fileError(error, path);
  }
  return [];
}
