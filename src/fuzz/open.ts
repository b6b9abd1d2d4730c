import { decode } from '../decode/decode.ts';
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
  if (!bytes.includes(0x66) || !BRANCHES.test(mnemonic)) return false;
  const opcode = bytes.findIndex((byte) => !isPrefix(byte));
  return bytes.subarray(0, opcode).includes(0x66);
}

const RSP = 4;
const EVEX = { byte: 0x62, x: 0x40, broadcast: 0x10, p2: 3, modrm: 5 } as const;
const VEX = { short: 0xc5, long: 0xc4, r: 0x80, v3: 0x40 } as const;
const BETWEEN_REGISTERS = 0xc0;

/**
 * An EVEX form with X clear, which means nothing there, that takes RSP for a number: the Zen 4 does not see that it is RSP, and gives
 * it the one from before a PUSH or POP (guest/oracle/rsp.c shows it).
 */
function readsStackPointer({ mnemonic, operands, bytes }: Insn): boolean {
  if (!mnemonic.startsWith('evex.')) return false;
  const p0 = bytes[bytes.indexOf(EVEX.byte) + 1]!;
  return (
    (p0 & EVEX.x) === 0 &&
    operands.slice(1).some((op) => op.kind === 'reg' && op.register.file === 'gpr' && op.register.n === RSP)
  );
}

/** What only the encoding decides, by iced's number of it. */
interface OfCode {
  /** No instance can be judged. */
  readonly open: boolean;
  readonly endsJudgement: boolean;
  /** Flags that are open behind it whatever the tables say. */
  readonly flags: number;
}
const codes: (OfCode | undefined)[] = [];

function ofCode({ code, codeName, mnemonic }: Insn): OfCode {
  const known = codes[code];
  if (known !== undefined) return known;
  const made: OfCode = {
    open:
      INTEL_NOPS.test(codeName) ||
      codeName === 'Movsxd_r16_rm16' ||
      // What they give beyond their reach is open, and only their operand tells where that is.
      mnemonic === 'f2xm1' ||
      mnemonic === 'fyl2xp1',
    endsJudgement: ONLY_LAST.test(mnemonic),
    // OF is undefined for every count but one, also where the count is a multiple of the rotation's length.
    flags: /^rc[lr]$/.test(mnemonic) ? FLAG.OF : 0,
  };
  codes[code] = made;
  return made;
}

/** Instructions that another vendor's CPU cannot judge at all. */
export function isOpen(insn: Insn): boolean {
  if (ofCode(insn).open) return true;
  if (cutsTarget(insn)) return true;
  if (readsStackPointer(insn)) return true;
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
export const endsJudgement = (insn: Insn): boolean => ofCode(insn).endsJudgement;

/**
 * EVEX.b between registers where nothing can be rounded: #UD (SDM 2A 2.7.11), but the Zen 4 takes most of them as if the bit were
 * clear.
 */
function ignoresBroadcast(bytes: Uint8Array): boolean {
  const opcode = bytes.findIndex((byte) => !isPrefix(byte));
  if (bytes[opcode] !== EVEX.byte || bytes.length <= opcode + EVEX.modrm) return false;
  if ((bytes[opcode + EVEX.modrm]! & BETWEEN_REGISTERS) !== BETWEEN_REGISTERS) return false;
  if ((bytes[opcode + EVEX.p2]! & EVEX.broadcast) === 0 || typeof decode(bytes) !== 'string') return false;
  const clear = bytes.slice();
  clear[opcode + EVEX.p2]! &= ~EVEX.broadcast;
  return typeof decode(clear) !== 'string';
}

/**
 * VEX.R or the top bit of VEX.vvvv set for a mask register, of which there are eight: #UD on Intel CPUs, while the Zen 4 takes no notice of
 * them.
 */
function ignoresMaskExtension(bytes: Uint8Array): boolean {
  const opcode = bytes.findIndex((byte) => !isPrefix(byte));
  const long = bytes[opcode] === VEX.long;
  if (!(long || bytes[opcode] === VEX.short) || typeof decode(bytes) !== 'string') return false;
  const clear = bytes.slice();
  clear[opcode + 1]! |= VEX.r;
  clear[opcode + (long ? 2 : 1)]! |= VEX.v3;
  const insn = decode(clear);
  return typeof insn !== 'string' && insn.operands.some((op) => op.kind === 'reg' && op.register.file === 'k');
}

/** Bytes that are no instruction, and that the Zen 4 executes as if a bit of a prefix were not there. */
export const ignoresExtension = (bytes: Uint8Array): boolean => ignoresBroadcast(bytes) || ignoresMaskExtension(bytes);

/** Flags that are open behind an instruction, given those before it. */
export function openBehind(insn: Insn, before: number): number {
  const { flagsWritten, flagsUndefined } = usageOf(insn);
  return (before & ~flagsWritten) | flagsUndefined | ofCode(insn).flags;
}

/** Whether the instruction reads a flag that is open. */
export const readsOpen = (insn: Insn, open: number): boolean => (usageOf(insn).flagsRead & open) !== 0;
