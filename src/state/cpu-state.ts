import { FLAT, SEGMENT, type Segment } from './descriptors.ts';
import * as L from './layout.ts';
import { readRflags, writeRflags } from './rflags.ts';
import { X87 } from './x87.ts';

const CR4_OSXSAVE = 1n << 18n;
const X87_AND_SSE = 3;

/** The architectural state of one CPU: a typed window on the bytes that `layout.ts` describes. It owns nothing. */
export class CpuState {
  readonly view: DataView;
  readonly u8: Uint8Array;
  /** Control, status and tag words, pointers and registers of the x87; `fxsave.ts` has the image of it all. */
  readonly x87: X87;

  constructor(memory: { readonly view: DataView; readonly u8: Uint8Array }) {
    this.view = memory.view;
    this.u8 = memory.u8;
    this.x87 = new X87(memory);
  }

  /** General-purpose register `n` in encoding order (0 RAX, 1 RCX, 2 RDX, 3 RBX, 4 RSP, 5 RBP, 6 RSI, 7 RDI, 8 … 15). */
  gpr(n: number): bigint {
    return this.view.getBigUint64(L.gprAt(n), true);
  }
  setGpr(n: number, value: bigint): void {
    this.view.setBigUint64(L.gprAt(n), value, true);
  }

  get rip(): bigint {
    return this.u64(L.RIP);
  }
  set rip(value: bigint) {
    this.setU64(L.RIP, value);
  }

  get rflags(): number {
    return readRflags(this.view);
  }
  set rflags(value: number) {
    writeRflags(this.view, value);
  }

  /** The low 128 bits of vector register `n`. */
  xmm(n: number): bigint {
    const at = L.vectorAt(n);
    return this.u64(at) | (this.u64(at + 8) << 64n);
  }
  setXmm(n: number, value: bigint): void {
    const at = L.vectorAt(n);
    this.setU64(at, value & 0xffff_ffff_ffff_ffffn);
    this.setU64(at + 8, value >> 64n);
  }

  /** Bits 255:128 of vector register `n`. */
  ymmHigh(n: number): bigint {
    const at = L.vectorAt(n) + 16;
    return this.u64(at) | (this.u64(at + 8) << 64n);
  }
  setYmmHigh(n: number, value: bigint): void {
    const at = L.vectorAt(n) + 16;
    this.setU64(at, value & 0xffff_ffff_ffff_ffffn);
    this.setU64(at + 8, value >> 64n);
  }

  /** Segment selector in encoding order (0 ES, 1 CS, 2 SS, 3 DS, 4 FS, 5 GS). */
  selector(n: number): number {
    return this.view.getUint16(L.SELECTORS + 2 * n, true);
  }
  setSelector(n: number, value: number): void {
    this.view.setUint16(L.SELECTORS + 2 * n, value, true);
  }

  /** Hidden part of a segment register in encoding order, of LDTR (6) or TR (7). */
  segment(n: number): Segment {
    return {
      base: this.u64(baseAt(n)),
      limit: this.view.getUint32(L.SEGMENT_LIMITS + 4 * n, true),
      attributes: this.view.getUint16(L.SEGMENT_ATTRIBUTES + 2 * n, true),
    };
  }
  setSegment(n: number, { base, limit, attributes }: Segment): void {
    this.setU64(baseAt(n), base);
    this.view.setUint32(L.SEGMENT_LIMITS + 4 * n, limit, true);
    this.view.setUint16(L.SEGMENT_ATTRIBUTES + 2 * n, attributes, true);
  }

  /** Puts flat code and data of a level into CS and SS, without a look at any table. Whoever keeps translations flushes. */
  setFlatSegments(code: number, data: number, cpl: number, bits: 32 | 64 = 64): void {
    const flat = { base: 0n, limit: 0xffff_ffff };
    this.setSelector(SEGMENT.CS, code);
    this.setSegment(SEGMENT.CS, { ...flat, attributes: bits === 64 ? FLAT.longCode(cpl) : FLAT.code32(cpl) });
    this.setSelector(SEGMENT.SS, data);
    this.setSegment(SEGMENT.SS, { ...flat, attributes: FLAT.data(cpl) });
    this.cpl = cpl;
  }

  get cpl(): number {
    return this.view.getUint32(L.CPL, true);
  }
  set cpl(value: number) {
    this.view.setUint32(L.CPL, value, true);
  }

  get mxcsr(): number {
    return this.view.getUint32(L.MXCSR, true);
  }
  set mxcsr(value: number) {
    this.view.setUint32(L.MXCSR, value, true);
  }

  /** Brings USABLE in line with CR4 and XCR0; to be called after a change of either. */
  settleUsable(): void {
    const enabled = this.u64(L.CR4) & CR4_OSXSAVE ? this.view.getUint32(L.XCR0, true) : X87_AND_SSE;
    this.view.setUint32(L.USABLE, enabled | this.view.getUint32(L.ALWAYS_USABLE, true), true);
  }

  /** Instructions retired since the machine was made. */
  get icount(): number {
    return Number(this.view.getBigInt64(L.ICOUNT, true));
  }
  set icount(value: number) {
    this.view.setBigInt64(L.ICOUNT, BigInt(value), true);
  }

  /** A 64-bit field by its layout address, for instance `cpu.u64(L.FS_BASE)`. */
  u64(at: number): bigint {
    return this.view.getBigUint64(at, true);
  }
  setU64(at: number, value: bigint): void {
    this.view.setBigUint64(at, value, true);
  }
}

/** FS and GS have the bases that instructions use; those of the others only show in descriptors. */
const baseAt = (n: number): number =>
  n === SEGMENT.FS ? L.FS_BASE : n === SEGMENT.GS ? L.GS_BASE : L.SEGMENT_BASES + 8 * n;
