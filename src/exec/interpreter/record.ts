import type { Field } from '../../ir/nodes.ts';

/**
 * A pre-decoded instruction, 40 bytes in the code arena; the next instruction's record follows it.
 *
 *     0  handler  u16   arm of the interpreter's br_table
 *     2  page offset of the instruction's first byte, u16
 *     4  r0  6  r1  8  r2       u16: state offsets of the register operands, in operand order
 *    10  base  12  index  14  segment   u16: state offsets of what the address is made of (ZERO where there is none)
 *    16  displacement  i64
 *    24  imm  i64              immediate, or a branch target as an offset from the instruction's page; r3 u16 where there is a fourth register
 *    32  function u16          table index of an out-of-line handler
 *    34  imm2 u16              second immediate (ENTER); of an x87 instruction the opcode as FOP holds it
 *    36  shift u8              log2 of the scale
 *    37  length u8             of the instruction in bytes
 *    38  stack u8              1 where the memory operand goes through SS
 */
export const RECORD_SIZE = 40;

export const RECORD = {
  handler: 0,
  offset: 2,
  r0: 4,
  r1: 6,
  r2: 8,
  r3: 24,
  base: 10,
  index: 12,
  segment: 14,
  displacement: 16,
  imm: 24,
  function: 32,
  imm2: 34,
  fop: 34,
  shift: 36,
  length: 37,
  stack: 38,
} as const;

/** Fields that hold the state offset of a place. */
export const PLACE_FIELDS: readonly Field[] = ['r0', 'r1', 'r2', 'r3', 'base', 'index', 'segment'];
