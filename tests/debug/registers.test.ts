import { expect, test } from 'vitest';
import { hex } from '../../src/bits/hex.ts';
import { registerLines, registerValues } from '../../src/debug/registers.ts';
import { AMX, TileBench } from '../support/tiles.ts';

test('tiles are shown where there are any', () => {
  const bench = new TileBench('interpreter');
  expect(registerLines(bench.cpu).filter((line) => /tile|tmm/.test(line))).toEqual([]);
  expect(registerValues(bench.cpu).wide?.['tilecfg']).toBe(undefined);
  bench.configure({ 5: [2, 4] });
  bench.put(Uint8Array.of(0, 0, 0, 0, 0x78, 0x56, 0x34, 0x12));
  expect(bench.run(AMX.tileloadd(5), undefined, 4n)).toBe('');
  // Byte 53: rows of tile 5; bytes 26 and 0: its columns, the palette.
  const configured = hex((2n << 424n) | (4n << 208n) | 1n, 512);
  const lines = registerLines(bench.cpu).filter((line) => /tile|tmm/.test(line));
  expect(lines).toEqual([
    expect.stringContaining(`tilecfg ${configured}`),
    `tmm5[1] 0x${'12345678'.padStart(128, '0')}`,
  ]);
  expect(registerValues(bench.cpu).wide?.['tmm5']).toBe(`0x12345678${'0'.repeat(128)}`);
});
