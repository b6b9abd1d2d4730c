import { hex } from '../../bits/hex.ts';
import { runWindow } from '../../trace/stepping.ts';
import { Watcher } from '../../trace/watcher.ts';
import { prepare } from '../bare/request.ts';
import { stopStatus, stopText } from '../bare/result.ts';
import { limitsOf, loadedGuest, requestOf } from '../bare/run.ts';
import type { TraceOptions } from '../commands/trace.ts';
import { complain } from '../output.ts';
import { TraceWriter, windowOf } from './writer.ts';

/** `swapgs trace --bare BLOB`. Returns the exit status. */
export function traceBare(path: string, options: TraceOptions): number {
  const job = prepare(requestOf(path, options));
  const window = windowOf(options, job.names, path);
  const guest = loadedGuest(job, options);
  const writer = new TraceWriter(options, job.names);
  const { machine } = guest;
  const watcher = new Watcher(machine);
  const stop = guest.run(limitsOf(job, options), (budget) => runWindow(machine, watcher, window, writer.add, budget));
  watcher.flush(writer.add);
  writer.close();
  if (stopStatus(stop) !== 0) complain(`swapgs: ${stopText(stop)}: at ${hex(machine.cpu.rip)}`);
  return stopStatus(stop);
}
