import { TILE_BYTES, TILES } from '../../state/layout.ts';
import { PALETTE, setStartRow, tileColumns, tileRows, touchTiles } from '../../state/tiles.ts';
import { defineHelper, type HelperContext } from '../helpers/helper.ts';
import { type Dot, floatProduct } from './float.ts';
import { tileNumber, tilesUsable, wholeElements } from './helpers.ts';

/** Numbers of the tiles of C += A · B: A has M rows of K elements, B K rows of N, C M rows of N. */
interface Product {
  readonly c: number;
  readonly a: number;
  readonly b: number;
}

const ELEMENT = 4;
const ROW = PALETTE.bytesPerRow;

/** What the tiles of a product have to be (SDM 2A 2.10, AMX-E4). That they are three the decoder has seen to. */
function fits(h: HelperContext, { c, a, b }: Product): boolean {
  const { cpu } = h;
  return (
    [c, a, b].every((n) => wholeElements(h, n)) &&
    tileColumns(cpu, c) === tileColumns(cpu, b) &&
    tileRows(cpu, c) === tileRows(cpu, a) &&
    tileColumns(cpu, a) / ELEMENT === tileRows(cpu, b)
  );
}

/** Rows and elements of a product. */
export interface Extent {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** Clears what of a tile lies beyond its rows and columns. */
function clearBeyond(tile: Uint8Array, { m, n }: Extent): void {
  for (let row = 0; row < PALETTE.rows; row++) tile.fill(0, row * ROW + (row < m ? n * ELEMENT : 0), (row + 1) * ROW);
}

/** Defines an instruction on three tiles; `multiply` adds to the elements of C, whose others become zero. */
function defineProduct(
  name: string,
  doc: string,
  multiply: (memory: ArrayBufferLike, at: Product, extent: Extent) => void,
): void {
  defineHelper({
    name: `amx.${name}`,
    doc,
    args: [32, 32, 32],
    result: 0,
    run: (h, ...places) => {
      const [c, a, b] = places.map(tileNumber) as [number, number, number];
      if (!tilesUsable(h, [c, a, b], () => fits(h, { c, a, b }))) return;
      const { cpu } = h;
      const extent = { m: tileRows(cpu, c), n: tileColumns(cpu, c) / ELEMENT, k: tileRows(cpu, b) };
      const start = (n: number): number => cpu.u8.byteOffset + TILES + n * TILE_BYTES;
      touchTiles(cpu);
      clearBeyond(new Uint8Array(cpu.u8.buffer, start(c), TILE_BYTES), extent);
      multiply(cpu.u8.buffer, { c: start(c), a: start(a), b: start(b) }, extent);
      setStartRow(cpu, 0);
    },
  });
}

for (const [name, signedA, signedB] of [
  ['tdpbssd', true, true],
  ['tdpbsud', true, false],
  ['tdpbusd', false, true],
  ['tdpbuud', false, false],
] as const) {
  const bytes = (signed: boolean, memory: ArrayBufferLike, at: number): Int8Array | Uint8Array =>
    signed ? new Int8Array(memory, at, TILE_BYTES) : new Uint8Array(memory, at, TILE_BYTES);
  const kind = (signed: boolean): string => (signed ? 'signed' : 'unsigned');
  defineProduct(
    name,
    `${name.toUpperCase()}: sums of products of four bytes, ${kind(signedA)} by ${kind(signedB)}, added to doublewords`,
    (memory, at, { m, n, k }) => {
      const a = bytes(signedA, memory, at.a);
      const b = bytes(signedB, memory, at.b);
      const c = new Int32Array(memory, at.c, TILE_BYTES / ELEMENT);
      for (let i = 0; i < m; i++)
        for (let l = 0; l < k; l++) {
          const x = i * ROW + l * ELEMENT;
          const [a0, a1, a2, a3] = [a[x]!, a[x + 1]!, a[x + 2]!, a[x + 3]!];
          for (let j = 0; j < n; j++) {
            const y = l * ROW + j * ELEMENT;
            c[(i * ROW) / ELEMENT + j]! += a0 * b[y]! + a1 * b[y + 1]! + a2 * b[y + 2]! + a3 * b[y + 3]!;
          }
        }
    },
  );
}

for (const [name, format, dot, text] of [
  ['tdpbf16ps', 'bfloat', 'pairs', 'sums of products of two bfloats'],
  ['tdpfp16ps', 'half', 'pairs', 'sums of products of two halves'],
  ['tcmmimfp16ps', 'half', 'imaginary', 'imaginary parts of products of complex halves'],
  ['tcmmrlfp16ps', 'half', 'real', 'real parts of products of complex halves'],
] as const satisfies readonly (readonly [string, 'bfloat' | 'half', Dot, string])[])
  defineProduct(name, `${name.toUpperCase()}: ${text}, added to singles`, (memory, at, extent) =>
    floatProduct(format, dot, memory, at, extent),
  );
