import type { Insn } from '../decode/insn.ts';
import { disassemble } from '../decode/text.ts';
import { usageOf } from '../decode/usage.ts';
import { FLAG } from '../state/rflags.ts';
import type { Mismatch } from './bench.ts';
import type { Difference } from './differences.ts';
import { fieldClass } from './signature.ts';
import { assemble, type FuzzCase, insnOf, offsetsOf } from './steps.ts';

/** Where the manual says what a field must hold: the first row whose pattern fits. */
// biome-ignore format: one row per field
const CLAUSES: readonly (readonly [field: RegExp, mnemonic: RegExp, clause: string])[] = [
  [/^rflags/, /^(sh|sa|ro|rc)[lr]/, 'SDM 2B SHL/ROL, «Flags Affected»: counts are masked to 5 or 6 bits, a count of 0 leaves the flags alone'],
  [/^rflags/, /^v?u?comis/, 'SDM 2 COMISS: ZF, PF, CF say the relation, OF, SF, AF are cleared'],
  [/^rflags/, /./, 'SDM 1 3.4.3.1 and the instruction’s «Flags Affected»; SDM 1 appendix A.1 lists all of them'],
  [/^ending/, /./, 'SDM 3A 6.15 for the exception, 6.9 for which of several comes first'],
  [/^rip/, /./, 'SDM 3A 6.5: a fault leaves RIP at the instruction, a trap behind it'],
  [/^mxcsr/, /^evex/, 'SDM 1 15.6.4: embedded rounding reports nothing; else as SDM 1 11.5.2 and 11.5.3 have it'],
  [/^mxcsr/, /./, 'SDM 1 11.5.2 and 11.5.3: the flags are sticky, unmasked exceptions set them too'],
  [/^f(cw|sw|tw)/, /./, 'SDM 1 8.1.3 to 8.1.7: control, status and tag word'],
  [/^f(op|ip|dp)/, /./, 'SDM 1 8.1.8 and 8.1.9: pointers and opcode of the last instruction'],
  [/^(st|r\d)/, /./, 'SDM 1 8.3 to 8.5: results, NaNs, masked responses'],
  [/^k$/, /./, 'SDM 1 15.6.1: a comparison writes zeros for lanes that its mask leaves out, and above the last lane'],
  [/^([xyz]mm)/, /^evex/, 'SDM 1 15.6.1 and 15.6.3: masked lanes stay or become zeros, what lies above the vector length is cleared'],
  [/^([xyz]mm)/, /^v/, 'SDM 1 14.1 and the instruction’s «Operation»: VEX forms clear what lies above the destination'],
  [/^([xyz]mm)/, /./, 'the instruction’s «Operation»; SDM 1 11.5 for roundings and NaNs; legacy forms leave bits above 127 alone'],
  [/^gpr|^r/, /^(movs|cmps|stos|lods|scas)$/, 'SDM 1 7.3.9 and SDM 2B REP: registers are updated element by element'],
  [/^gpr|^r/, /./, 'the instruction’s «Operation»; SDM 1 3.4.1.1: 32-bit results clear bits 63:32, 8- and 16-bit ones merge'],
  [/^memory/, /./, 'the instruction’s «Operation»; SDM 3A 6.5: a faulting instruction has stored nothing'],
  [/^instructions/, /./, 'how many instructions have retired: no matter of the manual, but engines must agree'],
];

/** The clause of the manual for a field of an instruction, or null. */
export function clauseOf(field: string, mnemonic: string): string | null {
  return CLAUSES.find(([f, m]) => f.test(field) && m.test(mnemonic))?.[2] ?? null;
}

const flagNames = (bits: number): string =>
  Object.entries(FLAG)
    .filter(([, bit]) => bits & bit)
    .map(([name]) => name)
    .join(' ') || 'none';

function differenceLine(difference: Difference, { oracle, judge }: Mismatch): string {
  const { field, got, want } = difference;
  if (field !== 'rflags') return `${field}: ${oracle} ${got}, ${judge} ${want}`;
  const bits = Number(BigInt(got) ^ BigInt(want));
  return `rflags (${flagNames(bits)}): ${oracle} ${got} [${flagNames(Number(got))}], ${judge} ${want} [${flagNames(Number(want))}]`;
}

const MOST_LINES = 6;

/** The instruction to blame, each field with both values, and where the manual says what is right. */
export function explain(c: FuzzCase, mismatch: Mismatch): string[] {
  const last = c.steps.length - 1;
  const offsets = offsetsOf(c.steps);
  const step = c.steps[last];
  const insn: Insn | null = step === undefined ? null : insnOf(step);
  const address = c.codeAddress + BigInt(offsets[last] ?? 0);
  const text = disassemble(assemble(c).subarray(offsets[last]), address).text;
  const lines = [`at 0x${address.toString(16)}: ${text}`];
  for (const difference of mismatch.differences.slice(0, MOST_LINES)) lines.push(differenceLine(difference, mismatch));
  if (mismatch.differences.length > MOST_LINES) lines.push(`… and ${mismatch.differences.length - MOST_LINES} more`);
  const field = fieldClass(mismatch.differences[0]!);
  if (insn !== null && field.startsWith('rflags')) {
    const { flagsWritten, flagsUndefined } = usageOf(insn);
    lines.push(`${insn.mnemonic} writes ${flagNames(flagsWritten)}, leaves open ${flagNames(flagsUndefined)}`);
  }
  const clause = clauseOf(field, insn?.mnemonic ?? '');
  if (clause !== null) lines.push(`see ${clause}`);
  return lines;
}
