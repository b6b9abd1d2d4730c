import type { FloatFormat } from './format.ts';

/** IEEE exceptions, in the order of MXCSR and of the x87 status word (SDM 1 4.9.1). */
export const IE = 1 << 0;
export const DE = 1 << 1;
export const ZE = 1 << 2;
export const OE = 1 << 3;
export const UE = 1 << 4;
export const PE = 1 << 5;
export const ALL_EXCEPTIONS = 0x3f;
/** Exceptions found before the result is computed. One of them unmasked means that there is no result. */
export const PRE_COMPUTATION = IE | DE | ZE;

/** Rounding control, as in MXCSR.RC and the x87 control word. */
export const ROUND_NEAREST = 0;
export const ROUND_DOWN = 1;
export const ROUND_UP = 2;
export const ROUND_ZERO = 3;
export type RoundingMode = 0 | 1 | 2 | 3;

/**
 * What an operation depends on besides its operands, and where it reports.
 *
 * `flags` starts at 0 for each operation: when `flags & ~masks & PRE_COMPUTATION` is set afterwards the operation
 * stopped before it had a result, and the value it returned means nothing.
 */
export interface FloatEnv {
  rounding: RoundingMode;
  /** MXCSR.DAZ: denormal operands are read as zeros. */
  daz: boolean;
  /** MXCSR.FTZ: tiny results become zeros where underflow is masked. */
  ftz: boolean;
  /** Exceptions raised. */
  flags: number;
  /** Exceptions that are masked. */
  masks: number;
  /** x87 precision control: significand bits of add, sub, mul, div and sqrt on F80. */
  precision: 24 | 53 | 64;
  /** x87 C1: the last rounding increased the magnitude. */
  roundedUp: boolean;
}

const MXCSR_DAZ = 1 << 6;
const MXCSR_MASKS_SHIFT = 7;
const MXCSR_RC_SHIFT = 13;
const MXCSR_FTZ = 1 << 15;

/** A fresh environment, round to nearest even and all exceptions masked unless told otherwise. */
export function floatEnv(over: Partial<FloatEnv> = {}): FloatEnv {
  return {
    rounding: ROUND_NEAREST,
    daz: false,
    ftz: false,
    flags: 0,
    masks: ALL_EXCEPTIONS,
    precision: 64,
    roundedUp: false,
    ...over,
  };
}

/** Sets `env` up from MXCSR (SDM 1 10.2.3) and clears what it has reported. */
export function setFromMxcsr(env: FloatEnv, mxcsr: number): FloatEnv {
  env.rounding = ((mxcsr >> MXCSR_RC_SHIFT) & 3) as RoundingMode;
  env.daz = (mxcsr & MXCSR_DAZ) !== 0;
  env.ftz = (mxcsr & MXCSR_FTZ) !== 0;
  env.masks = (mxcsr >> MXCSR_MASKS_SHIFT) & ALL_EXCEPTIONS;
  env.precision = 64;
  env.flags = 0;
  env.roundedUp = false;
  return env;
}

const X87_PC_SHIFT = 8;
const X87_RC_SHIFT = 10;
/** Precision by the PC field; 1 is reserved and behaves as 64 bits. */
const X87_PRECISION = [24, 64, 53, 64] as const;

/** Sets `env` up from the x87 control word (SDM 1 8.1.5) and clears what it has reported. */
export function setFromX87ControlWord(env: FloatEnv, cw: number): FloatEnv {
  env.rounding = ((cw >> X87_RC_SHIFT) & 3) as RoundingMode;
  env.daz = false;
  env.ftz = false;
  env.masks = cw & ALL_EXCEPTIONS;
  env.precision = X87_PRECISION[(cw >> X87_PC_SHIFT) & 3]!;
  env.flags = 0;
  env.roundedUp = false;
  return env;
}

/** Raises exceptions; true when one of them is unmasked. */
export function raise(env: FloatEnv, exceptions: number): boolean {
  env.flags |= exceptions;
  return (exceptions & ~env.masks) !== 0;
}

/** Raises the invalid-operation exception and returns its masked response. */
export function invalid(fmt: FloatFormat, env: FloatEnv): bigint {
  env.flags |= IE;
  return fmt.defaultNaN;
}

/**
 * Flags that a packed SSE instruction merges into MXCSR, from those of its lanes: when a lane has an unmasked
 * pre-computation exception, no lane reports what comes after it (SDM 1 11.5.3).
 */
export function mergeLaneFlags(laneFlags: readonly number[], masks: number): number {
  const all = laneFlags.reduce((sum, flags) => sum | flags, 0);
  return all & ~masks & PRE_COMPUTATION ? all & PRE_COMPUTATION : all;
}
