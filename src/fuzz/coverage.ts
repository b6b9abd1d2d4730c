import { FLAG } from '../state/rflags.ts';
import type { Verdict } from './bench.ts';
import { type FuzzCase, insnOf } from './steps.ts';

/** What a run has shown that another may not have, as numbers: hashes of 32 bits. */
export type Features = readonly number[];

const KIND = { step: 1, pair: 2, ending: 3, flags: 4, path: 5 } as const;
const FLAGS_CLASS = FLAG.CF | FLAG.ZF | FLAG.OF;

function mix(a: number, b: number, c: number, d = 0): number {
  let h =
    Math.imul(a, 0x9e37_79b1) ^
    Math.imul(b + 1, 0x85eb_ca6b) ^
    Math.imul(c + 1, 0xc2b2_ae35) ^
    Math.imul(d + 1, 0x27d4_eb2f);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b_3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

/** A number for the instruction set that an instruction belongs to: the same in every thread. */
function groupOf(name: string): number {
  let hash = 0;
  for (let n = 0; n < name.length; n++) hash = Math.imul(hash, 31) + name.charCodeAt(n);
  return hash >>> 0;
}

/** Bits of a number: 5 and 6 are one bucket, 7 to 15 another. */
const bucket = (n: number): number => 32 - Math.clz32(n);

function endingNumber({ ending }: Verdict): number {
  if (ending.kind !== 'fault') return ending.kind.length;
  const { vector, errorCode } = ending.fault;
  return 0x100 + vector + ((errorCode ?? 0) & 0xff) * 0x200;
}

/**
 * Encodings that ran, and which kinds next to each other; how each ends; what each leaves in the flags; how far the path went.
 */
export function featuresOf(c: FuzzCase, verdict: Verdict): number[] {
  const out: number[] = [];
  const reached = verdict.endStep < 0 ? c.steps.length - 1 : Math.min(verdict.endStep, c.steps.length - 1);
  let before = 0;
  for (let i = 0; i <= reached; i++) {
    const step = c.steps[i]!;
    const insn = insnOf(step);
    if (insn === null) continue;
    const group = groupOf(insn.features[0] ?? '');
    out.push(mix(KIND.step, insn.code, insn.lock ? 1 : 0, insn.repeat === null ? 0 : 1));
    out.push(mix(KIND.pair, group, before));
    before = group + 1;
  }
  const last = c.steps[reached];
  const code = (last && insnOf(last)?.code) ?? 0;
  out.push(mix(KIND.ending, code, endingNumber(verdict)));
  if (verdict.ending.kind === 'normal') out.push(mix(KIND.flags, code, verdict.rflags & FLAGS_CLASS));
  out.push(mix(KIND.path, bucket(code), bucket(verdict.icount), endingNumber(verdict)));
  return out;
}
