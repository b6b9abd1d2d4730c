import type { Random } from '../bits/random.ts';
import { DATA } from '../oracle/layout.ts';

/** Where a configuration of tiles is written; a start state has zeros there. */
const CONFIGURATION = Number(DATA.base) + 0x40;
const COLUMNS = 16;
const ROWS = 48;
const PALETTE_1 = 1;
const SIZES = [1, 2, 7, 16] as const;

const word32 = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
/** MOV to an absolute address. */
const store = (at: number, value: number): number[] => [
  0xc7,
  0x04,
  0x25,
  ...word32(CONFIGURATION + at),
  ...word32(value),
];

/** Writes a configuration and loads it: tiles 0 and 3 as sums, 1 and 2 as factors, now and then with rows that do not fit. */
export function drawTilePiece(random: Random): number[][] {
  const [m, n, k] = [random.pick(SIZES), random.pick(SIZES), random.pick(SIZES)];
  const rows = [m, m, random.below(8) ? k : random.below(18), m].reduceRight((all, value) => (all << 8) | value, 0);
  return [
    store(0, PALETTE_1),
    store(COLUMNS, (4 * n) | ((4 * k) << 16)),
    store(COLUMNS + 4, (4 * n) | ((4 * n) << 16)),
    store(ROWS, rows),
    [0xc4, 0xe2, 0x78, 0x49, 0x04, 0x25, ...word32(CONFIGURATION)],
  ];
}
