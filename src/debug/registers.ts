import { littleEndianNumber } from '../bits/bytes.ts';
import { hex } from '../bits/hex.ts';
import { GPR_NAMES, SEGMENT_NAMES } from '../decode/registers.ts';
import type { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { FLAG } from '../state/rflags.ts';
import { PALETTE, tileConfiguration, tileData, tileRowsInUse, tilesConfigured } from '../state/tiles.ts';
import { X87 } from '../state/x87.ts';

const FLAG_ORDER = ['CF', 'PF', 'AF', 'ZF', 'SF', 'TF', 'IF', 'DF', 'OF', 'NT', 'RF', 'AC', 'ID'] as const;
const NAME_COLUMN = 6;
const PER_LINE = 4;
const X87_EMPTY = 0xffff;

/** The names of the flags that are set. */
export function flagNames(rflags: number): string {
  return FLAG_ORDER.filter((name) => rflags & FLAG[name]).join(' ');
}

const word = (name: string, value: bigint): string => `${name.padEnd(NAME_COLUMN)} ${hex(value, 64)}`;

function rows(cells: readonly string[], perLine = PER_LINE): string[] {
  const lines: string[] = [];
  for (let i = 0; i < cells.length; i += perLine) lines.push(cells.slice(i, i + perLine).join('  '));
  return lines;
}

const VECTORS = 32;
const OPMASKS = 8;

/** Vector registers that hold something, by the narrowest name that shows all of it; of the first 16 those that XMM does not show. */
function wideVectors(cpu: CpuState): [name: string, value: bigint, width: number][] {
  return Array.from({ length: VECTORS }, (_, n) => n).flatMap((n) => {
    let value = 0n;
    for (let at = 56; at >= 0; at -= 8) value = (value << 64n) | cpu.u64(L.vectorAt(n) + at);
    const [letter, width] = value >> 256n ? (['z', 512] as const) : value >> 128n ? (['y', 256] as const) : ['x', 128];
    return value === 0n || (n < 16 && width === 128) ? [] : [[`${letter}mm${n}`, value, width] as const];
  }) as [string, bigint, number][];
}

const opmasks = (cpu: CpuState): bigint[] => Array.from({ length: OPMASKS }, (_, n) => cpu.u64(L.opmaskAt(n)));

const TILES = Array.from({ length: PALETTE.tiles }, (_, n) => n);

/** TILECFG and the rows of tiles that hold something. */
function tileLines(cpu: CpuState): string[] {
  const configuration = littleEndianNumber(tileConfiguration(cpu));
  const rows = TILES.flatMap((n) =>
    tileRowsInUse(cpu, n).map(
      ([row, bytes]) => `${`tmm${n}[${row}]`.padEnd(NAME_COLUMN)} ${hex(littleEndianNumber(bytes), 512)}`,
    ),
  );
  return tilesConfigured(cpu) ? [`tilecfg ${hex(configuration, 512)}`, ...rows] : rows;
}

/** Every register of a CPU as lines of text; vector and x87 registers where they hold something. */
export function registerLines(cpu: CpuState): string[] {
  const x87 = new X87(cpu);
  const selectors = SEGMENT_NAMES.map((name, n) => `${name} ${cpu.selector(n).toString(16).padStart(4, '0')}`);
  const xmm = Array.from({ length: 16 }, (_, n) => [`xmm${n}`, cpu.xmm(n)] as const).filter(
    ([, value]) => value !== 0n,
  );
  const lines = [
    ...rows(GPR_NAMES.map((name, n) => word(name, cpu.gpr(n)))),
    `${word('rip', cpu.rip)}  rflags ${hex(cpu.rflags, 32)} [${flagNames(cpu.rflags)}]  cpl ${cpu.cpl}`,
    `${selectors.join('  ')}`,
    ...rows([
      word('fs', cpu.u64(L.FS_BASE)),
      word('gs', cpu.u64(L.GS_BASE)),
      `${'kernel'.padEnd(NAME_COLUMN)} ${hex(cpu.u64(L.KERNEL_GS_BASE), 64)}`,
    ]),
    ...rows([
      word('cr0', cpu.u64(L.CR0)),
      word('cr2', cpu.u64(L.CR2)),
      word('cr3', cpu.u64(L.CR3)),
      word('cr4', cpu.u64(L.CR4)),
    ]),
    `mxcsr  ${hex(cpu.mxcsr, 16)}  x87 cw ${hex(x87.controlWord, 16)} sw ${hex(x87.statusWord, 16)} tag ${hex(cpu.view.getUint16(L.X87_TW, true), 16)}`,
    ...rows(
      xmm.map(([name, value]) => `${name.padEnd(NAME_COLUMN)} ${hex(value, 128)}`),
      2,
    ),
    ...wideVectors(cpu).map(([name, value, width]) => `${name.padEnd(NAME_COLUMN)} ${hex(value, width)}`),
    ...rows(opmasks(cpu).flatMap((value, n) => (value === 0n ? [] : [word(`k${n}`, value)]))),
    ...tileLines(cpu),
  ];
  if (cpu.view.getUint16(L.X87_TW, true) !== X87_EMPTY) {
    const st = Array.from({ length: 8 }, (_, i) => (x87.isEmpty(i) ? '' : `st${i}    ${hex(x87.read(i), 80)}`));
    lines.push(
      ...rows(
        st.filter((text) => text !== ''),
        2,
      ),
    );
  }
  return lines;
}

/** The same as plain values: 64-bit and wider ones are strings. */
export interface RegisterValues {
  readonly regs: Readonly<Record<string, string>>;
  readonly segs: Readonly<Record<string, number>>;
  readonly fsBase: string;
  readonly gsBase: string;
  readonly cr: Readonly<Record<string, string>>;
  readonly xmm: readonly string[];
  /** What XMM0 to XMM15 do not show, where there is something: «ymm3», «zmm17», «k1», «tilecfg», «tmm0» (1,024 bytes). */
  readonly wide?: Readonly<Record<string, string>>;
  readonly mxcsr: number;
  readonly x87: {
    readonly cw: number;
    readonly sw: number;
    /** Two bits for each physical register, 3 for an empty one. */
    readonly tag: number;
    /** ST(0) to ST(7), 80 bits each, empty or not. */
    readonly st: readonly string[];
  };
}

export function registerValues(cpu: CpuState): RegisterValues {
  const x87 = new X87(cpu);
  const regs: Record<string, string> = {};
  for (const [n, name] of GPR_NAMES.entries()) regs[name] = hex(cpu.gpr(n));
  regs['rip'] = hex(cpu.rip);
  regs['rflags'] = hex(cpu.rflags);
  const segs: Record<string, number> = {};
  for (const [n, name] of SEGMENT_NAMES.entries()) segs[name] = cpu.selector(n);
  const cr: Record<string, string> = {};
  const wide: Record<string, string> = {};
  for (const [name, value] of wideVectors(cpu)) wide[name] = hex(value);
  for (const [n, value] of opmasks(cpu).entries()) if (value !== 0n) wide[`k${n}`] = hex(value);
  if (tilesConfigured(cpu)) wide['tilecfg'] = hex(littleEndianNumber(tileConfiguration(cpu)));
  const tiles = tileData(cpu);
  for (const n of tiles === null ? [] : TILES) {
    const value = littleEndianNumber(tiles!.subarray(L.TILE_BYTES * n, L.TILE_BYTES * (n + 1)));
    if (value !== 0n) wide[`tmm${n}`] = hex(value);
  }
  for (const [i, n] of [0, 2, 3, 4, 8].entries()) cr[`cr${n}`] = hex(cpu.u64(L.CR0 + 8 * i));
  return {
    regs,
    segs,
    fsBase: hex(cpu.u64(L.FS_BASE)),
    gsBase: hex(cpu.u64(L.GS_BASE)),
    cr,
    xmm: Array.from({ length: 16 }, (_, n) => hex(cpu.xmm(n))),
    ...(Object.keys(wide).length > 0 ? { wide } : {}),
    mxcsr: cpu.mxcsr,
    x87: {
      cw: x87.controlWord,
      sw: x87.statusWord,
      tag: cpu.view.getUint16(L.X87_TW, true),
      st: Array.from({ length: 8 }, (_, i) => hex(x87.read(i))),
    },
  };
}
