import type { CpuState } from './cpu-state.ts';
import { TILE_BYTES, TILE_DATA_BYTES, TILECFG, TILES, TILES_LIVE } from './layout.ts';

/** Tile registers under palette 1, the only one (CPUID leaf 1Dh). */
export const PALETTE = { number: 1, tiles: 8, rows: 16, bytesPerRow: 64 } as const;
/** Bytes of TILECFG, and where its fields lie: palette and start row u8, bytes of a row u16 and rows u8 by tile (SDM 2A LDTILECFG). */
export const TILECFG_BYTES = 64;
const FIELD = { palette: 0, startRow: 1, reserved: 2, colsb: 16, rows: 48 } as const;
/** Tiles that the format has room for. */
const NAMED = 16;

/** What is wrong with an image is of no interest: the instruction is #GP(0). Under palette 0 the rest is not looked at. */
export function isTileConfiguration(image: Uint8Array): boolean {
  const palette = image[FIELD.palette]!;
  if (palette === 0) return true;
  if (palette !== PALETTE.number) return false;
  for (let at = FIELD.reserved; at < FIELD.colsb; at++) if (image[at]) return false;
  for (let n = 0; n < NAMED; n++) {
    const at = FIELD.colsb + 2 * n;
    const colsb = image[at]! | (image[at + 1]! << 8);
    const rows = image[FIELD.rows + n]!;
    if (n >= PALETTE.tiles ? colsb || rows : colsb > PALETTE.bytesPerRow || rows > PALETTE.rows) return false;
    if ((colsb === 0) !== (rows === 0)) return false;
  }
  return true;
}

/** TILES_CONFIGURED. */
export const tilesConfigured = (cpu: CpuState): boolean => cpu.u8[TILECFG + FIELD.palette] !== 0;
/** Bytes of a row of tile `n`; 0 where it is not configured. */
export const tileColumns = (cpu: CpuState, n: number): number =>
  cpu.view.getUint16(TILECFG + FIELD.colsb + 2 * n, true);
/** Rows of tile `n`; 0 where it is not configured. */
export const tileRows = (cpu: CpuState, n: number): number => cpu.u8[TILECFG + FIELD.rows + n]!;
/** Where a load or store of a tile begins again behind a fault. */
export const startRow = (cpu: CpuState): number => cpu.u8[TILECFG + FIELD.startRow]!;
export const setStartRow = (cpu: CpuState, row: number): void => {
  cpu.u8[TILECFG + FIELD.startRow] = row;
};

/** The 64 bytes of TILECFG. */
export const tileConfiguration = (cpu: CpuState): Uint8Array => cpu.u8.subarray(TILECFG, TILECFG + TILECFG_BYTES);

/** Loads TILECFG from an image that `isTileConfiguration` takes. Tile data stays. */
export function setTileConfiguration(cpu: CpuState, image: Uint8Array): void {
  const own = tileConfiguration(cpu);
  if (image[FIELD.palette] === 0) own.fill(0);
  else own.set(image);
}

/** To be called before a tile is written. */
export const touchTiles = (cpu: CpuState): void => cpu.view.setUint32(TILES_LIVE, 1, true);

/** All tile data becomes zero; costs nothing where it is. */
export function clearTiles(cpu: CpuState): void {
  if (cpu.u8[TILES_LIVE] === 0) return;
  cpu.u8.fill(0, TILES, TILES + TILE_DATA_BYTES);
  cpu.u8[TILES_LIVE] = 0;
}

/** All tile data, 8,192 bytes that are the state's own; null where all is zero because nobody has written any. */
export const tileData = (cpu: CpuState): Uint8Array | null =>
  cpu.u8[TILES_LIVE] === 0 ? null : cpu.u8.subarray(TILES, TILES + TILE_DATA_BYTES);

/** Loads all tile data; null: zeros. */
export function setTileData(cpu: CpuState, bytes: Uint8Array | null): void {
  if (bytes === null) return clearTiles(cpu);
  touchTiles(cpu);
  cpu.u8.set(bytes, TILES);
}

/** The rows of tile `n` that are not zero, by number; nothing of one that is zero. */
export function tileRowsInUse(cpu: CpuState, n: number): [row: number, bytes: Uint8Array][] {
  const data = tileData(cpu);
  if (data === null) return [];
  return Array.from({ length: PALETTE.rows }, (_, row): [number, Uint8Array] => {
    const at = TILE_BYTES * n + PALETTE.bytesPerRow * row;
    return [row, data.subarray(at, at + PALETTE.bytesPerRow)];
  }).filter(([, bytes]) => bytes.some((byte) => byte !== 0));
}
