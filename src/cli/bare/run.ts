import { milliseconds } from '../../bits/clock.ts';
import { hex } from '../../bits/hex.ts';
import { LastFew, type LastSteps, SHOWN_BEFORE } from '../../debug/last.ts';
import { BareGuest, type BareLimits, type BareStop } from '../../machine/bare.ts';
import { runWindow } from '../../trace/stepping.ts';
import { Watcher } from '../../trace/watcher.ts';
import type { RunOptions } from '../commands/run.ts';
import { CliError } from '../errors.ts';
import { readFile } from '../files.ts';
import type { BareOptions } from '../options.ts';
import { Output } from '../output.ts';
import { Profile } from '../profile/profile.ts';
import { countingExits, type ExitCounts, showStats } from '../stats.ts';
import { PeriodicMachine } from '../user/periodic.ts';
import { type BareJob, type BareRequest, bytesOf, loadError, pair, prepare, symOptions } from './request.ts';
import { dumpLines, stateLines, stateValues, stopStatus, stopText } from './result.ts';

/** The command line as a request. */
export function requestOf(path: string, options: BareOptions & { readonly dump?: readonly string[] }): BareRequest {
  return {
    source: path,
    code: readFile(path),
    base: options.base,
    entry: options.entry,
    cpl: options.cpl,
    map: options.map ?? [],
    registers: (options.reg ?? []).map((text) => pair(text, '--reg', 'NAME=VALUE')),
    contents: (options.mem ?? []).map((text) => {
      const [address, bytes] = pair(text, '--mem', 'ADDR=@FILE or ADDR=HEX');
      return { address, bytes: bytesOf(bytes, `--mem ${address}`) };
    }),
    until: options.until,
    dump: options.dump ?? [],
    names: symOptions(options.sym ?? []),
  };
}

/** @throws CliError when the host has no room for its memory */
export function makeGuest(options: BareOptions): BareGuest {
  try {
    return new BareGuest({ memory: options.memory, engine: options.engine, cpu: options.cpu, seed: options.seed });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CliError('the host has no room for the guest’s memory', '--memory', 'give less');
  }
}

/** A guest with the job loaded. */
export function loadedGuest(job: BareJob, options: BareOptions): BareGuest {
  const guest = makeGuest(options);
  try {
    guest.load(job.program);
  } catch (error) {
    throw loadError(error);
  }
  return guest;
}

export function limitsOf(job: BareJob, options: BareOptions): BareLimits {
  return {
    ...(job.until === null ? {} : { until: job.until }),
    ...(options.maxInsns === undefined ? {} : { instructions: options.maxInsns }),
    ...(options.timeout === undefined ? {} : { milliseconds: options.timeout }),
  };
}

/** `swapgs run --bare`: runs it, shows what was asked for, and says on stderr why it stopped early. Returns the status. */
export async function runBare(path: string, options: RunOptions): Promise<number> {
  const job = prepare(requestOf(path, options));
  const guest = loadedGuest(job, options);
  const { machine } = guest;
  const profile = options.profile === undefined ? null : new Profile(options.profile);
  const sampled =
    profile === null
      ? machine
      : new PeriodicMachine(machine, options.profileEvery, () => profile.sample(machine, () => job.names));
  const exits: ExitCounts = {};
  const start = milliseconds();
  const stop = guest.run(
    limitsOf(job, options),
    countingExits(exits, (budget) => sampled.run(budget)),
  );
  const elapsed = milliseconds() - start;
  profile?.end();
  const out = new Output(1);
  if (options.json === true || options.state === 'json') out.line(JSON.stringify(stateValues(guest, stop, job.dumps)));
  else
    for (const line of options.state === 'none' ? dumpLines(guest, job.dumps) : stateLines(guest, stop, job.dumps))
      out.line(line);
  out.flush();
  const errors = new Output(2);
  await reportStop(guest, stop, job, options, errors);
  if (options.stats === true) showStats(machine, elapsed, exits, options.json === true, errors);
  errors.flush();
  return stopStatus(stop);
}

/** Says why a bare guest stopped, unless it stopped as it should. */
export async function reportStop(
  guest: BareGuest,
  stop: BareStop,
  job: BareJob,
  options: RunOptions,
  errors: Output,
): Promise<void> {
  if (stopStatus(stop) === 0) return;
  const { cpu, memory, profile } = guest.machine;
  if (stop.reason === 'fault' && options.explain !== 'none') {
    const { explain } = await import('../../debug/explain.ts');
    if (options.explain === 'oops') {
      const { printOops } = await import('../oops/print.ts');
      return printOops({ fault: stop.fault, memory, cpu, names: job.names }, options.oopsInfo, errors);
    }
    const { explanationJson, explanationLines } = await import('../../debug/explain-text.ts');
    const last = lastSteps(guest, job, options);
    const found = explain({
      fault: stop.fault,
      memory,
      cpu,
      names: job.names,
      signal: null,
      mapping: null,
      last,
      has: profile.has,
    });
    if (options.explain === 'json') errors.line(explanationJson(found));
    else for (const [i, line] of explanationLines(found).entries()) errors.line(i === 0 ? `swapgs: ${line}` : line);
    return;
  }
  const name = job.names.describe(cpu.rip);
  errors.line(`swapgs: ${stopText(stop)}: at ${hex(cpu.rip)}${name === undefined ? '' : ` <${name}>`}`);
}

/** The last instructions, from a second run on a second machine. */
function lastSteps(first: BareGuest, job: BareJob, options: RunOptions): LastSteps {
  const { icount, rip } = first.machine.cpu;
  const last = new LastFew();
  const guest = loadedGuest(job, options);
  const { machine } = guest;
  const watcher = new Watcher(machine);
  const window = { from: icount - SHOWN_BEFORE + 1, to: Number.POSITIVE_INFINITY, ranges: [] };
  guest.run({ ...limitsOf(job, options), instructions: icount + 1 }, (budget) =>
    runWindow(machine, watcher, window, (step) => last.add(step), budget),
  );
  const same = machine.cpu.icount === icount && machine.cpu.rip === rip;
  return same ? { steps: last.steps } : { unknown: 'a repetition of the run went another way' };
}
