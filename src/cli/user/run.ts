import { milliseconds } from '../../bits/clock.ts';
import type { ProcessEnd } from '../../kernel/end.ts';
import { HostStdio } from '../../kernel/fs/stdio.ts';
import type { GuestMachine } from '../../kernel/guest-machine.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { stateHash } from '../../machine/state-hash.ts';
import type { RunOptions } from '../commands/run.ts';
import { Output } from '../output.ts';
import { Profile } from '../profile/profile.ts';
import { writeRecording } from '../schedule.ts';
import { type ExitCounts, showStats } from '../stats.ts';
import { HostConsole, hasTerminal } from './console.ts';
import { CountingMachine } from './counting.ts';
import { dumpRegions } from './dump.ts';
import { exitStatus } from './end.ts';
import { namesOf } from './names.ts';
import { PeriodicMachine } from './periodic.ts';
import { readProgram, Session } from './session.ts';
import { RecordingStdio } from './stdio.ts';

/** `swapgs run PROGRAM`: runs it with the host's streams and says how it ended. Returns the exit status. */
export async function runUser(path: string, args: readonly string[], options: RunOptions): Promise<number> {
  const program = readProgram(path, args, options);
  const errors = new Output(2);
  const stdio = new RecordingStdio(new HostStdio());
  const { hashEvery, profileEvery } = options;
  const profile = options.profile === undefined ? null : new Profile(options.profile);
  const names = () => namesOf(program.image.bytes, session.bias);
  const exits: ExitCounts = {};
  const watched = (machine: GuestMachine): GuestMachine => {
    let outer = machine;
    if (hashEvery !== undefined) {
      const tell = (icount: number): void => errors.line(`swapgs: hash ${icount} ${stateHash(machine)}`);
      outer = new PeriodicMachine(outer, hashEvery, tell);
    }
    if (profile !== null) outer = new PeriodicMachine(outer, profileEvery, () => profile.sample(machine, names));
    return options.stats === true ? new CountingMachine(outer, exits) : outer;
  };
  const strace = (line: string): void => {
    errors.line(line);
    errors.flush();
  };
  const atTerminal = options.terminal !== false && hasTerminal();
  const host = atTerminal ? new HostConsole() : null;
  if (host !== null) stdio.giveUp();
  const session = new Session(program, {
    stdio,
    wrap: watched,
    ...(options.strace === true ? { strace } : {}),
    ...(host === null ? {} : { console: host }),
  });
  dumpRegions(session.machine, options, names, errors);
  const begun = milliseconds();
  const end = runAt(session, host);
  const elapsed = milliseconds() - begun;
  if (options.recordSchedule !== undefined) writeRecording(options.recordSchedule, session.recorder.recording);
  profile?.end();
  const abnormal = end.kind !== 'exited';
  if (abnormal) {
    const { reportEnd } = await import('./report.ts');
    reportEnd({ session, end, stdio, elapsed }, options.explain === 'oops' ? 'text' : options.explain, errors);
  }
  if (options.stats === true) {
    showStats(session.machine, elapsed, exits, options.json === true, errors, threadCounts(session.kernel));
  }
  errors.flush();
  return exitStatus(end);
}

/** Runs, and gives the host's terminal back before anything else is said. */
function runAt(session: Session, host: HostConsole | null): ProcessEnd {
  try {
    return session.run();
  } finally {
    host?.close();
  }
}

/** What the threads of a run have met, where there was more than one or a registration of rseq(2). */
function threadCounts({ cpus, rseq }: Kernel): Readonly<Record<string, number>> {
  const { notifications, aborts } = rseq.counts;
  if (cpus.switches <= 1 && notifications === 0) return {};
  return { 'put on a CPU': cpus.switches, 'rseq notifications': notifications, 'rseq aborts': aborts };
}
