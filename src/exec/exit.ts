import { hex } from '../bits/hex.ts';
import { VECTOR } from '../state/pending.ts';

/**
 * Why an engine returned. A closed union: whoever adds a variant adds its sentence here and its case wherever exits are read.
 * RIP and every register are exact in all of them. A guest's fault is never an exception of ours, nor ours a guest's fault.
 */
export type Exit =
  /** The budget of instructions has been used up; RIP is the next instruction. */
  | { readonly kind: 'count' }
  /** RIP has reached the requested address; the instruction there has not run. */
  | { readonly kind: 'until' }
  /** SYSCALL retired where somebody outside plays the kernel: RCX, R11 are set, RIP is behind it. */
  | { readonly kind: 'syscall' }
  /** HLT: RIP stays on it. */
  | { readonly kind: 'hlt' }
  /** An exception. A fault leaves the state as it was before the instruction, a trap (#BP, #OF, INT1, single-step) as it is behind it. */
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** A fault in the delivery of #DF: the CPU stops for good. RIP and RSP are those of the last instruction; the faults in their order. */
  | { readonly kind: 'shutdown'; readonly faults: readonly Fault[] }
  /** An instruction that swapgs does not implement; it has not run. */
  | { readonly kind: 'unimplemented'; readonly mnemonic: string; readonly bytes: Uint8Array };

/** One exception as the architecture reports it (SDM 3A 6.15). */
export interface Fault {
  readonly vector: number;
  /** Error code where the vector has one, else null. */
  readonly errorCode: number | null;
  /** The faulting linear address of a #PF (what CR2 receives), else null. */
  readonly cr2: bigint | null;
}

/** `#PF error 0x2 at 0x58`. */
export function faultText({ vector, errorCode, cr2 }: Fault): string {
  const code = errorCode === null || vector === VECTOR.DF ? '' : ` error ${hex(errorCode)}`;
  return `${vectorName(vector)}${code}${cr2 === null ? '' : ` at ${hex(cr2)}`}`;
}

/** Name of an exception vector, as the manual writes it: 13 → `#GP`. */
export function vectorName(vector: number): string {
  const name = Object.entries(VECTOR).find(([, number]) => number === vector)?.[0];
  return name === undefined ? `vector ${vector}` : `#${name}`;
}

export { VECTOR } from '../state/pending.ts';
