import type { EngineName } from '../exec/engine.ts';
import type { Exit } from '../exec/exit.ts';
import { Machine } from '../machine/machine.ts';
import { fxrstorImage } from '../state/fxsave.ts';
import { CR4, EFER, FP_RAISED, FS_BASE, GS_BASE, ICOUNT, XCR0 } from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import { clearTiles, tileConfiguration } from '../state/tiles.ts';
import { STATE_BIT } from '../state/xsave.ts';
import { setAvx512 } from './avx512.ts';
import type { OracleCase } from './case.ts';
import { ALIASES, CODE, type OracleRegion, REGIONS, regionOf } from './layout.ts';
import { initialFxsave } from './wire.ts';

/** Every instruction that there is for user code, those of other vendors' CPUs too. */
const CPU = 'default,+sse4a,+clzero,+mwaitx';
const EFER_SCE = 1n;
const CR4_OSXSAVE = 1n << 18n;
/** State components that are enabled in every sandbox. */
export const SANDBOX_XCR0 = STATE_BIT.x87 | STATE_BIT.sse | STATE_BIT.avx | STATE_BIT.avx512;
const INT3 = 0xcc;
const PRESENT = 1n;
const WRITABLE = 2n;
const USER = 4n;
const NO_EXECUTE = 1n << 63n;

/** Bytes of a region that are looked at, and filled, at once. */
const RESTORED = 512;
const CLEAN: Readonly<Record<number, Buffer>> = Object.fromEntries(
  REGIONS.map(({ background }) => [background, Buffer.alloc(RESTORED, background)]),
);

/** A machine that maps exactly what the host maps for a case. */
export class Sandbox {
  readonly machine: Machine;
  readonly #frames = new Map<OracleRegion, number>();
  #dirtyCode: { physical: number; length: number; background: number }[] = [];

  /** @param hotAfter how soon the engine `jit` compiles: at 1 what is reached by a jump is never interpreted */
  constructor(engine: EngineName, hotAfter?: number) {
    this.machine = new Machine({ memory: 1 << 22, engine, cpu: CPU, ...(hotAfter ? { hotAfter } : {}) });
    const { memory } = this.machine;
    const root = memory.allocateFrame();
    const link = (table: number, index: number): number => {
      const entry = memory.readU64(table + 8 * index);
      if (entry & PRESENT) return Number(entry & 0xff_ffff_f000n);
      const next = memory.allocateFrame();
      memory.writeU64(table + 8 * index, BigInt(next) | PRESENT | WRITABLE | USER);
      return next;
    };
    const map = (linear: number, frame: number, rights: bigint): void => {
      const table = link(link(link(root, 0), Math.floor(linear / 2 ** 30) & 511), (linear >>> 21) & 511);
      memory.writeU64(table + 8 * ((linear >>> 12) & 511), BigInt(frame) | PRESENT | USER | rights);
    };
    for (const region of REGIONS) {
      // A region's frames follow each other; the tables come behind them.
      const frames = Array.from({ length: region.size / 4096 }, () => memory.allocateFrame());
      this.#frames.set(region, frames[0]!);
      memory.fill(frames[0]!, region.size, region.background);
      const rights = (region.writable ? WRITABLE : 0n) | (region.executable ? 0n : NO_EXECUTE);
      for (const [page, frame] of frames.entries()) {
        map(Number(region.base) + page * 4096, frame, rights);
        const alias = ALIASES.find(({ of }) => of === region);
        if (alias !== undefined) map(Number(alias.base) + page * 4096, frame, WRITABLE | NO_EXECUTE);
      }
    }
    this.machine.setRoot(root);
    this.enableXsave();
    const { cpu } = this.machine;
    cpu.setU64(EFER, cpu.u64(EFER) | EFER_SCE);
  }

  /** Switches XSAVE on with the AVX state, as the host's system has; a reset of the machine switches it off. */
  enableXsave(): void {
    const { cpu } = this.machine;
    cpu.setU64(CR4, cpu.u64(CR4) | CR4_OSXSAVE);
    cpu.setU64(XCR0, SANDBOX_XCR0);
    cpu.settleUsable();
  }

  /** Physical address behind a linear one inside a region. */
  physical(address: bigint): number {
    const region = regionOf(address, 1)!;
    return this.#frames.get(region)! + Number(address - region.base);
  }

  /** A region's background where something else stands: who fills more makes engines look for code in all of it. */
  #restore(region: OracleRegion): void {
    const { memory } = this.machine;
    const frame = this.#frames.get(region)!;
    const bytes = memory.bytes(frame, region.size);
    const clean = CLEAN[region.background]!;
    for (let at = 0; at < region.size; at += RESTORED)
      if (!clean.equals(bytes.subarray(at, at + RESTORED))) memory.fill(frame + at, RESTORED, region.background);
  }

  /** Puts a case in place and runs it; the ending is that of the host: `normal` at the marker behind the code. */
  run(c: OracleCase, budget: number): Exit | { readonly kind: 'normal' } {
    this.place(c);
    const { cpu } = this.machine;
    const exit = this.machine.run(budget);
    const end = (c.codeAddress ?? CODE.base) + BigInt(c.code.length);
    if (exit.kind === 'fault' && exit.fault.vector === VECTOR.BP && cpu.rip === end + 1n) {
      cpu.rip = end;
      return { kind: 'normal' };
    }
    return exit;
  }

  /** Puts a case's memory and registers in place. Selectors, control registers and the privilege level stay. */
  place(c: OracleCase): void {
    const { machine } = this;
    const { cpu, memory } = machine;
    for (const { physical, length, background } of this.#dirtyCode) memory.fill(physical, length, background);
    this.#dirtyCode = [];
    for (const region of REGIONS) if (region.writable || region.background === 0) this.#restore(region);
    for (const patch of c.memory ?? []) memory.write(this.physical(patch.address), patch.bytes);
    const at = c.codeAddress ?? CODE.base;
    memory.write(this.physical(at), c.code);
    const region = regionOf(at, 1)!;
    const end = at + BigInt(c.code.length);
    if (regionOf(end, 1) === region) memory.write(this.physical(end), Uint8Array.of(INT3));
    this.#dirtyCode.push({ physical: this.physical(at), length: c.code.length, background: region.background });
    fxrstorImage(cpu, c.fxsave ?? initialFxsave());
    for (let n = 0; n < 16; n++) {
      cpu.setGpr(n, c.gpr[n]!);
      const xmm = c.xmm?.[n];
      if (xmm !== undefined) cpu.setXmm(n, xmm);
      cpu.setYmmHigh(n, c.ymmHigh?.[n] ?? 0n);
    }
    setAvx512(cpu, c.avx512);
    tileConfiguration(cpu).fill(0);
    clearTiles(cpu);
    cpu.rflags = c.rflags ?? 0x202;
    if (c.mxcsr !== undefined) cpu.mxcsr = c.mxcsr;
    cpu.view.setUint32(FP_RAISED, 0, true);
    cpu.setU64(FS_BASE, c.fsBase ?? 0n);
    cpu.setU64(GS_BASE, c.gsBase ?? 0n);
    cpu.setU64(ICOUNT, 0n);
    cpu.rip = c.rip ?? at;
    machine.mmu.flush('all');
  }
}
