import type { Random } from '../bits/random.ts';
import { Random as Generator } from '../bits/random.ts';
import { drawAvx512 } from '../oracle/avx512.ts';
import type { MemoryPatch } from '../oracle/case.ts';
import { DATA, READ_ONLY } from '../oracle/layout.ts';
import { drawMxcsr, seasoned, text128, value64, value128 } from '../oracle/states.ts';
import { drawFxsave } from '../oracle/x87-states.ts';
import { FLAG } from '../state/rflags.ts';
import type { StartState } from './steps.ts';
import { systemMemory } from './system.ts';
import { drawStackEdge, drawTarget, FILLED, STACK } from './targets.ts';

const RSP = 4;
const RFLAGS = 0x202;
const ARITHMETIC = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;
const POOL = 64;
const POOL_SEED = 0x900d;

/** Floating-point states, vectors and memory contents that sequences share: drawing them anew costs more than running them. */
interface Pool {
  readonly fxsave: readonly Uint8Array[];
  readonly vectors: readonly bigint[];
  readonly avx512: readonly Uint8Array[];
  readonly memory: readonly (readonly MemoryPatch[])[];
  readonly tables: readonly (readonly MemoryPatch[])[];
}
let pool: Pool | undefined;

function memoryOf(random: Random): MemoryPatch[] {
  return [
    { address: BigInt(FILLED.from), bytes: seasoned(random.bytes(FILLED.bytes), random) },
    { address: BigInt(STACK), bytes: random.bytes(64) },
    { address: DATA.base + 0xfe0n, bytes: random.bytes(64) },
    { address: READ_ONLY.base, bytes: random.bytes(80) },
  ];
}

function pooled(): Pool {
  if (pool === undefined) {
    const random = new Generator(POOL_SEED);
    const many = <T>(count: number, draw: () => T): T[] => Array.from({ length: count }, draw);
    pool = {
      fxsave: many(4 * POOL, () => drawFxsave(random)),
      vectors: many(16 * POOL, () => (random.below(16) ? value128(random) : text128(random))),
      avx512: many(POOL, () => drawAvx512(random, () => value128(random))),
      memory: many(POOL, () => memoryOf(random)),
      tables: many(POOL, () => systemMemory(random)),
    };
  }
  return pool;
}

function drawStack(random: Random): number {
  if (random.below(6)) return STACK + (random.below(8) ? 0 : random.below(16));
  return random.below(3) ? drawTarget(random) : drawStackEdge(random);
}

/**
 * A state to start from: mostly with registers that point at memory, some small numbers, and anything else.
 * @param system with tables for system instructions in memory
 */
export function drawState(random: Random, system = false): StartState {
  const { fxsave, vectors, memory, tables, avx512 } = pooled();
  const gpr = Array.from({ length: 16 }, (_, n) => {
    if (n === RSP) return BigInt(drawStack(random));
    const kind = random.below(8);
    if (kind < 3) return BigInt(drawTarget(random));
    return kind < 5 ? BigInt(random.below(40)) : value64(random);
  });
  return {
    gpr,
    rflags: RFLAGS | (random.u32() & ARITHMETIC) | (random.below(6) === 0 ? FLAG.DF : 0),
    fsBase: BigInt(random.below(4) * 16),
    gsBase: BigInt(random.below(4) * 8),
    fxsave: random.pick(fxsave),
    xmm: Array.from({ length: 16 }, () => random.pick(vectors)),
    ymmHigh: Array.from({ length: 16 }, () => random.pick(vectors)),
    avx512: random.pick(avx512),
    mxcsr: drawMxcsr(random),
    memory: system ? [...random.pick(memory), ...random.pick(tables)] : random.pick(memory),
  };
}

/** What is known of the registers of a state: see `Known`. */
export const knownRegisters = (gpr: ArrayLike<bigint>): (number | null)[] =>
  Array.from(gpr, (value) => (value < 0x8000_0000n ? Number(value) : null));
