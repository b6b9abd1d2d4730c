import type { CpuState } from '../../state/cpu-state.ts';
import { ATTRIBUTE, SEGMENT } from '../../state/descriptors.ts';
import * as L from '../../state/layout.ts';
import { clearTiles } from '../../state/tiles.ts';

const CR0_RESET = 0x6000_0010n;
const CR0_PROTECTED = 0x11n;
const DR6 = 0xffff_0ff0n;
const DR7 = 0x400n;
const PAT = 0x0007_0406_0007_0406n;
const MXCSR = 0x1f80;
const X87_CW = 0x40;
const X87_TW = 0x5555;
/** Family 6, as CPUID says: what EDX holds behind a reset. */
const IDENTITY = 0x6f0n;
const LIMIT16 = 0xffff;
const LIMIT32 = 0xffff_ffff;
const TABLE_LIMIT = 0xffff;
const DATA = ATTRIBUTE.P | ATTRIBUTE.S | ATTRIBUTE.READ_WRITE | ATTRIBUTE.ACCESSED;
const CODE = DATA | ATTRIBUTE.CODE;
const DATA_SEGMENTS = [SEGMENT.ES, SEGMENT.SS, SEGMENT.DS, SEGMENT.FS, SEGMENT.GS];

/** Puts a CPU into the state behind a reset or INIT (SDM 3A table 10-1): real mode, at the reset vector. */
export function resetCpu(cpu: CpuState): void {
  cpu.u8.fill(0, L.STATE, L.EXEC);
  clearTiles(cpu);
  cpu.setU64(L.CR0, CR0_RESET);
  cpu.setU64(L.XCR0, 1n);
  cpu.setU64(L.PAT, PAT);
  cpu.setU64(L.DR + 48, DR6);
  cpu.setU64(L.DR + 56, DR7);
  cpu.setGpr(2, IDENTITY);
  cpu.mxcsr = MXCSR;
  cpu.view.setUint16(L.X87_CW, X87_CW, true);
  cpu.view.setUint16(L.X87_TW, X87_TW, true);
  cpu.rflags = 2;
  cpu.view.setUint16(L.GDTR_LIMIT, TABLE_LIMIT, true);
  cpu.view.setUint16(L.IDTR_LIMIT, TABLE_LIMIT, true);
  // Its tables are the guest's from the start: at address 0, as in real mode.
  cpu.view.setUint8(L.GUEST_GDT, 1);
  cpu.view.setUint8(L.GUEST_IDT, 1);
  for (const n of DATA_SEGMENTS) cpu.setSegment(n, { base: 0n, limit: LIMIT16, attributes: DATA });
  cpu.setSelector(SEGMENT.CS, 0xf000);
  cpu.setSegment(SEGMENT.CS, { base: 0xffff_0000n, limit: LIMIT16, attributes: CODE });
  for (const n of [SEGMENT.LDTR, SEGMENT.TR]) cpu.setSegment(n, { base: 0n, limit: LIMIT16, attributes: ATTRIBUTE.P });
  cpu.rip = 0xfff0n;
}

/** Where a start-up interrupt sends a CPU that waits for it: real mode, CS:IP = VV00:0000. */
export function startAt(cpu: CpuState, vector: number): void {
  cpu.setSelector(SEGMENT.CS, vector << 8);
  cpu.setSegment(SEGMENT.CS, { base: BigInt(vector) << 12n, limit: LIMIT16, attributes: CODE });
  cpu.rip = 0n;
}

/** Flat 32-bit protected mode without paging, interrupts off, as boot loaders hand over. Descriptor tables are the guest's to load. */
export function protectCpu(cpu: CpuState, entry: number): void {
  resetCpu(cpu);
  cpu.setU64(L.CR0, CR0_PROTECTED);
  const wide = ATTRIBUTE.DB | ATTRIBUTE.G;
  for (const n of DATA_SEGMENTS) {
    cpu.setSelector(n, 0x10);
    cpu.setSegment(n, { base: 0n, limit: LIMIT32, attributes: DATA | wide });
  }
  cpu.setSelector(SEGMENT.CS, 8);
  cpu.setSegment(SEGMENT.CS, { base: 0n, limit: LIMIT32, attributes: CODE | wide });
  cpu.view.setUint8(L.GUEST_IDT, 0);
  cpu.rip = BigInt(entry);
}
