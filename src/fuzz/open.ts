import { type Insn, isPrefix } from '../decode/insn.ts';
import { usageOf } from '../decode/usage.ts';
import { INTEL_NOPS } from '../oracle/campaign.ts';
import { FLAG } from '../state/rflags.ts';

/**
 * What the manual leaves open, and how it spreads through a sequence. An Intel host is held to everything; another vendor's
 * CPU gives undefined flags other values, so whoever reads them goes another way from there on.
 */

const RCX_COMPARES = /^loopn?e$/;
const ONLY_LAST =
  /^(f(u|i)?comi?p?p?|f2xm1|fyl2xp?1?|fsin|fcos|fsincos|fptan|fpatan|ftst|fu?comip|fn(stenv|save)|fx(save|rstor)(64)?|xsave(opt|c)?(64)?|xrstor(64)?|(evex\.)?v?r(cp|sqrt)(14)?[ps][sd]|v?maskmov(dqu|q))$/;

const BRANCHES = /^(j.*|call|ret|loop.*)$/;

/** AMD CPUs make 66 cut the target of a near branch to 16 bits, Intel CPUs ignore it (SDM 2A Jcc). */
function cutsTarget({ mnemonic, bytes }: Insn): boolean {
  if (!BRANCHES.test(mnemonic)) return false;
  const opcode = bytes.findIndex((byte) => !isPrefix(byte));
  return bytes.subarray(0, opcode).includes(0x66);
}

const RSP = 4;

/** An EVEX form that takes RSP for a number: the Zen 4 gives it the one from before a PUSH or POP just in front of it. */
const readsStackPointer = ({ mnemonic, operands }: Insn): boolean =>
  mnemonic.startsWith('evex.') &&
  operands.slice(1).some((op) => op.kind === 'reg' && op.register.file === 'gpr' && op.register.n === RSP);

/** Instructions that another vendor's CPU cannot judge at all. */
export function isOpen(insn: Insn): boolean {
  if (INTEL_NOPS.test(insn.codeName) || insn.codeName === 'Movsxd_r16_rm16') return true;
  if (cutsTarget(insn)) return true;
  if (readsStackPointer(insn)) return true;
  // What they give beyond their reach is open, and only their operand tells where that is.
  if (insn.mnemonic === 'f2xm1' || insn.mnemonic === 'fyl2xp1') return true;
  // A null selector clears the base on Intel CPUs, AMD CPUs keep it.
  const [first] = insn.operands;
  if (first?.kind === 'reg' && first.register.file === 'seg' && /^(mov|pop)$/.test(insn.mnemonic)) return true;
  if (RCX_COMPARES.test(insn.mnemonic) && insn.repeat !== null) return true;
  if (insn.mnemonic === 'cvtpi2ps') return insn.operands[1]?.kind === 'mem';
  if (!/^sh[lr]d$/.test(insn.mnemonic) || insn.operands[0]!.width !== 16) return false;
  const by = insn.operands[2]!;
  return by.kind !== 'imm' || (by.value & 31n) > 16n;
}

/** Instructions whose open results cannot be followed further: behind them a sequence ends. */
export const endsJudgement = (insn: Insn): boolean => ONLY_LAST.test(insn.mnemonic);

/** Flags that are open behind an instruction, given those before it. */
export function openBehind(insn: Insn, before: number): number {
  const { flagsWritten, flagsUndefined } = usageOf(insn);
  // OF is undefined for every count but one, also where the count is a multiple of the rotation's length.
  const rotates = /^rc[lr]$/.test(insn.mnemonic) ? FLAG.OF : 0;
  return (before & ~flagsWritten) | flagsUndefined | rotates;
}

/** Whether the instruction reads a flag that is open. */
export const readsOpen = (insn: Insn, open: number): boolean => (usageOf(insn).flagsRead & open) !== 0;
