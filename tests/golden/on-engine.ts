import { parseHexBytes } from '../../src/bits/hex.ts';
import { EngineOracle } from '../../src/fuzz/oracles.ts';
import type { OracleCase } from '../../src/oracle/case.ts';
import { DATA } from '../../src/oracle/layout.ts';
import type { CpuState } from '../../src/state/cpu-state.ts';

export const ENGINES = ['reference', 'interpreter', 'jit', 'jit-slices'] as const;
export type Engine = (typeof ENGINES)[number];

/** Memory that the code finds in RSI: 4 KiB, zero at first. */
export const MEMORY = DATA.base;
const RSP = 4;
const RSI = 6;
const oracles = new Map<Engine, EngineOracle>();

export interface After {
  readonly cpu: CpuState;
  readonly memory: Uint8Array;
}

/** Runs code to its end on an engine. @throws Error where it does not come there */
export function run(
  engine: Engine,
  bytes: string,
  state: Partial<OracleCase> & { readonly data?: Uint8Array } = {},
): After {
  const oracle = oracles.get(engine) ?? new EngineOracle(engine);
  oracles.set(engine, oracle);
  const gpr = Array.from({ length: 16 }, (_, n) => state.gpr?.[n] ?? 0n);
  gpr[RSP] ||= DATA.base + 0x1800n;
  gpr[RSI] ||= MEMORY;
  const { data, ...rest } = state;
  const code = parseHexBytes(bytes);
  const memory = data === undefined ? [] : [{ address: MEMORY, bytes: data }];
  const ending = oracle.run({ codeAddress: 0x3000_0100n, memory, ...rest, code, gpr });
  if (ending.kind !== 'normal')
    throw new Error(`${bytes}: ${JSON.stringify(ending, (_, v) => (typeof v === 'bigint' ? `${v}` : v))}`);
  const { sandbox } = oracle;
  return { cpu: sandbox.machine.cpu, memory: sandbox.machine.memory.bytes(sandbox.physical(MEMORY), 4096) };
}
