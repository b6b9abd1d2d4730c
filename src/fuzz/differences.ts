import { hex, hexBytes } from '../bits/hex.ts';
import { GPR_NAMES } from '../decode/registers.ts';
import { vectorName } from '../exec/exit.ts';
import { ARCHITECTURAL } from '../machine/state-hash.ts';
import type { OracleCase, OracleResult } from '../oracle/case.ts';
import { differences, initialSnapshot, type Masks, memoryDifferences, snapshot } from '../oracle/compare.ts';
import { REGIONS } from '../oracle/layout.ts';
import type { Sandbox } from '../oracle/sandbox.ts';
import * as L from '../state/layout.ts';
import { PALETTE, TILECFG_BYTES, tileConfiguration, tileData } from '../state/tiles.ts';
import type { Ending, Judged } from './oracles.ts';

/** One field in which an oracle and the one that judges it differ. */
export interface Difference {
  /** `ending`, `rip`, a register, `rflags`, `memory 0x10000200` … */
  readonly field: string;
  readonly got: string;
  readonly want: string;
}

/** The engine has failed: nothing else is worth a look. */
export const failed = (message: string, want: string): Difference[] => [
  { field: 'ending', got: `error ${message}`, want },
];

const LINE = /^(.*?): (.*), host (.*)$/;

/** Everything in which a sandbox differs from the host, the masked parts aside. */
export function hostDifferences(
  sandbox: Sandbox,
  ending: Judged,
  c: OracleCase,
  host: OracleResult,
  masks: Masks,
): Difference[] {
  const lines = [
    ...differences(sandbox, ending, host, masks),
    ...memoryDifferences(initialSnapshot(c), snapshot(sandbox), host, masks),
  ];
  return lines.map((line) => {
    const [, field, got, want] = LINE.exec(line) ?? ['', 'state', line, ''];
    return { field: field!, got: got!, want: want! };
  });
}

/** An ending in one line: `normal`, `#PF(6) at 0x10002000`. */
export function endingText(ending: Ending): string {
  if (ending.kind === 'error') return `error ${ending.message}`;
  if (ending.kind === 'unimplemented') return `not implemented: ${ending.mnemonic}`;
  if (ending.kind !== 'fault') return ending.kind;
  const { vector, errorCode, cr2 } = ending.fault;
  const code = errorCode === null ? '' : `(${errorCode.toString(16)})`;
  return `${vectorName(vector)}${code}${cr2 === null ? '' : ` at ${hex(cr2)}`}`;
}

const WRITABLE = REGIONS.filter((region) => region.writable);

/** Whether two engines left the same state after the same number of instructions. */
export function enginesAgree(a: Sandbox, endingA: Ending, b: Sandbox, endingB: Ending): boolean {
  const [x, y] = [a.machine.cpu, b.machine.cpu];
  if (endingA.kind !== endingB.kind || x.rip !== y.rip || x.rflags !== y.rflags || x.icount !== y.icount) return false;
  if (endingA.kind === 'fault' && endingText(endingA) !== endingText(endingB)) return false;
  for (const [from, to] of ARCHITECTURAL)
    if (Buffer.compare(x.u8.subarray(from, to), y.u8.subarray(from, to)) !== 0) return false;
  if (Buffer.compare(tileConfiguration(x), tileConfiguration(y)) !== 0) return false;
  const [tilesX, tilesY] = [tileData(x), tileData(y)];
  if (tilesX !== tilesY && (tilesX === null || tilesY === null || Buffer.compare(tilesX, tilesY) !== 0)) return false;
  return WRITABLE.every((region) => {
    const bytes = (s: Sandbox): Uint8Array => s.machine.memory.bytes(s.physical(region.base), region.size);
    return Buffer.compare(bytes(a), bytes(b)) === 0;
  });
}

/** Names of the parts of the CPU's state, by where they lie. */
const FIELDS: readonly (readonly [name: string, at: number, bytes: number])[] = [
  ...GPR_NAMES.map((name, n) => [name, L.gprAt(n), 8] as const),
  ['mxcsr', L.MXCSR, 4],
  ...Array.from({ length: 32 }, (_, n) => [`xmm${n}`, L.vectorAt(n), 16] as const),
  ...Array.from({ length: 32 }, (_, n) => [`ymm${n} 255:128`, L.vectorAt(n) + 16, 16] as const),
  ...Array.from({ length: 32 }, (_, n) => [`zmm${n} 511:256`, L.vectorAt(n) + 32, 32] as const),
  ...Array.from({ length: 8 }, (_, n) => [`k${n}`, L.opmaskAt(n), 8] as const),
  ['tilecfg', L.TILECFG, TILECFG_BYTES],
  ...Array.from({ length: PALETTE.tiles }, (_, n) => [`tmm${n}`, L.tileAt(n), L.TILE_BYTES] as const),
  ['fcw', L.X87_CW, 2],
  ['fsw', L.X87_SW, 2],
  ['ftw', L.X87_TW, 2],
  ['fop', L.X87_OP, 2],
  ['fip', L.X87_IP, 8],
  ['fdp', L.X87_DP, 8],
  ...Array.from({ length: 8 }, (_, n) => [`r${n} of the x87`, L.X87_REG + 16 * n, 10] as const),
  ['fsbase', L.FS_BASE, 8],
  ['gsbase', L.GS_BASE, 8],
  ['cr0', L.CR0, 8],
  ['cr2', L.CR2, 8],
  ['cr3', L.CR3, 8],
  ['cr4', L.CR4, 8],
];

const little = (bytes: Uint8Array): string => `0x${hexBytes(Uint8Array.from(bytes).reverse(), '')}`;

/** Everything in which one engine differs from another that judges it. */
export function engineDifferences(a: Sandbox, endingA: Ending, b: Sandbox, endingB: Ending): Difference[] {
  const [x, y] = [a.machine.cpu, b.machine.cpu];
  const out: Difference[] = [];
  const differ = (field: string, got: string, want: string): void => {
    if (got !== want) out.push({ field, got, want });
  };
  differ('ending', endingText(endingA), endingText(endingB));
  differ('rip', hex(x.rip), hex(y.rip));
  for (const [name, at, bytes] of FIELDS)
    differ(name, little(x.u8.subarray(at, at + bytes)), little(y.u8.subarray(at, at + bytes)));
  differ('rflags', hex(x.rflags), hex(y.rflags));
  for (const region of WRITABLE) {
    const [p, q] = [a, b].map((s) => s.machine.memory.bytes(s.physical(region.base), region.size));
    for (let i = 0; i < region.size && out.length < 40; i++)
      differ(`memory ${hex(region.base + BigInt(i))}`, hex(p![i]!), hex(q![i]!));
  }
  differ('instructions', String(x.icount), String(y.icount));
  if (out.length === 0 && !enginesAgree(a, endingA, b, endingB)) differ('system state', 'one', 'another');
  return out;
}
