import * as L from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import * as T from '../../state/tiles.ts';
import { STATE_BIT, switchedOff } from '../../state/xsave.ts';
import { defineHelper, type HelperContext } from '../helpers/helper.ts';
import { unaligned } from '../helpers/unaligned.ts';

const { GP, NM, UD } = VECTOR;
const AMX = Number(STATE_BIT.amx);
/** A tile's columns are counted in elements of so many bytes. */
const ELEMENT = 4;
/** Bytes of the widest access. */
const PIECE = 16;
type Through = 'general' | 'stack';

/** The number of the tile at a place of the state. */
export const tileNumber = (place: bigint): number => (Number(place) - L.TILES) / L.TILE_BYTES;

/** Whether the operating system has enabled both components (SDM 2A 2.10); else #UD. */
function enabled(c: HelperContext): boolean {
  if ((c.cpu.view.getUint32(L.USABLE, true) & AMX) === AMX) return true;
  c.fault(UD, null);
  return false;
}

/** Whether tile data may be used; else #NM, and IA32_XFD_ERR says why (SDM 1 13.14). */
function switchedOn(c: HelperContext): boolean {
  if (!(switchedOff(c.cpu) & STATE_BIT.tileData)) return true;
  c.cpu.setU64(L.XFD_ERR, STATE_BIT.tileData);
  c.fault(NM, null);
  return false;
}

/** Whether an instruction on configured tiles may run: they are what `fits` says, and may be used. */
export function tilesUsable(c: HelperContext, tiles: readonly number[], fits: () => boolean): boolean {
  if (!enabled(c)) return false;
  const valid = T.tilesConfigured(c.cpu) && tiles.every((n) => T.tileRows(c.cpu, n) > 0);
  if (valid && fits()) return switchedOn(c);
  c.fault(UD, null);
  return false;
}

/** Whether a row is whole elements. */
export const wholeElements = (c: HelperContext, n: number): boolean => T.tileColumns(c.cpu, n) % ELEMENT === 0;

/** Reads bytes at a linear address; false with a fault pending. */
function readBytes(h: HelperContext, address: bigint, into: Uint8Array, through: Through): boolean {
  const c = unaligned(h);
  const view = new DataView(into.buffer, into.byteOffset, into.length);
  for (let at = 0; at < into.length; ) {
    const whole = into.length - at >= PIECE;
    const value = c.read(BigInt.asUintN(64, address + BigInt(at)), whole ? 8 * PIECE : 8, through);
    if (value === null) return false;
    if (whole) {
      view.setBigUint64(at, BigInt.asUintN(64, value), true);
      view.setBigUint64(at + 8, value >> 64n, true);
    } else into[at] = Number(value);
    at += whole ? PIECE : 1;
  }
  return true;
}

/** Writes bytes, all or (with a fault pending) none. */
function writeBytes(h: HelperContext, address: bigint, bytes: Uint8Array, through: Through): boolean {
  const c = unaligned(h);
  if (!c.probeWrite(address, bytes.length, through)) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; ) {
    const whole = bytes.length - at >= PIECE;
    const value = whole ? view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n) : BigInt(bytes[at]!);
    if (!c.write(BigInt.asUintN(64, address + BigInt(at)), value, whole ? 8 * PIECE : 8, through)) return false;
    at += whole ? PIECE : 1;
  }
  return true;
}

const throughOf = (stack: bigint): Through => (stack ? 'stack' : 'general');

defineHelper({
  name: 'amx.configure',
  doc: 'LDTILECFG: loads TILECFG and clears all tiles; #GP(0) for a configuration that there is not',
  args: [64, 32],
  result: 0,
  run: (c, address, stack) => {
    if (!enabled(c) || !switchedOn(c)) return;
    const image = new Uint8Array(T.TILECFG_BYTES);
    if (!readBytes(c, address!, image, throughOf(stack!))) return;
    if (!T.isTileConfiguration(image)) return c.fault(GP, 0);
    T.setTileConfiguration(c.cpu, image);
    T.clearTiles(c.cpu);
  },
});

defineHelper({
  name: 'amx.configuration',
  doc: 'STTILECFG: stores TILECFG, zeros where no tiles are configured',
  args: [64, 32],
  result: 0,
  run: (c, address, stack) => {
    if (enabled(c)) writeBytes(c, address!, T.tileConfiguration(c.cpu), throughOf(stack!));
  },
});

defineHelper({
  name: 'amx.release',
  doc: 'TILERELEASE: TILECFG and all tiles become initial',
  args: [],
  result: 0,
  run: (c) => {
    if (!enabled(c)) return;
    T.tileConfiguration(c.cpu).fill(0);
    T.clearTiles(c.cpu);
  },
});

defineHelper({
  name: 'amx.zero',
  doc: 'TILEZERO: clears a tile',
  args: [32],
  result: 0,
  run: (c, place) => {
    const n = tileNumber(place!);
    if (!tilesUsable(c, [n], () => true)) return;
    if (T.tileData(c.cpu) !== null) c.cpu.u8.fill(0, Number(place), Number(place) + L.TILE_BYTES);
    T.setStartRow(c.cpu, 0);
  },
});

/** Where row `n` of memory begins: offset and stride are of the address size, the segment's base is added then. */
function rowAddress(segment: bigint, offset: bigint, stride: bigint, n: number, addressWidth: bigint): bigint {
  return BigInt.asUintN(64, segment + BigInt.asUintN(Number(addressWidth), offset + BigInt(n) * stride));
}

const rowsFit = (c: HelperContext, n: number): boolean =>
  wholeElements(c, n) && T.startRow(c.cpu) < T.tileRows(c.cpu, n);

for (const load of [true, false])
  defineHelper({
    name: load ? 'amx.load' : 'amx.store',
    doc: `${load ? 'TILELOADD' : 'TILESTORED'}: rows of a tile, a stride apart in memory; a fault leaves what is done and in TILECFG the row to begin with`,
    args: [64, 64, 64, 32, 32, 32],
    result: 0,
    run: (c, segment, offset, stride, stack, place, addressWidth) => {
      const { cpu } = c;
      const n = tileNumber(place!);
      if (!tilesUsable(c, [n], () => rowsFit(c, n))) return;
      const bytes = T.tileColumns(cpu, n);
      const rowAt = (row: number): number => Number(place) + row * T.PALETTE.bytesPerRow;
      const read = new Uint8Array(bytes);
      const first = T.startRow(cpu);
      const rows = T.tileRows(cpu, n);
      if (load) {
        T.touchTiles(cpu);
        cpu.u8.fill(0, rowAt(first), rowAt(T.PALETTE.rows));
      }
      for (let row = first; row < rows; row++) {
        const address = rowAddress(segment!, offset!, stride!, row, addressWidth!);
        const through = throughOf(stack!);
        const done = load
          ? readBytes(c, address, read, through)
          : writeBytes(c, address, cpu.u8.subarray(rowAt(row), rowAt(row) + bytes), through);
        if (!done) return T.setStartRow(cpu, row);
        if (load) cpu.u8.set(read, rowAt(row));
      }
      T.setStartRow(cpu, 0);
    },
  });
