import { FLAG } from '../state/rflags.ts';
import type { Mismatch } from './bench.ts';
import type { Difference } from './differences.ts';
import { type FuzzCase, insnOf } from './steps.ts';

/** What makes two findings one: the instruction, the first field that differs, the fault. */
export interface Signature {
  /** iced's name of the last instruction's encoding. */
  readonly code: string;
  /** `gpr`, `rflags.af`, `xmm`, `memory`, `ending` … */
  readonly field: string;
  /** How the judge ended: `normal`, `#PF`, … */
  readonly fault: string;
}

export const signatureText = ({ code, field, fault }: Signature): string => `${code} ${field} ${fault}`;

const NUMBERED = /^(xmm|ymm|zmm|k|st|r\d+ of the x87)(\d+)/;
const GPR = /^r(ax|bx|cx|dx|si|di|bp|sp|\d+)$/;

const flagsIn = (bits: number): string =>
  Object.entries(FLAG)
    .filter(([, bit]) => bits & bit)
    .map(([name]) => name.toLowerCase())
    .join('+');

/** The class of a field: which register of a file it is says nothing. */
export function fieldClass({ field, got, want }: Difference): string {
  if (field === 'rflags') return `rflags.${flagsIn(Number(BigInt(got) ^ BigInt(want)))}`;
  if (field.startsWith('memory')) return 'memory';
  if (field.endsWith('of the x87')) return 'st';
  if (GPR.test(field)) return 'gpr';
  return NUMBERED.exec(field)?.[1] ?? field;
}

/** The signature of a sequence whose last step is to blame. */
export function signatureOf(c: FuzzCase, { differences }: Mismatch): Signature {
  const last = c.steps.at(-1);
  const insn = last === undefined ? null : insnOf(last);
  const ending = differences.find(({ field }) => field === 'ending');
  return {
    code: insn?.codeName ?? 'INVALID',
    field: fieldClass(differences[0]!),
    fault: ending === undefined ? 'same ending' : `${faultOf(ending.got)} for ${faultOf(ending.want)}`,
  };
}

const faultOf = (ending: string): string => ending.replace(/[( ].*/s, '');
