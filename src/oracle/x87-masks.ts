import type { Insn } from '../decode/insn.ts';
import { FX } from '../state/fxsave.ts';
import { FLAG } from '../state/rflags.ts';
import { SW } from '../state/x87.ts';
import type { OracleCase, OracleResult } from './case.ts';
import type { Masks } from './compare.ts';

const IE = 1;
const UE = 1 << 4;
const PE = 1 << 5;
/** From FIP on: in the environment of 32-bit protected mode, and in that with a 66 prefix. */
const POINTERS = { 32: { at: 12, length: 16 }, 16: { at: 6, length: 8 } } as const;

/** Of CS and DS in an image of FXSAVE or XSAVE without REX.W. */
const SELECTORS = [12, 20] as const;

/** Whose results are right to one unit in the last place (SDM 1 8.3.10): rounding, and what it says of itself, is each CPU's own. */
export const TRANSCENDENTAL = /^(f2xm1|fyl2xp?1?|fsin|fcos|fsincos|fptan|fpatan)$/;

/** Linear address of the instruction's memory operand. */
function operandAddress(insn: Insn, c: OracleCase): bigint {
  for (const op of insn.operands) {
    if (op.kind !== 'mem') continue;
    const base = op.base === 'rip' ? c.codeAddress! : op.base === null ? 0n : c.gpr[op.base]!;
    const index = op.index === null ? 0n : c.gpr[op.index]! << BigInt(op.shift);
    const offset = BigInt.asUintN(op.address32 ? 32 : 64, base + index + op.displacement);
    const segment = op.segment === 'fs' ? c.fsBase! : op.segment === 'gs' ? c.gsBase! : 0n;
    return BigInt.asUintN(64, offset + segment);
  }
  return 0n;
}

/**
 * Where CPUs of AMD leave the manual's way:
 *
 * - they keep the pointers of the last instruction only while an exception is pending;
 * - comparisons set condition codes and flags even for an invalid operand that is unmasked, where SDM 2 FCOM and FCOMI say that
 *   they are not set;
 * - FCOMI and its kin leave C1 as it was, where the manual clears it;
 * - with an exception pending FXSAVE and XSAVE store CS and DS of it, which Intel CPUs of today do not (CPUID.7.0:EBX[13]);
 * - MXCSR has a bit 17.
 */
export function x87Masks(
  insn: Insn,
  c: OracleCase,
  host: OracleResult,
): Pick<Masks, 'x87Status' | 'x87Pointers' | 'x87Ulps' | 'memory'> & { rflags: number } {
  let x87Status = 0;
  let rflags = 0;
  const after = new DataView(host.fxsave.buffer, host.fxsave.byteOffset);
  const compares = /^(f(u|i)?comp?p?|ftst|fu?comip?)$/.test(insn.mnemonic);
  if (compares && after.getUint16(FX.sw, true) & ~after.getUint16(FX.cw, true) & IE) {
    x87Status |= SW.C0 | SW.C2 | SW.C3;
    if (insn.mnemonic.includes('comi')) rflags |= FLAG.ZF | FLAG.PF | FLAG.CF;
  }
  if (/^fu?comip?$/.test(insn.mnemonic)) x87Status |= SW.C1;
  const transcendental = TRANSCENDENTAL.test(insn.mnemonic);
  if (transcendental) x87Status |= SW.C1 | PE | UE;
  if (transcendental && ~after.getUint16(FX.cw, true) & (PE | UE)) x87Status |= SW.ES | SW.B;
  const before = new DataView(c.fxsave!.buffer, c.fxsave!.byteOffset);
  const memory: { address: bigint; length: number }[] = [];
  const address = operandAddress(insn, c);
  if (/^f?xsave/.test(insn.mnemonic)) memory.push({ address: address + BigInt(FX.mxcsrMask), length: 4 });
  if (!(before.getUint16(FX.sw, true) & SW.ES)) {
    const image = /^fn(stenv|save)$/.test(insn.mnemonic);
    const pointers = POINTERS[/_m(14|94)byte$/.test(insn.codeName) ? 16 : 32];
    if (image) memory.push({ address: address + BigInt(pointers.at), length: pointers.length });
    if (/^f?xsave/.test(insn.mnemonic)) memory.push({ address: address + BigInt(FX.op), length: FX.mxcsr - FX.op });
  } else if (/^f?xsave/.test(insn.mnemonic) && !insn.mnemonic.endsWith('64')) {
    for (const at of SELECTORS) memory.push({ address: address + BigInt(at), length: 2 });
  }
  return { x87Status, x87Pointers: false, x87Ulps: transcendental ? 1 : 0, memory, rflags };
}
