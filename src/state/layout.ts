/**
 * Where everything lives in the one `WebAssembly.Memory`: CPU state, the fast TLBs, translated code, guest RAM.
 *
 * Every address below is a byte offset from the start of that memory. Both engines, the debugger and the snapshots read
 * this one table. A register is addressed by its byte offset, so AH is simply RAX + 1.
 *
 *     0x0000_1000  CPU state                 (STATE … STATE_END)
 *     0x0000_2000  tile data of AMX          (TILES … TILES_END)
 *     0x0001_0000  fast TLB, reads           (16,384 entries of 16 bytes)
 *     0x0005_0000  fast TLB, writes
 *     0x0009_0000  fast TLB, instruction fetches
 *     0x000d_0000  cache of indirect branch targets in compiled regions (4,096 entries of 16 bytes)
 *     0x0010_0000  decoded instruction records and page maps (the code arena)
 *     0x0800_0000  guest RAM: physical address 0
 */

export const STATE = 0x1000;

/** General-purpose registers, 8 bytes each, in encoding order RAX RCX RDX RBX RSP RBP RSI RDI R8 … R15. */
export const GPR = STATE;
/** Instruction pointer, u64. Exact whenever an engine has returned. */
export const RIP = STATE + 0x80;

/**
 * The six arithmetic flags, each kept as *the value it is a test of*, so that an ALU operation stores its result and
 * never computes the flag (see `rflags.ts`, which is the only file that packs and unpacks them):
 *
 *     ZF_SLOT  i64   ZF = (slot == 0)
 *     SF_SLOT  i64   SF = bit 63
 *     PF_SLOT  u8    PF = the byte has an even number of ones
 *     CF_SLOT  u8    0 or 1
 *     OF_SLOT  u8    0 or 1
 *     AF_SLOT  u8    AF = bit 4
 */
export const ZF_SLOT = STATE + 0x88;
export const SF_SLOT = STATE + 0x90;
export const PF_SLOT = STATE + 0x98;
export const CF_SLOT = STATE + 0x99;
export const OF_SLOT = STATE + 0x9a;
export const AF_SLOT = STATE + 0x9b;
/** RFLAGS without the six arithmetic flags: u32 with bit 1, TF, IF, DF, IOPL, NT, RF, VM, AC, VIF, VIP, ID. */
export const SYSTEM_FLAGS = STATE + 0xa0;

export const FS_BASE = STATE + 0xa8;
export const GS_BASE = STATE + 0xb0;
/** IA32_KERNEL_GS_BASE, exchanged with GS_BASE by SWAPGS. */
export const KERNEL_GS_BASE = STATE + 0xb8;
/** Always zero: the base and index of an address that has none. */
export const ZERO = STATE + 0xc0;
/** Linear address of the 4 KiB page that holds the current instruction's first byte. Kept by the interpreter. */
export const RIP_PAGE = STATE + 0xc8;

export const CR0 = STATE + 0xd0;
export const CR2 = STATE + 0xd8;
export const CR3 = STATE + 0xe0;
export const CR4 = STATE + 0xe8;
export const CR8 = STATE + 0xf0;
export const EFER = STATE + 0xf8;
export const STAR = STATE + 0x100;
export const LSTAR = STATE + 0x108;
export const CSTAR = STATE + 0x110;
export const SFMASK = STATE + 0x118;
export const TSC_AUX = STATE + 0x120;
export const XCR0 = STATE + 0x128;
/** Segment selectors, u16 each, in encoding order ES CS SS DS FS GS. */
export const SELECTORS = STATE + 0x130;
/** Current privilege level, u32. */
export const CPL = STATE + 0x13c;
/** Debug registers DR0 … DR7, u64 each. */
export const DR = STATE + 0x140;
export const GDTR_BASE = STATE + 0x180;
export const GDTR_LIMIT = STATE + 0x188;
export const IDTR_BASE = STATE + 0x190;
export const IDTR_LIMIT = STATE + 0x198;
/**
 * Hidden parts of the segment registers (SDM 3A 3.4.3), in the order ES CS SS DS FS GS LDTR TR: base u64, limit in bytes u32,
 * attributes u16 (`descriptors.ts`). The bases of FS and GS are FS_BASE and GS_BASE.
 */
export const SEGMENT_BASES = STATE + 0x1a0;
export const SEGMENT_LIMITS = STATE + 0x1e0;
export const SEGMENT_ATTRIBUTES = STATE + 0x200;
/** Selectors of LDTR and TR, u16. */
export const LDTR_SELECTOR = STATE + 0x210;
export const TR_SELECTOR = STATE + 0x212;
/** Whose tables count, u8 each: 0 until the guest has executed LGDT or LIDT, then 1. */
export const GUEST_GDT = STATE + 0x214;
export const GUEST_IDT = STATE + 0x215;
export const SYSENTER_CS = STATE + 0x218;
export const SYSENTER_ESP = STATE + 0x220;
export const SYSENTER_EIP = STATE + 0x228;
/**
 * Shadows of STI and MOV SS, u64: the instruction count up to which they last, plus one; 0: none. In them no interrupt is
 * taken, behind MOV SS no debug trap either.
 */
export const STI_SHADOW = STATE + 0x230;
export const MOV_SS_SHADOW = STATE + 0x238;
/** Not zero from the delivery of an NMI to the next IRET, u8. */
export const NMI_BLOCKED = STATE + 0x240;
/** Bits for DR6 of debug traps that wait for the shadow of MOV SS to end, u32. */
export const DEBUG_WAITING = STATE + 0x244;
/** An address a is canonical where a + CANONICAL_HALF, modulo 2^64, is below CANONICAL_SPAN; u64 both. */
export const CANONICAL_HALF = STATE + 0x248;
export const CANONICAL_SPAN = STATE + 0x250;
/** Protection keys: PKRU u32, IA32_PKRS u64. */
export const PKRU = STATE + 0x258;
/** IA32_UMWAIT_CONTROL, u32: its upper half is reserved. */
export const UMWAIT_CONTROL = STATE + 0x25c;
export const PKRS = STATE + 0x260;
export const PAT = STATE + 0x268;
export const TSC_ADJUST = STATE + 0x270;
/**
 * State components whose instructions may execute, u32 (SDM 1 13.3): XCR0 while CR4.OSXSAVE is set, else x87 and SSE; and those of
 * ALWAYS_USABLE, u32, whatever the two say. See `CpuState.settleUsable`.
 */
export const USABLE = STATE + 0x278;
export const ALWAYS_USABLE = STATE + 0x27c;
/** How many numbers RDRAND and RDSEED have given, u64. */
export const RANDOM_DRAWS = STATE + 0x280;
/** End of what a snapshot or hash takes of the registers above. */
export const SYSTEM_END = STATE + 0x288;
/**
 * State components whose use raises #NM, and those for which it was raised last: IA32_XFD and IA32_XFD_ERR, u64 (SDM 1 13.14). A hash
 * takes them only where they are not zero.
 */
export const XFD = STATE + 0x290;
export const XFD_ERR = STATE + 0x298;

/** Vector registers: 32 slots of 64 bytes; XMMn is the first 16 bytes of slot n. */
export const VECTOR = STATE + 0x400;
export const VECTOR_STRIDE = 64;
/** MXCSR, u32. */
export const MXCSR = STATE + 0xc00;
/** IEEE exceptions that the current instruction raised and that are not yet merged into MXCSR, u32. */
export const FP_RAISED = STATE + 0xc04;
/** x87: control word, status word (TOP inside), full tag word (two bits a physical register), u16 each; last opcode u16. */
export const X87_CW = STATE + 0xc08;
export const X87_SW = STATE + 0xc0a;
export const X87_TW = STATE + 0xc0c;
export const X87_OP = STATE + 0xc0e;
export const X87_IP = STATE + 0xc10;
export const X87_DP = STATE + 0xc18;
/** x87 physical registers R0 … R7, 16 bytes each: significand u64, then sign and exponent u16. ST(i) is R[(TOP + i) & 7]. */
export const X87_REG = STATE + 0xc40;

/** Opmask registers k0 … k7, u64 each. */
export const OPMASK = STATE + 0xcc0;
/** TILECFG as LDTILECFG reads it, 64 bytes (`tiles.ts`). */
export const TILECFG = STATE + 0xd00;

/** Execution control, written by engines and helpers. */
export const EXEC = STATE + 0xe00;
/** Instructions that may still retire before the engine must return, i64. */
export const BUDGET = EXEC;
/** Kind of the pending exit, i32: see `exec/exit.ts`. Zero when there is none. */
export const PENDING = EXEC + 8;
/** Vector, error code and faulting address of a pending fault. */
export const FAULT_VECTOR = EXEC + 0x10;
export const FAULT_ERROR = EXEC + 0x14;
export const FAULT_ADDRESS = EXEC + 0x18;
/** Instructions retired since the machine was made, as of the last engine exit or helper call, i64. */
export const ICOUNT = EXEC + 0x20;
/** Address before which the engine stops, u64. */
export const UNTIL = EXEC + 0x28;
/** Number of the present set of fetch translations, u32: a compiled region is entered only if it was checked under this one. */
export const GENERATION = EXEC + 0x30;
/** Not zero when a region has been dropped or a translation changed since a region was entered last, u32. */
export const STALE = EXEC + 0x34;
/** Not zero when the next instruction is not to be run by a compiled region, u32. */
export const PLAIN = EXEC + 0x38;
/** Scratch for values wider than 64 bits that cross between wasm and TypeScript: 4 × 16 bytes. */
export const SCRATCH = EXEC + 0x40;
/** How often regions have been left, by outcome (8 × u64), and entered from the dispatcher (u64): for statistics only. */
export const REGION_EXITS = EXEC + 0x80;
export const REGION_ENTRIES = EXEC + 0xc0;
/** A helper's extra results. */
export const STATE_END = STATE + 0x1000;

/**
 * Tile data of AMX: 8 tiles of 16 rows of 64 bytes, which copies of the state leave out; and whether any of it may be other than zero, u32
 * (`tiles.ts`).
 */
export const TILES = STATE_END;
export const TILE_BYTES = 1024;
export const TILE_DATA_BYTES = 8 * TILE_BYTES;
export const TILES_LIVE = TILES + TILE_DATA_BYTES;
export const TILES_END = TILES_LIVE + 8;

/** Fast TLBs: direct-mapped, 16,384 entries of { tag u64, addend u32, aux u32 }; a tag that is no page address never matches. */
export const TLB_ENTRIES = 16384;
export const TLB_ENTRY_SIZE = 16;
export const TLB_READ = 0x10000;
export const TLB_WRITE = 0x50000;
export const TLB_FETCH = 0x90000;

/** Where compiled regions are entered: direct-mapped by RIP, entries of { rip u64, table index u32, entry number u32 }. */
export const TARGETS = 0xd0000;
export const TARGET_ENTRIES = 4096;
export const TARGET_ENTRY_SIZE = 16;

export const CODE_ARENA = 0x0010_0000;
export const CODE_ARENA_END = 0x0800_0000;
/** Physical address 0 of the guest. */
export const RAM = 0x0800_0000;
/** The largest guest RAM that fits beside the rest in a 32-bit WebAssembly memory, in bytes. */
export const MAX_RAM = 0x1_0000_0000 - RAM - 0x1_0000;

/** Byte offset of general-purpose register `n` (0 = RAX … 15 = R15). */
export const gprAt = (n: number): number => GPR + 8 * n;
/** Byte offset of vector register `n`. */
export const vectorAt = (n: number): number => VECTOR + VECTOR_STRIDE * n;
/** Byte offset of opmask register `n`. */
export const opmaskAt = (n: number): number => OPMASK + 8 * n;
/** Byte offset of tile register `n`. */
export const tileAt = (n: number): number => TILES + TILE_BYTES * n;
/** Byte offset of MMX register `n`: the significand of physical x87 register R`n`, whatever TOP is. */
export const mmxAt = (n: number): number => X87_REG + 16 * n;
