/** Numbers of `PENDING` in the state layout: what an engine or a helper leaves there for whoever called it. */
export const PENDING_KIND = {
  none: 0,
  /** The budget of instructions is used up. */
  count: 1,
  /** No record stands at RIP: decode there. */
  decode: 2,
  /** An exception; the instruction has not retired. */
  fault: 3,
  /** An exception delivered behind the instruction, which has retired (INT n, INT3, INT1). */
  trap: 4,
  /** SYSCALL has retired. */
  syscall: 5,
  /** HLT; RIP stays on it. */
  hlt: 6,
  /** An instruction that goes beyond what is implemented; it has not run. */
  unimplemented: 7,
  /** RIP is the address in UNTIL; the instruction there has not run. */
  until: 8,
  /** The instruction has retired and may have changed the mode in which the next one runs (TF); go on. */
  resume: 9,
  /** The head of a loop or function at RIP has been reached often: it may be compiled. */
  hot: 10,
  /** The compiled region at RIP was checked under other translations. */
  check: 11,
  /** As decode, where the instruction before RIP has gone on there. */
  decodeNext: 12,
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
  VE: 20,
  CP: 21,
} as const;
