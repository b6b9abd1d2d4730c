import type { CpuState } from './cpu-state.ts';
import { FX, fxrstorX87, fxsaveX87, MXCSR_MASK } from './fxsave.ts';
import { OPMASK, TILE_DATA_BYTES, VECTOR, VECTOR_STRIDE, XFD } from './layout.ts';
import {
  isTileConfiguration,
  setTileConfiguration,
  setTileData,
  TILECFG_BYTES,
  tileConfiguration,
  tileData,
  tilesConfigured,
} from './tiles.ts';

/** Bits of XCR0 and of every mask of state components (SDM 1 13.1). */
export const STATE_BIT = {
  x87: 1n,
  sse: 2n,
  avx: 4n,
  opmask: 0x20n,
  avx512: 0xe0n,
  tileData: 1n << 18n,
  amx: 3n << 17n,
} as const;
/** The value of MXCSR that counts as initial. */
const MXCSR_INITIAL = 0x1f80;
const X87_CW_INITIAL = 0x37f;

/** Bytes of the legacy region and of the header behind it (SDM 1 13.4). */
export const LEGACY_BYTES = 512;
export const HEADER_BYTES = 64;
/** Fields of the header, from the start of the area. */
export const HEADER = { stateBv: LEGACY_BYTES, compBv: LEGACY_BYTES + 8, reserved: LEGACY_BYTES + 16 } as const;
/** Set in XCOMP_BV where the area is compacted. */
export const COMPACTED = 1n << 63n;

/** One component of the extended region: CPUID.(0Dh, number) tells of it. */
export interface Component {
  readonly number: number;
  /** Bytes, and where it stands in the standard format. */
  readonly size: number;
  readonly offset: number;
  /** It begins at a multiple of 64 in the compacted format. */
  readonly aligned: boolean;
  /** IA32_XFD can keep it from being used. */
  readonly canBeOff?: true;
  readonly save: (cpu: CpuState, area: DataView, at: number) => void;
  /** Loads it, or makes it initial where there is no area. */
  readonly load: (cpu: CpuState, area: DataView | null, at: number) => void;
  readonly initial: (cpu: CpuState) => boolean;
}

const REGISTERS = 16;
const upper = (n: number): number => VECTOR + VECTOR_STRIDE * n + 16;

/** A component whose bytes stand in the state as they stand in the area, in pieces of the same length. */
function pieces(
  number: number,
  offset: number,
  aligned: boolean,
  places: readonly number[],
  length: number,
): Component {
  const words = places.flatMap((place) => Array.from({ length: length / 8 }, (_, i) => place + 8 * i));
  return {
    number,
    size: words.length * 8,
    offset,
    aligned,
    save: (cpu, area, at) => {
      for (const [i, word] of words.entries()) area.setBigUint64(at + 8 * i, cpu.u64(word), true);
    },
    load: (cpu, area, at) => {
      for (const [i, word] of words.entries()) cpu.setU64(word, area?.getBigUint64(at + 8 * i, true) ?? 0n);
    },
    initial: (cpu) => words.every((word) => cpu.u64(word) === 0n),
  };
}

const numbered = (from: number, count: number, place: (n: number) => number): number[] =>
  Array.from({ length: count }, (_, n) => place(from + n));

const NO_TILES = new Uint8Array(TILECFG_BYTES);
const bytesAt = (area: DataView, at: number, length: number): Uint8Array =>
  new Uint8Array(area.buffer, area.byteOffset + at, length);

/** Components beyond x87 and SSE, by number: AVX; opmasks, upper halves of ZMM0–15, ZMM16–31; TILECFG, tile data. */
export const COMPONENTS: readonly Component[] = [
  {
    number: 2,
    size: 16 * REGISTERS,
    offset: 576,
    aligned: false,
    save: (cpu, area, at) => {
      for (let n = 0; n < REGISTERS; n++)
        for (const half of [0, 8]) area.setBigUint64(at + 16 * n + half, cpu.u64(upper(n) + half), true);
    },
    load: (cpu, area, at) => {
      for (let n = 0; n < REGISTERS; n++)
        for (const half of [0, 8]) cpu.setU64(upper(n) + half, area?.getBigUint64(at + 16 * n + half, true) ?? 0n);
    },
    initial: (cpu) => {
      for (let n = 0; n < REGISTERS; n++) if (cpu.ymmHigh(n) !== 0n) return false;
      return true;
    },
  },
  pieces(5, 1088, false, [OPMASK], 64),
  pieces(
    6,
    1152,
    false,
    numbered(0, REGISTERS, (n) => upper(n) + 16),
    32,
  ),
  pieces(
    7,
    1664,
    false,
    numbered(REGISTERS, REGISTERS, (n) => upper(n) - 16),
    64,
  ),
  {
    number: 17,
    size: TILECFG_BYTES,
    offset: 2752,
    aligned: true,
    save: (cpu, area, at) => bytesAt(area, at, TILECFG_BYTES).set(tileConfiguration(cpu)),
    // What LDTILECFG would refuse leaves the initial state.
    load: (cpu, area, at) => {
      const image = area === null ? NO_TILES : bytesAt(area, at, TILECFG_BYTES);
      setTileConfiguration(cpu, isTileConfiguration(image) ? image : NO_TILES);
    },
    initial: (cpu) => !tilesConfigured(cpu),
  },
  {
    number: 18,
    size: TILE_DATA_BYTES,
    offset: 2816,
    aligned: true,
    canBeOff: true,
    save: (cpu, area, at) => {
      const data = tileData(cpu);
      if (data !== null) bytesAt(area, at, TILE_DATA_BYTES).set(data);
    },
    load: (cpu, area, at) => setTileData(cpu, area === null ? null : bytesAt(area, at, TILE_DATA_BYTES)),
    initial: (cpu) => tileData(cpu)?.every((byte) => byte === 0) ?? true,
  },
];

const has = (mask: bigint, number: number): boolean => ((mask >> BigInt(number)) & 1n) === 1n;
const extended = (mask: bigint): Component[] => COMPONENTS.filter(({ number }) => has(mask, number));

/** Bytes of an area in the standard format with these components. */
export function standardSize(mask: bigint): number {
  return extended(mask).reduce((end, c) => Math.max(end, c.offset + c.size), LEGACY_BYTES + HEADER_BYTES);
}

/** Where each component stands in the compacted format, and the bytes of the whole area. */
export function compactedLayout(mask: bigint): { offsets: ReadonlyMap<number, number>; size: number } {
  const offsets = new Map<number, number>();
  let at = LEGACY_BYTES + HEADER_BYTES;
  for (const { number, size, aligned } of extended(mask)) {
    if (aligned) at = (at + 63) & ~63;
    offsets.set(number, at);
    at += size;
  }
  return { offsets, size: at };
}

function x87Initial({ x87 }: CpuState): boolean {
  if (x87.controlWord !== X87_CW_INITIAL || x87.statusWord !== 0 || x87.abridgedTags !== 0) return false;
  if (x87.instructionPointer || x87.lastDataPointer || x87.lastOpcode) return false;
  for (let n = 0; n < 8; n++) if (x87.readPhysical(n) !== 0n) return false;
  return true;
}

function sseInitial(cpu: CpuState): boolean {
  for (let n = 0; n < REGISTERS; n++) if (cpu.xmm(n) !== 0n) return false;
  return true;
}

/** XINUSE: components that are not in their initial state (SDM 1 13.6). MXCSR counts only where a caller says so. */
export function inUse(cpu: CpuState): bigint {
  let mask = 0n;
  if (!x87Initial(cpu)) mask |= STATE_BIT.x87;
  if (!sseInitial(cpu)) mask |= STATE_BIT.sse;
  for (const { number, initial } of COMPONENTS) if (!initial(cpu)) mask |= 1n << BigInt(number);
  return mask;
}

/** Components that IA32_XFD keeps from being used (SDM 1 13.14). */
export const switchedOff = (cpu: CpuState): bigint => cpu.u64(XFD);
/** Those that it can keep from being used. */
export const CAN_BE_OFF: bigint = COMPONENTS.reduce(
  (mask, { number, canBeOff }) => (canBeOff ? mask | (1n << BigInt(number)) : mask),
  0n,
);

/** Whether MXCSR has another value than at reset. */
export const mxcsrInUse = (cpu: CpuState): boolean => cpu.mxcsr !== MXCSR_INITIAL;

/** A run of bytes of an area. */
export interface Run {
  readonly at: number;
  readonly length: number;
}
const X87_RUNS: readonly Run[] = [
  { at: 0, length: FX.mxcsr },
  { at: FX.st, length: 8 * FX.stride },
];
const MXCSR_RUN: Run = { at: FX.mxcsr, length: 8 };
const SSE_RUN: Run = { at: FX.xmm, length: REGISTERS * FX.stride };

/** How an area is written. */
export interface SavePlan {
  /** Requested and enabled components. */
  readonly requested: bigint;
  /** Those that are written: all requested ones, or (XSAVEOPT, XSAVEC) those in use. */
  readonly written: bigint;
  readonly compacted: boolean;
  readonly mxcsr: boolean;
  /** REX.W: pointers of the x87 have 64 bits. */
  readonly wide: boolean;
}

/** Bytes of components that a save writes, without the header; the area itself begins at 0. */
export function saveRuns({ requested, written, compacted, mxcsr }: SavePlan): Run[] {
  const { offsets } = compactedLayout(requested);
  return [
    ...(has(written, 0) ? X87_RUNS : []),
    ...(mxcsr ? [MXCSR_RUN] : []),
    ...(has(written, 1) ? [SSE_RUN] : []),
    ...extended(written).map((c) => ({ at: compacted ? offsets.get(c.number)! : c.offset, length: c.size })),
  ];
}

/** The area's bytes; of them only those of `saveRuns` are to be stored. */
export function saveImage(cpu: CpuState, plan: SavePlan): Uint8Array {
  const { offsets, size } = compactedLayout(plan.requested);
  const image = new Uint8Array(plan.compacted ? size : standardSize(plan.requested));
  const view = new DataView(image.buffer);
  fxsaveX87(cpu.x87, view, plan.wide);
  view.setUint32(FX.mxcsr, cpu.mxcsr, true);
  view.setUint32(FX.mxcsrMask, MXCSR_MASK, true);
  for (let n = 0; n < REGISTERS; n++) {
    view.setBigUint64(FX.xmm + FX.stride * n, cpu.xmm(n) & 0xffff_ffff_ffff_ffffn, true);
    view.setBigUint64(FX.xmm + FX.stride * n + 8, cpu.xmm(n) >> 64n, true);
  }
  for (const c of extended(plan.written)) c.save(cpu, view, plan.compacted ? offsets.get(c.number)! : c.offset);
  return image;
}

/** How an area is loaded. */
export interface RestorePlan {
  readonly requested: bigint;
  /** XSTATE_BV: the others become initial. */
  readonly present: bigint;
  /** XCOMP_BV without its top bit, or null for the standard format. */
  readonly compacted: bigint | null;
  readonly wide: boolean;
}

/** Whether MXCSR comes from the area: always with SSE or AVX in the standard format, with SSE's state in the compacted one. */
export function loadsMxcsr({ requested, present, compacted }: RestorePlan): boolean {
  return compacted === null
    ? (requested & (STATE_BIT.sse | STATE_BIT.avx)) !== 0n
    : (requested & present & STATE_BIT.sse) !== 0n;
}

/** Bytes that a restore reads. */
export function restoreRuns(plan: RestorePlan): Run[] {
  const { requested, present, compacted } = plan;
  const loaded = requested & present;
  const { offsets } = compactedLayout(compacted ?? 0n);
  return [
    ...(has(loaded, 0) ? X87_RUNS : []),
    ...(loadsMxcsr(plan) ? [MXCSR_RUN] : []),
    ...(has(loaded, 1) ? [SSE_RUN] : []),
    ...extended(loaded).map((c) => ({ at: compacted === null ? c.offset : offsets.get(c.number)!, length: c.size })),
  ];
}

/** Loads the components of an area whose bytes of `restoreRuns` are there. */
export function restoreImage(cpu: CpuState, image: Uint8Array, plan: RestorePlan): void {
  const { requested, present, compacted } = plan;
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const { offsets } = compactedLayout(compacted ?? 0n);
  if (has(requested, 0)) {
    if (has(present, 0)) fxrstorX87(cpu.x87, view, plan.wide);
    else {
      cpu.x87.init();
      for (let n = 0; n < 8; n++) cpu.x87.writePhysical(n, 0n);
    }
  }
  if (loadsMxcsr(plan)) cpu.mxcsr = view.getUint32(FX.mxcsr, true);
  else if (has(requested, 1)) cpu.mxcsr = MXCSR_INITIAL;
  if (has(requested, 1))
    for (let n = 0; n < REGISTERS; n++) {
      const at = FX.xmm + FX.stride * n;
      const loaded = has(present, 1);
      cpu.setXmm(n, loaded ? view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n) : 0n);
    }
  for (const c of extended(requested)) {
    const at = compacted === null ? c.offset : (offsets.get(c.number) ?? 0);
    c.load(cpu, has(present, c.number) ? view : null, at);
  }
}
