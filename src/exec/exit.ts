/**
 * Why an engine returned. A closed union: whoever adds a variant adds its sentence here and its case wherever exits are read.
 * RIP and every register are exact in all of them. A guest's fault is never an exception of ours, nor ours a guest's fault.
 */
export type Exit =
  /** The budget of instructions has been used up; RIP is the next instruction. */
  | { readonly kind: 'count' }
  /** RIP has reached the requested address; the instruction there has not run. */
  | { readonly kind: 'until' }
  /** SYSCALL retired with no LSTAR handler in the guest: RCX, R11 are set, RIP is behind it. */
  | { readonly kind: 'syscall' }
  /** HLT: RIP stays on it. */
  | { readonly kind: 'hlt' }
  /** An exception. A fault leaves the state as it was before the instruction, a trap (#BP, #OF, INT1) as it is behind it. */
  | { readonly kind: 'fault'; readonly fault: Fault }
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

/** Numbers of `PENDING` in the state layout: what an engine leaves there for whoever called it. */
export const PENDING = {
  none: 0,
  count: 1,
  decode: 2,
  fault: 3,
  trap: 4,
  syscall: 5,
  hlt: 6,
  unimplemented: 7,
  until: 8,
} as const;

/** The vectors of SDM 3A table 6-1 by their mnemonic. */
export const VECTOR = {
  DE: 0,
  DB: 1,
  NMI: 2,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  MC: 18,
  XM: 19,
} as const;

/** Name of an exception vector, as the manual writes it: 13 → `#GP`. */
export function vectorName(vector: number): string {
  const name = Object.entries(VECTOR).find(([, number]) => number === vector)?.[0];
  return name === undefined ? `vector ${vector}` : `#${name}`;
}
