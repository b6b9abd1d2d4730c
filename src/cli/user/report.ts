import { hex } from '../../bits/hex.ts';
import { explain } from '../../debug/explain.ts';
import { explanationJson, explanationLines } from '../../debug/explain-text.ts';
import { LastFew, type LastSteps, SHOWN_BEFORE } from '../../debug/last.ts';
import type { ProcessEnd } from '../../kernel/end.ts';
import type { Process } from '../../kernel/process.ts';
import { signalName, signalText } from '../../kernel/signals/numbers.ts';
import type { Area } from '../../kernel/vm/areas.ts';
import { PROT } from '../../kernel/vm/flags.ts';
import { TASK_SIZE } from '../../kernel/vm/layout.ts';
import { SteppingMachine } from '../../trace/stepping.ts';
import type { Output } from '../output.ts';
import { endLine } from './end.ts';
import { namesOf } from './names.ts';
import { Session } from './session.ts';
import type { RecordingStdio } from './stdio.ts';

export type ExplainForm = 'text' | 'json' | 'none';

/** A longer run is not repeated just to see its last instructions. */
const LONGEST_REPEATED_MS = 10_000;
/** A repetition is stopped after so many times what the run took, and then some. */
const PATIENCE = 5;
const PATIENCE_MS = 5_000;

/** How a run went, for whoever explains its end. */
export interface Ended {
  readonly session: Session;
  readonly end: ProcessEnd;
  readonly stdio: RecordingStdio;
  /** Milliseconds that it took. */
  readonly elapsed: number;
}

/** Says on stderr how a run ended that did not exit by itself; a fatal exception is explained. */
export function reportEnd(ended: Ended, form: ExplainForm, errors: Output): void {
  const { session, end } = ended;
  const names = namesOf(session.program.image.bytes, session.bias);
  const { cpu, memory } = session.machine;
  if (end.kind === 'killed' && end.fault !== null && form !== 'none') {
    const { fault, signal } = end;
    const found = explain({
      fault,
      memory,
      cpu,
      names,
      signal: { number: signal, name: signalName(signal), text: signalText(signal) },
      mapping: fault.cr2 === null ? null : mappingText(session.kernel.process, fault.cr2),
      last: lastSteps(ended),
      has: session.machine.profile.has,
    });
    if (form === 'json') errors.line(explanationJson(found));
    else for (const [i, line] of explanationLines(found).entries()) errors.line(i === 0 ? `swapgs: ${line}` : line);
    return;
  }
  const rip = cpu.rip;
  const name = names.describe(rip);
  const line = endLine(end, `${hex(rip)}${name === undefined ? '' : ` <${name}>`}`);
  if (line !== null) errors.line(line);
}

/** The last instructions, from a repetition of the run: it is deterministic, so the first one need not be slowed by watching. */
function lastSteps({ session, end, stdio, elapsed }: Ended): LastSteps {
  const { program } = session;
  if (program.options.hostTime) return { unknown: 'with --host-time a run cannot be repeated' };
  if (program.grants.some((grant) => !grant.readOnly)) {
    return { unknown: 'a repetition would write to the granted directory again' };
  }
  if (elapsed > LONGEST_REPEATED_MS) return { unknown: `a run of ${Math.round(elapsed / 1000)} s is not repeated` };
  const replay = stdio.replay();
  if (replay === null) return { unknown: 'the program has read too much input to keep it' };
  const last = new LastFew();
  const { icount, rip } = session.machine.cpu;
  const window = { from: icount - SHOWN_BEFORE + 1, to: Number.POSITIVE_INFINITY, ranges: [] };
  let stepping: SteppingMachine | undefined;
  const again = new Session(program, {
    stdio: replay,
    warn: false,
    timeout: elapsed * PATIENCE + PATIENCE_MS,
    wrap: (machine) => {
      stepping = new SteppingMachine(machine, window, (step) => last.add(step));
      return stepping;
    },
  });
  const repeated = again.run();
  stepping?.finish();
  const { cpu } = again.machine;
  if (repeated.kind !== end.kind || cpu.icount !== icount || cpu.rip !== rip) {
    return { unknown: 'a repetition of the run went another way' };
  }
  return { steps: last.steps };
}

function areaText(area: Area): string {
  const rights = [PROT.READ, PROT.WRITE, PROT.EXEC].map((bit, i) => (area.prot & bit ? 'rwx'[i] : '-')).join('');
  const what = area.backing?.label ?? (area.name || 'anonymous');
  return `${hex(area.start)}-${hex(area.end)} ${rights} ${what}`;
}

/** Which mapping holds an address, or between which ones it lies. */
function mappingText(process: Process | null, address: bigint): string | null {
  if (process === null) return null;
  if (address >= BigInt(TASK_SIZE)) return 'none: the address does not belong to a user process';
  const { areas } = process.space;
  const at = Number(address);
  const area = areas.at(at);
  if (area !== undefined) return areaText(area);
  const before = areas.before(at);
  const next = areas.next(at);
  const around = [before && `below it ${areaText(before)}`, next && `above it ${areaText(next)}`].filter(Boolean);
  return `none; ${around.join(', ')}`;
}
