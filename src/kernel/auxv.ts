/** Keys of the auxiliary vector (include/uapi/linux/auxvec.h). */
export const AT_AUX = {
  NULL: 0,
  PHDR: 3,
  PHENT: 4,
  PHNUM: 5,
  PAGESZ: 6,
  BASE: 7,
  FLAGS: 8,
  ENTRY: 9,
  UID: 11,
  EUID: 12,
  GID: 13,
  EGID: 14,
  PLATFORM: 15,
  HWCAP: 16,
  CLKTCK: 17,
  SECURE: 23,
  RANDOM: 25,
  HWCAP2: 26,
  RSEQ_FEATURE_SIZE: 27,
  RSEQ_ALIGN: 28,
  EXECFN: 31,
  SYSINFO_EHDR: 33,
  MINSIGSTKSZ: 51,
} as const;

/** Ticks per second of times(2). */
export const CLOCK_TICKS = 100;
/** Bytes of struct rseq that the kernel uses, and its alignment. */
export const RSEQ_FEATURE_SIZE = 28;
export const RSEQ_ALIGN = 32;
/** AT_HWCAP2 bit 1: the FSGSBASE instructions may be used. */
export const HWCAP2_FSGSBASE = 2;
/** Bytes of a signal frame with x87, SSE, AVX, AVX-512, PKRU and AMX state: what Linux 6.18 tells on such a CPU, and enough for all. */
export const SIGNAL_FRAME_SIZE = 11952;
