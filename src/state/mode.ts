import type { CpuState } from './cpu-state.ts';
import { ATTRIBUTE, SEGMENT } from './descriptors.ts';
import * as L from './layout.ts';

const CR0_PE = 1;
const CR0_PG = 0x8000_0000;
const EFER_LMA = 0x400;

/** No protection: segment bases are selectors times 16. */
export const isRealMode = (cpu: CpuState): boolean => (cpu.view.getUint32(L.CR0, true) & CR0_PE) === 0;
/** IA-32e mode: 64-bit or compatibility mode. */
export const isIa32e = (cpu: CpuState): boolean => (cpu.view.getUint32(L.EFER, true) & EFER_LMA) !== 0;
export const isPaged = (cpu: CpuState): boolean => (cpu.view.getUint32(L.CR0, true) & CR0_PG) !== 0;

const codeAttributes = (cpu: CpuState): number => cpu.view.getUint16(L.SEGMENT_ATTRIBUTES + 2 * SEGMENT.CS, true);
const stackAttributes = (cpu: CpuState): number => cpu.view.getUint16(L.SEGMENT_ATTRIBUTES + 2 * SEGMENT.SS, true);

/** 64-bit mode, where segments but FS and GS have no base. */
export const isLongMode = (cpu: CpuState): boolean => isIa32e(cpu) && (codeAttributes(cpu) & ATTRIBUTE.L) !== 0;
/** Operand and address size of code that is not in 64-bit mode. */
export const codeBits = (cpu: CpuState): 16 | 32 => (codeAttributes(cpu) & ATTRIBUTE.DB ? 32 : 16);
/** Bits of the stack pointer there. */
export const stackBits = (cpu: CpuState): 16 | 32 => (stackAttributes(cpu) & ATTRIBUTE.DB ? 32 : 16);
