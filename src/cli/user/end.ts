import { describeEnd, type ProcessEnd } from '../../kernel/end.ts';
import { STATUS } from '../status.ts';

const SIGPIPE = 13;

/** The exit status for an ending. */
export function exitStatus(end: ProcessEnd): number {
  switch (end.kind) {
    case 'exited':
      return end.status;
    case 'killed':
      return STATUS.signal + end.signal;
    case 'unimplemented':
      return STATUS.unimplemented;
    case 'instruction limit':
    case 'time limit':
    case 'out of memory':
    case 'deadlock':
      return STATUS.limit;
  }
}

/** How to go on from an ending, or an empty text. */
const MEND: Readonly<Partial<Record<ProcessEnd['kind'], string>>> = {
  'instruction limit': 'raise --max-insns',
  'time limit': 'raise --timeout',
  'out of memory': 'raise --memory',
};

/** The line about an ending; null where the status says it all. */
export function endLine(end: ProcessEnd, where: string): string | null {
  if (end.kind === 'exited' || (end.kind === 'killed' && end.signal === SIGPIPE)) return null;
  const mend = MEND[end.kind];
  return `swapgs: ${describeEnd(end)}${where === '' ? '' : `: at ${where}`}${mend === undefined ? '' : `: ${mend}`}`;
}
