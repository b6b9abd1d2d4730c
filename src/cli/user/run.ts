import type { RunOptions } from '../commands/run.ts';
import { Output } from '../output.ts';
import { statsLine } from '../stats.ts';
import { exitStatus } from './end.ts';
import { HashingMachine } from './hashing.ts';
import { hostStdio, readProgram, Session } from './session.ts';
import { RecordingStdio } from './stdio.ts';

/** `swapgs run PROGRAM`: runs it with the host's streams and says how it ended. Returns the exit status. */
export async function runUser(path: string, args: readonly string[], options: RunOptions): Promise<number> {
  const program = readProgram(path, args, options);
  const errors = new Output(2);
  const start = performance.now();
  const stdio = new RecordingStdio(hostStdio(options.timeout === undefined ? null : start + options.timeout));
  const strace = options.strace === true;
  const { hashEvery } = options;
  const session = new Session(program, {
    stdio,
    ...(strace
      ? {
          strace: (line: string) => {
            errors.line(line);
            errors.flush();
          },
        }
      : {}),
    ...(hashEvery === undefined
      ? {}
      : {
          wrap: (machine) =>
            new HashingMachine(machine, hashEvery, (icount, hash) => errors.line(`swapgs: hash ${icount} ${hash}`)),
        }),
  });
  const begun = performance.now();
  const end = session.run();
  const elapsed = performance.now() - begun;
  const abnormal = end.kind !== 'exited';
  if (abnormal) {
    const { reportEnd } = await import('./report.ts');
    reportEnd({ session, end, stdio, elapsed }, options.explain, errors);
  }
  if (options.stats === true) errors.line(statsLine(session.machine.cpu.icount, elapsed));
  errors.flush();
  return exitStatus(end);
}
