import { expect, test } from 'vitest';
import { Random } from '../../src/bits/random.ts';
import { drawTilePiece } from '../../src/fuzz/tiles.ts';
import { Sandbox } from '../../src/oracle/sandbox.ts';
import { tileRows, tilesConfigured } from '../../src/state/tiles.ts';

test('a drawn configuration of tiles is one, mostly', () => {
  const random = new Random(1);
  const sandbox = new Sandbox('interpreter');
  const { cpu } = sandbox.machine;
  const rows = new Set<number>();
  let configured = 0;
  for (let n = 0; n < 100; n++) {
    const code = Uint8Array.from(drawTilePiece(random).flat());
    const ending = sandbox.run({ code, gpr: new Array<bigint>(16).fill(0n) }, 16);
    if (ending.kind !== 'normal') continue;
    expect(tilesConfigured(cpu)).toBe(true);
    for (const tile of [0, 1, 2, 3]) rows.add(tileRows(cpu, tile));
    configured++;
  }
  expect(configured).toBeGreaterThan(90);
  expect(rows.size).toBeGreaterThan(4);
});
