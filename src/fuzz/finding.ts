import { hexBytes } from '../bits/hex.ts';
import { disassemble } from '../decode/text.ts';
import type { Mismatch } from './bench.ts';
import type { Difference } from './differences.ts';
import { explain } from './explain.ts';
import { type CaseFile, FINDING_FORMAT, toFile } from './file.ts';
import { type Signature, signatureText } from './signature.ts';
import { assemble, type FuzzCase, offsetsOf } from './steps.ts';

/** A finding as it is kept: everything that is needed to see it again on any machine. */
export interface Finding {
  readonly format: typeof FINDING_FORMAT;
  readonly signature: Signature;
  readonly oracle: string;
  readonly judge: string;
  /** The host CPU's vendor, where it judged. */
  readonly host: string | null;
  readonly cpl: 0 | 3;
  readonly seed: number;
  readonly run: number;
  readonly differences: readonly Difference[];
  readonly explanation: readonly string[];
  /** The smallest sequence that still differs. */
  readonly case: CaseFile;
  /** The sequence that found it. */
  readonly original: CaseFile;
}

export interface FindingSource {
  readonly seed: number;
  readonly run: number;
  readonly host: string | null;
  readonly cpl: 0 | 3;
}

const MOST_DIFFERENCES = 16;

export function makeFinding(
  small: FuzzCase,
  original: FuzzCase,
  mismatch: Mismatch,
  signature: Signature,
  { seed, run, host, cpl }: FindingSource,
): Finding {
  return {
    format: FINDING_FORMAT,
    signature,
    oracle: mismatch.oracle,
    judge: mismatch.judge,
    host,
    cpl,
    seed,
    run,
    differences: mismatch.differences.slice(0, MOST_DIFFERENCES),
    explanation: explain(small, mismatch),
    case: toFile(small),
    original: toFile(original),
  };
}

/** A name for the finding's files: the signature in letters that every file system takes. */
export const findingName = (signature: Signature): string =>
  signatureText(signature)
    .replace(/[^A-Za-z0-9_]+/g, '-')
    .replace(/-+$/, '');

const TEXT_COLUMN = 48;

/** The sequence for readers, and for an assembler: bytes with their text, and the state as comments. */
export function assemblyText(finding: Finding, c: FuzzCase, replay: string): string {
  const code = assemble(c);
  const offsets = offsetsOf(c.steps);
  const lines = [
    `# ${signatureText(finding.signature)}: ${finding.oracle} differs from ${finding.judge}`,
    ...finding.explanation.map((line) => `#   ${line}`),
    `# replay: ${replay}`,
    '#',
    `# code at ${finding.case.codeAddress}; what is not named is zero, and int3 (0xcc) where code may be`,
  ];
  const { state } = finding.case;
  for (const [name, value] of Object.entries(state.gpr ?? {})) lines.push(`#   ${name.padEnd(7)} ${value}`);
  for (const name of ['rflags', 'fsBase', 'gsBase', 'mxcsr', 'fxsave'] as const)
    if (state[name] !== undefined) lines.push(`#   ${name.padEnd(7)} ${state[name]}`);
  for (const [n, value] of Object.entries(state.xmm ?? {})) lines.push(`#   xmm${n.padEnd(4)} ${value}`);
  for (const [n, value] of Object.entries(state.ymmHigh ?? {})) lines.push(`#   ymm${n} 255:128 ${value}`);
  for (const [name, value] of Object.entries(state.avx512 ?? {})) lines.push(`#   ${name.padEnd(7)} ${value}`);
  for (const { address, bytes } of state.memory ?? []) lines.push(`#   ${address}: ${bytes}`);
  lines.push('', '\t.text', '\t.globl _start', '_start:');
  c.steps.forEach((_, i) => {
    const bytes = code.subarray(offsets[i]!, offsets[i + 1]!);
    const text = disassemble(bytes, c.codeAddress + BigInt(offsets[i]!)).text;
    lines.push(`${`\t.byte 0x${hexBytes(bytes, ',0x')}`.padEnd(TEXT_COLUMN)}# ${text}`);
  });
  lines.push('\tint3', '');
  return lines.join('\n');
}
