import type { CType } from '../../elf/dwarf/types.ts';
import type { Barrier } from './barriers.ts';
import type { PageChange, WordChange, Written } from './changes.ts';
import type { Compared } from './compared.ts';
import type { Reach } from './reach.ts';

/** How functions that are called are answered. */
export interface CallOptions {
  /** Values that functions return instead of running. */
  readonly stubs?: ReadonlyMap<string, bigint>;
  /** Instructions at most. */
  readonly instructions?: number;
  /** Ends at an access next to the image where nothing is: two builds have other things there. */
  readonly withinObjects?: boolean;
  /** What a function outside returns, where it is declared. */
  readonly resultOf?: (name: string) => CType | null;
  /** Where accesses are noted. */
  readonly reach?: Reach;
}

/** A call that left the build, or that a stub answered. */
export interface OutsideCall {
  readonly name: string;
  /** RDI, RSI, RDX, RCX, R8, R9 as they were. */
  readonly args: readonly bigint[];
  /** Registers among them, as bits, that were written since the last call and not read: those are meant as arguments. */
  readonly meant: number;
  /** Registers that still hold what the function itself was given, neither read nor written. */
  readonly passed: number;
  readonly returned: bigint;
  /** Calls of the same name before it. */
  readonly nth: number;
  /** What it writes to which stream, where it does. */
  readonly output: string | null;
}

/** Why a call ended. */
export type CallEnd =
  | { readonly reason: 'return' }
  | { readonly reason: 'fault'; readonly text: string; readonly at: bigint; readonly address: bigint | null }
  | { readonly reason: 'limit'; readonly text: string }
  | { readonly reason: 'left'; readonly text: string; readonly at: bigint };

/** What a call has done. */
export interface CallOutcome {
  readonly end: CallEnd;
  readonly rax: bigint;
  readonly rdx: bigint;
  readonly xmm0: bigint;
  readonly xmm1: bigint;
  /** 80 bits each. */
  readonly st0: bigint;
  readonly st1: bigint;
  /** Bits of RAX, and of XMM0, that were written last and not read since: what may be meant as the result; 0 for none. */
  readonly resultWidth: number;
  readonly xmm0Width: number;
  /** The result was written by an instruction, not left by a call. */
  readonly explicit: boolean;
  /** It was widened with its sign to 64 bits: nobody does that to a shorter result. */
  readonly extended: boolean;
  readonly instructions: number;
  readonly loads: number;
  readonly stores: number;
  readonly gsLoads: number;
  readonly calls: readonly OutsideCall[];
  readonly barriers: readonly Barrier[];
  readonly writes: readonly Written[];
  /** Words of the image that have changed, by a name that is the same in another build of the same source. */
  readonly words: ReadonlyMap<string, WordChange>;
  /** Pages of other memory that have changed. */
  readonly pages: ReadonlyMap<bigint, PageChange>;
  /** Pages of unknown memory that were touched. */
  readonly supplied: readonly bigint[];
  /** Bytes of the function itself. */
  readonly size: number;
  /** Conditional branches by their distance from the entry, callees' among them: bit 0 not taken, bit 1 taken. */
  readonly branches: ReadonlyMap<number, number>;
  /** The same of SETcc and CMOVcc, SBB and ADC. */
  readonly conditions: ReadonlyMap<number, number>;
  /** Where indirect jumps have led. */
  readonly targets: ReadonlySet<number>;
  /** What was compared last before each of those. */
  readonly compared: ReadonlyMap<number, readonly Compared[]>;
  /** Words of unknown memory near what was read, to be made simpler. */
  readonly read: ReadonlySet<bigint>;
  /** Words of global variables that were read, with what they held before. */
  readonly variables: ReadonlyMap<string, bigint>;
  /** What the registers held that the address of a faulting access was made of. */
  readonly wild: readonly bigint[];
}
