import { ACCESS } from '../../decode/traits.ts';
import type { BareRegion } from '../../machine/bare-space.ts';
import { PAGE_SIZE } from '../../memory/physical.ts';
import type { Decoded } from './decoded.ts';
import { STACK_SIZE, STACK_TOP } from './layout.ts';

// Where a function may not reach: what it would hit there depends on how a build lays things out, and no build promises anything.

export const STACK: BareRegion = {
  address: STACK_TOP - BigInt(STACK_SIZE),
  size: STACK_SIZE + PAGE_SIZE,
  write: true,
  execute: false,
  user: false,
};

/** Above the return address: arguments on the stack are there, and nothing else that a function may touch. */
const STACK_ARGUMENTS = 0x100n;
/** How far an index out of bounds leads from the stack, as a rule. */
const NEAR_STACK = 1n << 24n;

/** Whether an address lies on the stack of the call. */
export const onStack = (address: bigint): boolean =>
  address >= STACK.address && address < STACK.address + BigInt(STACK.size);

/** Whether an address is one of those where arguments are on the stack. */
export const isStackArgument = (address: bigint): boolean =>
  address >= STACK_TOP && address < STACK_TOP + STACK_ARGUMENTS;

/** Whether a page lies next to the stack, where nothing is. */
export const besideStack = (page: bigint): boolean =>
  page > STACK.address - NEAR_STACK && page < STACK_TOP + NEAR_STACK;

/** Whether an access reaches what lies above the frame and its arguments, or overwrites the return address: but for a barrier, LOCK OR of 0 with it. */
export const leavesFrame = (insn: Decoded, place: bigint): boolean =>
  (place >= STACK_TOP + STACK_ARGUMENTS && place < STACK_TOP + NEAR_STACK) ||
  ((insn.memory & ACCESS.write) !== 0 &&
    insn.barrier === null &&
    place + BigInt(insn.size) > STACK_TOP - 8n &&
    place < STACK_TOP);

/** Below the stack: what a function that calls itself for ever reaches. */
export const isBelowStack = (address: bigint): boolean =>
  address < STACK.address && address > STACK.address - BigInt(STACK_SIZE);

export const STACK_OVERFLOW = 'the stack is used up';
export const BEYOND_FRAME = 'it reaches beyond its frame: an index out of bounds';
export const BEYOND_OBJECTS = 'it reaches beyond the objects of the image: an index out of bounds';
