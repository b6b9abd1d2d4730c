import { AF_SLOT, CF_SLOT, OF_SLOT, PF_SLOT, SF_SLOT, SYSTEM_FLAGS, ZF_SLOT } from './layout.ts';

/** Bits of RFLAGS (SDM 1 3.4.3). */
export const FLAG = {
  CF: 1 << 0,
  PF: 1 << 2,
  AF: 1 << 4,
  ZF: 1 << 6,
  SF: 1 << 7,
  TF: 1 << 8,
  IF: 1 << 9,
  DF: 1 << 10,
  OF: 1 << 11,
  NT: 1 << 14,
  RF: 1 << 16,
  VM: 1 << 17,
  AC: 1 << 18,
  VIF: 1 << 19,
  VIP: 1 << 20,
  ID: 1 << 21,
} as const;
export const ARITHMETIC_FLAGS = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;
/** Bit 1 always reads as one. */
export const FIXED_ONE = 1 << 1;

/** Even parity of a byte: 1 when it has an even number of ones, as PF is defined. */
export function evenParity(byte: number): number {
  let x = byte ^ (byte >> 4);
  x ^= x >> 2;
  x ^= x >> 1;
  return ~x & 1;
}

/** RFLAGS as the architecture shows it, packed from the flag slots. */
export function readRflags(view: DataView): number {
  let flags = view.getUint32(SYSTEM_FLAGS, true);
  if (view.getUint8(CF_SLOT) & 1) flags |= FLAG.CF;
  if (evenParity(view.getUint8(PF_SLOT))) flags |= FLAG.PF;
  flags |= view.getUint8(AF_SLOT) & FLAG.AF;
  if (view.getBigUint64(ZF_SLOT, true) === 0n) flags |= FLAG.ZF;
  if (view.getUint8(SF_SLOT + 7) & 0x80) flags |= FLAG.SF;
  if (view.getUint8(OF_SLOT) & 1) flags |= FLAG.OF;
  return flags >>> 0;
}

/** Sets every flag; bit 1 is forced to one. */
export function writeRflags(view: DataView, flags: number): void {
  view.setUint32(SYSTEM_FLAGS, (flags & ~ARITHMETIC_FLAGS) | FIXED_ONE, true);
  view.setUint8(CF_SLOT, flags & 1);
  view.setUint8(PF_SLOT, flags & FLAG.PF ? 0 : 1);
  view.setUint8(AF_SLOT, flags & FLAG.AF);
  view.setBigUint64(ZF_SLOT, flags & FLAG.ZF ? 0n : 1n, true);
  view.setBigUint64(SF_SLOT, flags & FLAG.SF ? 1n << 63n : 0n, true);
  view.setUint8(OF_SLOT, flags & FLAG.OF ? 1 : 0);
}

/** Whether a condition holds: the low four bits of the opcode of Jcc, SETcc and CMOVcc (SDM 1 appendix B). */
export function conditionHolds(code: number, rflags: number): boolean {
  const is = (flag: number): boolean => (rflags & flag) !== 0;
  const less = is(FLAG.SF) !== is(FLAG.OF);
  const plain = [
    is(FLAG.OF),
    is(FLAG.CF),
    is(FLAG.ZF),
    is(FLAG.CF) || is(FLAG.ZF),
    is(FLAG.SF),
    is(FLAG.PF),
    less,
    less || is(FLAG.ZF),
  ];
  return plain[code >> 1]! !== ((code & 1) === 1);
}
