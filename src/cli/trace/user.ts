import { hex } from '../../bits/hex.ts';
import { HostStdio } from '../../kernel/fs/stdio.ts';
import { PIE_BASE, pageDown } from '../../kernel/vm/layout.ts';
import { SteppingMachine } from '../../trace/stepping.ts';
import type { TraceOptions } from '../commands/trace.ts';
import { complain } from '../output.ts';
import { endLine, exitStatus } from '../user/end.ts';
import { namesOf } from '../user/names.ts';
import { type Program, readProgram, Session } from '../user/session.ts';
import { DivertedStdio } from '../user/stdio.ts';
import { TraceWriter, windowOf } from './writer.ts';

/** Where the kernel stub will put the image: known before the run, since nothing is random. */
function bias({ image }: Program): bigint {
  return image.pie ? BigInt(PIE_BASE) - BigInt(pageDown(Number(image.segments[0]!.address))) : 0n;
}

/** `swapgs trace PROGRAM`. Returns the exit status. */
export function traceUser(path: string, args: readonly string[], options: TraceOptions): number {
  const program = readProgram(path, args, options);
  const names = namesOf(program.image.bytes, bias(program));
  const window = windowOf(options, names, path);
  const writer = new TraceWriter(options, names);
  const stdio = new HostStdio();
  let stepping: SteppingMachine | undefined;
  const session = new Session(program, {
    stdio: options.output === undefined ? new DivertedStdio(stdio) : stdio,
    wrap: (machine) => {
      stepping = new SteppingMachine(machine, window, writer.add);
      return stepping;
    },
  });
  const end = session.run();
  stepping?.finish();
  writer.close();
  const rip = session.machine.cpu.rip;
  const name = names.describe(rip);
  const line = endLine(end, `${hex(rip)}${name === undefined ? '' : ` <${name}>`}`);
  if (line !== null) complain(line);
  return exitStatus(end);
}
