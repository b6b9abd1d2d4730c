import type { Width } from '../bits/width.ts';

/**
 * A field of a pre-decoded instruction record, used where a lift is parametric in its operands (the interpreter);
 * everywhere else the same place holds a constant. See `exec/interpreter/record.ts` for where each lives.
 */
export type Field =
  | 'r0'
  | 'r1'
  | 'r2'
  | 'r3'
  | 'base'
  | 'index'
  | 'segment'
  | 'shift'
  | 'displacement'
  | 'imm'
  | 'imm2'
  | 'fop'
  | 'stack'
  | 'start'
  | 'next';

/** A place in the CPU state: a byte offset of `state/layout.ts`, or the record field that holds one. */
export type Place = number | Field;

/** One of the six arithmetic flags. */
export type FlagName = 'cf' | 'pf' | 'af' | 'zf' | 'sf' | 'of';

/** What a non-canonical address raises: #GP(0), #SS(0), or whichever the record's memory operand says. */
export type AddressFault = 'general' | 'stack' | 'operand';

/** A node of the IR: an operation on earlier nodes. Never changed; identity is the value. */
export interface Node {
  readonly op: string;
  /** Width of the result in bits; 0 for a node without one. */
  readonly w: Width | 0;
  readonly args: readonly Node[];
  readonly attr: Attr;
}

/** What a node carries besides its arguments. Which fields an operation uses is said in `builder.ts`. */
export interface Attr {
  readonly value?: bigint;
  readonly field?: Field;
  readonly place?: Place;
  /** Bytes behind the place. */
  readonly offset?: number;
  readonly flag?: FlagName;
  readonly fault?: AddressFault;
  readonly intent?: 'read' | 'write';
  readonly vector?: number;
  readonly errorCode?: number | null;
  readonly helper?: string;
  /** Of `calls`: bits of a lane. */
  readonly lane?: 32 | 64;
  readonly exit?: number;
  /** Of a `putflags`: the registers that hold values from there on, by value. */
  readonly holders?: ReadonlyMap<Node, number>;
  /** Of an `insn`: its number in the block. */
  readonly index?: number;
}

/** A value: a node with a width. */
export interface Val extends Node {
  readonly w: Width;
}

/** The IR of one instruction or of a block: nodes in program order; an argument always stands before its user. */
export interface Block {
  readonly nodes: readonly Node[];
}

/** Operations that read or change something besides their arguments, in the order in which they must stay. */
export const EFFECTS = {
  get: 'read a place of the CPU state',
  put: 'write a place of the CPU state',
  getflag: 'read one arithmetic flag',
  putflag: 'write one arithmetic flag',
  load: 'read memory through the MMU; may fault. intent "write" checks write permission as well (read-modify-write)',
  store: 'write memory through the MMU; may fault',
  trapif: 'raise an exception as a fault when the condition holds',
  call: 'call a helper of the machine; may fault',
  calls: 'call a helper in each lane of some vectors; it does not fault',
  jump: 'continue at an address; ends the instruction',
  branch: 'continue at an address when the condition holds, else behind the instruction; ends it',
  skipif: 'continue behind this instruction at once when the condition holds',
  again: 'execute this instruction once more when the condition holds, else continue behind it; ends it',
  exit: 'stop the engine with a reason; ends the instruction',
  insn: 'another instruction of the block begins',
  putflags: 'write all six arithmetic flags: cf pf af zf sf of',
} as const;
export type EffectName = keyof typeof EFFECTS;

/** Whether a node must stay where it is. */
export function isEffect(node: Node): boolean {
  return Object.hasOwn(EFFECTS, node.op);
}

/** Effects that may leave the instruction before its end: they observe registers and flags. */
export function mayLeave(node: Node): boolean {
  return node.op === 'load' || node.op === 'store' || node.op === 'trapif' || node.op === 'call' || node.op === 'exit';
}
