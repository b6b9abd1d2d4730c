import { milliseconds } from '../../bits/clock.ts';
import { hex, hexBytes } from '../../bits/hex.ts';
import { registerLines } from '../../debug/registers.ts';
import { whereabouts } from '../../debug/whereabouts.ts';
import { type Fault, faultText } from '../../exec/exit.ts';
import { loadMultiboot } from '../../machine/system/multiboot.ts';
import { MOST_CPUS, System, type SystemOptions, type SystemStop } from '../../machine/system/system.ts';
import { Names } from '../../trace/names.ts';
import { CliError, locate } from '../errors.ts';
import { readFile } from '../files.ts';
import type { Detector, GuestOptions, SystemOptions as SystemFlags } from '../options.ts';
import { Output } from '../output.ts';
import { recorderOf, writeRecording } from '../schedule.ts';
import { STATUS } from '../status.ts';
import { startTrace } from '../tracing/record.ts';
import { namesOf } from '../user/names.ts';
import { watchingPages } from './freed-pages.ts';
import { Oopses } from './oopses.ts';
import { checkPlans, SpeculationReport, speculationPlan } from './speculate.ts';
import { StaleReport } from './stale.ts';

/** Options of a run of a kernel. */
export interface SystemRun extends GuestOptions, SystemFlags {
  readonly stats?: boolean;
  readonly explain?: 'text' | 'json' | 'oops' | 'none';
  readonly oopsInfo?: string;
}

/** Whether the command line asks for a machine with devices instead of one bare CPU. */
export const wantsSystem = (options: SystemRun): boolean =>
  options.multiboot === true ||
  options.append !== undefined ||
  options.module !== undefined ||
  options.cpus !== undefined;

const NEWLINE = 10;
const LONGEST_LINE = 4096;

/** Bytes of the serial port as text on standard output, line by line. */
class SerialText {
  readonly #out: Output;
  #bytes: number[] = [];

  constructor(out: Output) {
    this.#out = out;
  }

  readonly send = (byte: number): void => {
    this.#bytes.push(byte);
    if (byte === NEWLINE || this.#bytes.length >= LONGEST_LINE) this.flush();
  };

  flush(): void {
    this.#out.write(Buffer.from(this.#bytes).toString('utf8'));
    this.#out.flush();
    this.#bytes = [];
  }
}

/** @throws CliError when the host has no room for its memory */
function makeSystem(options: SystemOptions): System {
  try {
    return new System(options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CliError('the host has no room for the guest’s memory', '--memory', 'give less');
  }
}

/** `swapgs run --bare --multiboot`: boots it. The status is the guest's own where it ends by the debug-exit port. */
export function runSystem(path: string, options: SystemRun): number {
  const file = readFile(path);
  const serial = new SerialText(new Output(1));
  const recorder = recorderOf(options);
  const { memory, engine, cpus = 1 } = options;
  if (cpus > MOST_CPUS) throw new CliError(`${cpus} are too many CPUs`, '--cpus', `give 1 to ${MOST_CPUS}`);
  const names = file[0] === 0x7f ? namesOf(file, 0n) : new Names();
  const stale = new StaleReport(names);
  const tracing = options.traceEvents === undefined ? null : startTrace(options, cpus, names);
  const plans = (options.speculate ?? []).map((text) => speculationPlan(text, cpus, names));
  checkPlans(plans);
  const speculated = new SpeculationReport(names, options.speculate ?? []);
  const oops = options.explain === 'oops' ? new Oopses(names, options.oopsInfo) : null;
  const exception = (fault: Fault, cpu: number): void => {
    if (detects('late-store')) stale.lateStore(system.machine, cpu);
    oops?.exception(system.machine, fault, cpu);
  };
  const detects = (what: Detector): boolean => options.detect?.includes(what) === true;
  const traced = tracing?.sink(() => system.machine.memory) ?? null;
  const sink = detects('freed-table') ? watchingPages(traced, () => system.machine.mmu) : traced;
  const system: System = makeSystem({
    memory,
    engine,
    cpu: options.cpu,
    cpus,
    scheduler: recorder,
    serial: serial.send,
    ...(options.icache === 'explicit' ? { icache: { seed: options.seed, report: stale.add } } : {}),
    strayApicWrite: stale.stray,
    ...(detects('stale-tlb') ? { staleUse: stale.use } : {}),
    ...(detects('freed-table') ? { freedWalk: stale.freed } : {}),
    ...(plans.length === 0 ? {} : { speculation: { plans, seed: options.seed, report: speculated.add } }),
    ...(detects('late-store') || oops !== null ? { exception } : {}),
    ...(sink === null ? {} : { trace: sink }),
  });
  const modules = (options.module ?? []).map((text) => {
    const name = text.split(' ', 1)[0]!;
    return { bytes: readFile(name), commandLine: text };
  });
  const commandLine = options.append === undefined ? path : `${path} ${options.append}`;
  const { entry, eax, ebx } = locate(path, () => loadMultiboot(system.machine.memory, file, { commandLine, modules }));
  system.start(entry, eax, ebx);
  const start = milliseconds();
  const stop = locate(options.schedule ?? '--schedule', () =>
    system.run({
      ...(options.maxInsns === undefined ? {} : { instructions: options.maxInsns }),
      ...(options.timeout === undefined ? {} : { milliseconds: options.timeout }),
    }),
  );
  const elapsed = (milliseconds() - start) / 1000;
  serial.flush();
  if (options.recordSchedule !== undefined) writeRecording(options.recordSchedule, recorder.recording);
  const errors = new Output(2);
  tracing?.close();
  for (const line of [...speculated.lines(), ...stale.lines()]) errors.line(line);
  for (const line of stopLines(system, stop, names)) errors.line(line);
  if (options.stats === true) {
    const done = system.vcpus.reduce((sum, { id }) => sum + system.count(id), 0);
    errors.line(`swapgs: ${done} instructions, ${elapsed.toFixed(3)} s, ${(done / elapsed / 1e6).toFixed(1)} MIPS`);
    errors.line(`swapgs: hash ${system.hash()}`);
  }
  errors.flush();
  return stopStatus(stop);
}

function stopStatus(stop: SystemStop): number {
  switch (stop.reason) {
    case 'exit':
      return stop.status;
    case 'reset':
      return STATUS.ok;
    case 'max-insns':
    case 'timeout':
    case 'deadlock':
    case 'idle':
      return STATUS.limit;
    case 'shutdown':
    case 'fault':
      return STATUS.fault;
    case 'unimplemented':
      return STATUS.unimplemented;
  }
}

const SENTENCES: Readonly<Partial<Record<SystemStop['reason'], string>>> = {
  'max-insns': 'the limit of instructions is reached',
  timeout: 'the time is up',
  deadlock: 'deadlock: every CPU is halted with its interrupts off',
  idle: 'every CPU is halted, and nothing is under way that could wake one',
};

/** Why it stopped, and where every CPU stands. */
function stopLines(system: System, stop: SystemStop, names: Names): string[] {
  if (stop.reason === 'exit' || stop.reason === 'reset') return [];
  const at = (rip: bigint): string => {
    const name = names.describe(rip);
    return `${hex(rip)}${name === undefined ? '' : ` <${name}>`}`;
  };
  const { cpu } = system.machine;
  const where = 'cpu' in stop ? ` on CPU ${stop.cpu}: at ${at(cpu.rip)}` : '';
  let what = SENTENCES[stop.reason] ?? stop.reason;
  if (stop.reason === 'unimplemented') what = `not implemented: ${stop.mnemonic} (${hexBytes(stop.bytes)})`;
  else if (stop.reason === 'fault') what = `${faultText(stop.fault)} without an IDT that could take it`;
  else if (stop.reason === 'shutdown') what = `triple fault (${stop.faults.map(faultText).join(', ')})`;
  const told = stop.reason === 'fault' || stop.reason === 'shutdown' ? whereabouts(system.machine.memory, cpu) : [];
  const lines = [`swapgs: ${[what + where, ...told].join('; ')}`];
  if ('cpu' in stop) lines.push(...registerLines(cpu));
  for (const { id, activity, rip } of system.places()) lines.push(`  CPU ${id}: ${activity} at ${at(rip)}`);
  return lines;
}
