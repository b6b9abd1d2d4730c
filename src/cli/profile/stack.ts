import type { GuestMachine } from '../../kernel/guest-machine.ts';
import { pageWalk, peek } from '../../memory/page-walk.ts';
import { PAGE_SIZE } from '../../memory/physical.ts';

/** Callers deeper than this are cut off. */
const DEEPEST = 256;
/** A stack is no larger than this: a frame pointer further off is a number of some other kind. */
const LARGEST_STACK = 64n << 20n;
const RSP = 4;
const RBP = 5;

/** The longest CALL that can stand before a return address: FF /2 with a SIB byte and a 32-bit displacement. */
const LONGEST_CALL = 7;
const CALL_REL32 = 0xe8;
const CALL_REL32_LENGTH = 5;
const GROUP_5 = 0xff;
/** Lengths of FF /2: register or [base]; with a SIB byte or disp8; with both; with disp32; with both. */
const INDIRECT_LENGTHS = [2, 3, 4, 6, 7];
const REG_FIELD = 0x38;
const CALL_INDIRECT = 0x10;

const RET = 0xc3;
const PUSH_RBP = 0x55;
const ENDBR64 = [0xf3, 0x0f, 0x1e, 0xfa];
const MOV_RSP_TO_RBP = [0x48, 0x89, 0xe5];
/** How far from its start a function may set up its frame. */
const PROLOGUE = 32;

type StackMachine = Pick<GuestMachine, 'cpu' | 'memory'>;

/** Whether the bytes before an address are a CALL's, and the address is executable. */
function followsCall({ memory, cpu }: StackMachine, address: bigint): boolean {
  if (!pageWalk(memory, cpu, address).executable) return false;
  const bytes = peek(memory, cpu, address - BigInt(LONGEST_CALL), LONGEST_CALL);
  if (bytes.length < LONGEST_CALL) return false;
  if (bytes[LONGEST_CALL - CALL_REL32_LENGTH] === CALL_REL32) return true;
  return INDIRECT_LENGTHS.some((length) => {
    const at = LONGEST_CALL - length;
    return bytes[at] === GROUP_5 && (bytes[at + 1]! & REG_FIELD) === CALL_INDIRECT;
  });
}

const holds = (bytes: Uint8Array, at: number, wanted: readonly number[]): boolean =>
  wanted.every((byte, i) => bytes[at + i] === byte);

function contains(bytes: Uint8Array, wanted: readonly number[]): boolean {
  for (let at = 0; at + wanted.length <= bytes.length; at++) if (holds(bytes, at, wanted)) return true;
  return false;
}

/** Finds the callers of the running function by its frame pointers. Remembers what it has learnt about code addresses. */
export class StackWalker {
  readonly #machine: StackMachine;
  readonly #functionStart: (address: bigint) => bigint | undefined;
  readonly #calls = new Map<bigint, boolean>();
  /** Where pages of the stack are in physical memory, during one walk. */
  readonly #pages = new Map<bigint, number | null>();

  /** @param functionStart the address of the symbol that covers an address */
  constructor(machine: StackMachine, functionStart: (address: bigint) => bigint | undefined) {
    this.#machine = machine;
    this.#functionStart = functionStart;
  }

  /**
   * Addresses of the running instruction and of the calls that led to it, innermost first. RBP is followed as long as it
   * looks like a chain of frames: aligned, ascending from RSP, each with a return address behind a CALL. Where the running
   * function has not made its frame yet, has dropped it, or makes none, its return address on top of the stack counts.
   */
  walk(): bigint[] {
    const { cpu } = this.#machine;
    this.#pages.clear();
    const stack = [cpu.rip];
    const rsp = cpu.gpr(RSP);
    const top = this.#frameless(cpu.rip);
    if (top !== null) {
      const caller = this.#read(rsp + top);
      if (caller !== null && this.#isReturn(caller)) stack.push(caller - 1n);
    }
    let lowest = rsp;
    for (let frame = cpu.gpr(RBP); stack.length < DEEPEST; ) {
      if (frame < lowest || frame - rsp > LARGEST_STACK || (frame & 7n) !== 0n) break;
      const caller = this.#read(frame + 8n);
      const next = this.#read(frame);
      if (caller === null || next === null || !this.#isReturn(caller)) break;
      stack.push(caller - 1n);
      lowest = frame + 16n;
      frame = next;
    }
    return stack;
  }

  /** Where the return address is, counted from RSP, while RBP is still (or again) the caller's; null where RBP is our own. */
  #frameless(rip: bigint): bigint | null {
    const { memory, cpu } = this.#machine;
    const start = this.#functionStart(rip);
    if (start === undefined) return null;
    const offset = Number(rip - start);
    const head = peek(memory, cpu, start, PROLOGUE);
    const entry = holds(head, 0, ENDBR64) ? ENDBR64.length : 0;
    if (head[entry] !== PUSH_RBP || offset <= entry) return 0n;
    if (peek(memory, cpu, rip, 1)[0] === RET) return 0n;
    return contains(head.subarray(0, offset), MOV_RSP_TO_RBP) ? null : 8n;
  }

  #isReturn(address: bigint): boolean {
    let known = this.#calls.get(address);
    if (known === undefined) {
      known = followsCall(this.#machine, address);
      this.#calls.set(address, known);
    }
    return known;
  }

  /** The quadword at a linear address; null where there is none or it crosses a page. */
  #read(linear: bigint): bigint | null {
    const { memory, cpu } = this.#machine;
    const offset = Number(linear & 0xfffn);
    if (offset > PAGE_SIZE - 8) return null;
    const page = linear - BigInt(offset);
    let physical = this.#pages.get(page);
    if (physical === undefined) {
      physical = pageWalk(memory, cpu, page).physical;
      this.#pages.set(page, physical);
    }
    return physical === null || physical + PAGE_SIZE > memory.size ? null : memory.readU64(physical + offset);
  }
}
