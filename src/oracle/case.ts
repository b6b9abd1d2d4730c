import {
  AVX512_BYTES,
  FXSAVE_BYTES,
  FXSAVE_MXCSR,
  FXSAVE_XMM,
  RECORD,
  XSAVE_OPMASK,
  XSAVE_YMM_HIGH,
} from './record.ts';

/** Bytes at an address. */
export interface MemoryPatch {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

/**
 * Code and the state it starts from. The code must not hold SYSCALL, SYSENTER or INT 80h: such a case ends as
 * `syscall` with RCX and R11 already clobbered, never inside the kernel.
 */
export interface OracleCase {
  /** Machine code. An INT3 follows it; reaching that is the normal ending. */
  readonly code: Uint8Array;
  /** Where the code is placed, in `CODE` or `WRITABLE_CODE`; default `CODE.base`. Code that ends with its region has no marker after it. */
  readonly codeAddress?: bigint;
  /** First instruction; default `codeAddress`. */
  readonly rip?: bigint;
  /** 16 registers of 64 bits in encoding order RAX RCX RDX RBX RSP RBP RSI RDI R8 … R15. */
  readonly gpr: ArrayLike<bigint>;
  /** Arithmetic flags, DF, AC, TF, NT and ID take effect; default 0x202. */
  readonly rflags?: number;
  /** Canonical addresses; default 0. */
  readonly fsBase?: bigint;
  readonly gsBase?: bigint;
  /** A whole FXSAVE image (512 bytes, SDM 1 10.5.1) as the start of the floating-point state; default that of FNINIT with MXCSR 1F80h. */
  readonly fxsave?: Uint8Array;
  /** Up to 16 values of 128 bits, over the image. */
  readonly xmm?: ArrayLike<bigint>;
  /** Upper halves of YMM0 … 15, 128 bits each; ignored without AVX. */
  readonly ymmHigh?: ArrayLike<bigint>;
  /** State of AVX-512 beyond YMM: k0–7 (8 bytes each), upper halves of ZMM0–15 (32 each), ZMM16–31 (64 each); ignored without it. */
  readonly avx512?: Uint8Array;
  /** Over the image. Reserved bits make the case end as `refused`. */
  readonly mxcsr?: number;
  /** Contents of the memory regions; bytes not named hold the region's background. Applied in order. */
  readonly memory?: readonly MemoryPatch[];
}

/** How a case ended. */
export type OracleEnding =
  /** The marker after the code was reached; RIP is its address. */
  | { readonly kind: 'normal' }
  /**
   * The CPU raised an exception: its vector, its error code, the Linux signal, and CR2 (meaningful for #PF only).
   * For a kernel-half address Linux reports the error code with the present bit set, whatever the tables say.
   */
  | {
      readonly kind: 'fault';
      readonly vector: number;
      readonly error: bigint;
      readonly cr2: bigint;
      readonly signal: number;
    }
  /** The code ran for more than one tick; the state is wherever it was then. */
  | { readonly kind: 'timeout' }
  /** The CPU did not take the starting state (MXCSR, RIP), or memory outside the regions was named. No state. */
  | { readonly kind: 'refused' }
  /** The code tried a system call, which was not made. */
  | { readonly kind: 'syscall' }
  /** The code ended the oracle's process. No state. */
  | { readonly kind: 'lost' };

/** The state after a case. A window on the answer's bytes: nothing is converted before it is asked for. */
export class OracleResult {
  readonly ending: OracleEnding;
  /** 16 registers in encoding order. */
  readonly gpr: BigUint64Array;
  /** What the code changed in the writable regions, as runs of whole aligned 8-byte words, by address. */
  readonly changes: readonly MemoryPatch[];
  readonly #view: DataView;

  /** @param view one result record, without the changes that follow it. */
  constructor(view: DataView, ending: OracleEnding, changes: readonly MemoryPatch[]) {
    this.#view = view;
    this.ending = ending;
    this.changes = changes;
    this.gpr = new BigUint64Array(view.buffer, view.byteOffset + RECORD.GPR, 16);
  }

  get rip(): bigint {
    return this.#view.getBigUint64(RECORD.RIP, true);
  }
  /** As the CPU pushed it: RF is set after most faults. */
  get rflags(): number {
    return Number(this.#view.getBigUint64(RECORD.RFLAGS, true));
  }
  get fsBase(): bigint {
    return this.#view.getBigUint64(RECORD.FS_BASE, true);
  }
  get gsBase(): bigint {
    return this.#view.getBigUint64(RECORD.GS_BASE, true);
  }
  get selectors(): { readonly cs: number; readonly gs: number; readonly fs: number; readonly ss: number } {
    const at = (n: number): number => this.#view.getUint16(RECORD.SELECTORS + 2 * n, true);
    return { cs: at(0), gs: at(1), fs: at(2), ss: at(3) };
  }
  get mxcsr(): number {
    return this.#view.getUint32(RECORD.XSAVE + FXSAVE_MXCSR, true);
  }
  /** The FXSAVE image up to XMM15; the bytes from 416 on are zero. */
  get fxsave(): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + RECORD.XSAVE, FXSAVE_BYTES);
  }
  /** The 128 bits of XMM register `n`. */
  xmm(n: number): bigint {
    return this.#u128(RECORD.XSAVE + FXSAVE_XMM + 16 * n);
  }
  /** The upper 128 bits of YMM register `n`; zero without AVX. */
  ymmHigh(n: number): bigint {
    return this.#u128(RECORD.XSAVE + XSAVE_YMM_HIGH + 16 * n);
  }
  /** The upper halves of YMM0 … 15, 16 bytes each. */
  get ymmHighBytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + RECORD.XSAVE + XSAVE_YMM_HIGH, 16 * 16);
  }
  /** k0–7, upper halves of ZMM0–15, ZMM16–31, as `OracleCase.avx512` has them; zero without AVX-512. */
  get avx512(): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + RECORD.XSAVE + XSAVE_OPMASK, AVX512_BYTES);
  }
  #u128(at: number): bigint {
    return this.#view.getBigUint64(at, true) | (this.#view.getBigUint64(at + 8, true) << 64n);
  }
}
