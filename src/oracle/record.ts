/** Byte offsets in one case or result: `struct record` of `guest/oracle/oracle.c`, and the XSAVE image in it. */
export const RECORD = {
  BYTES: 0,
  ENDING: 4,
  SIGNAL: 8,
  VECTOR: 12,
  ERROR: 16,
  CR2: 24,
  CODE_ADDRESS: 32,
  CODE_LENGTH: 40,
  PATCHES: 44,
  GPR: 48,
  RIP: 176,
  RFLAGS: 184,
  FS_BASE: 192,
  GS_BASE: 200,
  SELECTORS: 208,
  XSAVE: 224,
  SIZE: 2656,
} as const;

/** Bytes of the legacy region, and where it keeps MXCSR and XMM0; where YMM_Hi128 is in the standard format (SDM 1 13.4). */
export const FXSAVE_BYTES = 512;
export const FXSAVE_MXCSR = 24;
export const FXSAVE_XMM = 160;
export const XSAVE_YMM_HIGH = 576;
/** In a record, wherever the host's CPU has them: opmasks, upper halves of ZMM0–15, ZMM16–31. */
export const XSAVE_OPMASK = 832;
export const XSAVE_ZMM_HIGH = 896;
export const XSAVE_HIGH_ZMM = 1408;
/** Bytes of the three. */
export const AVX512_BYTES = 1600;
