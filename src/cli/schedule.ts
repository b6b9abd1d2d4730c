import fs from 'node:fs';
import { Recorder, type Recording, RoundRobin, type Scheduler, Script, Seeded } from '../machine/system/scheduler.ts';
import { CliError } from './errors.ts';
import { fileError, readFile } from './files.ts';

/** What the command line says about who runs when. */
export interface ScheduleOptions {
  readonly seed: number;
  readonly quantum?: number;
  readonly schedule?: string;
  readonly recordSchedule?: string;
}

function readRecording(path: string): Recording {
  try {
    const text = Buffer.from(readFile(path)).toString();
    const { decisions, latencies, slices } = JSON.parse(text) as Record<string, unknown>;
    if (!Array.isArray(decisions) || !Array.isArray(latencies)) throw new SyntaxError();
    return {
      decisions: (decisions as [number, number][]).map(([cpu, instructions]) => ({ cpu, instructions })),
      latencies: latencies as number[],
      slices: Array.isArray(slices) ? (slices as number[]) : [],
    };
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError('no schedule', path, 'give a file that --record-schedule has written');
  }
}

/** Writes what was decided. @throws CliError */
export function writeRecording(path: string, { decisions, latencies, slices }: Recording): void {
  const plain = { decisions: decisions.map(({ cpu, instructions }) => [cpu, instructions]), latencies, slices };
  try {
    fs.writeFileSync(path, `${JSON.stringify(plain)}\n`);
  } catch (error) {
    throw fileError(error, path);
  }
}

/** The schedule that is asked for: a recorded one, a seeded one, or everyone in turn. @throws CliError */
export function recorderOf({ schedule, seed, quantum }: ScheduleOptions): Recorder {
  let scheduler: Scheduler = seed > 0 ? new Seeded(seed, quantum) : new RoundRobin(quantum);
  if (schedule !== undefined) scheduler = new Script(readRecording(schedule));
  return new Recorder(scheduler);
}
