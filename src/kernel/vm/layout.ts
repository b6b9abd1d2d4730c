/** How Linux lays out a 64-bit process without address randomisation (arch/x86/mm/mmap.c, fs/binfmt_elf.c). */

export const PAGE = 4096;
/** End of user addresses under 4-level paging: 2^47 less one page. */
export const TASK_SIZE = 0x7fff_ffff_f000;
/** The stack grows down from here. */
export const STACK_TOP = TASK_SIZE;
/** Top-down mappings start this far below the stack's top: the 128 MiB that Linux keeps as the least gap. */
export const MMAP_BASE = STACK_TOP - 0x800_0000;
/** Where the search goes up from when nothing is free below MMAP_BASE: a third of the address space. */
export const TASK_UNMAPPED_BASE = 0x2aaa_aaaa_b000;
/** A hint below this is moved up to it (vm.mmap_min_addr). */
export const MMAP_MIN_ADDR = 0x1_0000;
/** Load address of a PIE (ELF_ET_DYN_BASE, two thirds of the address space). */
export const PIE_BASE = 0x5555_5555_4000;
/** No mapping may come closer to a stack that grows than this. */
export const STACK_GUARD_GAP = 256 * PAGE;
/** Linux gives a new stack this much below its contents at once. */
export const STACK_EXPAND = 0x2_0000;
/** Most areas in one address space (vm.max_map_count). */
export const MAX_AREAS = 65530;

export const pageDown = (address: number): number => address - (address % PAGE);
export const pageUp = (address: number): number => pageDown(address + PAGE - 1);
