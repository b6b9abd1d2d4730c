import { describe, expect, it } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { readSymbols } from '../../src/elf/symbols.ts';
import type { StaleCode } from '../../src/memory/icache.ts';
import { image, said } from '../support/small-kernel.ts';

const entry = readSymbols(image).named('kernel_entry')!;
const NOP = parseHexBytes('0f 1f 44 00 00');

/** What a scenario says, and the old code that CPU 1 executed. */
function run(commandLine: string, seed: number) {
  const stale: StaleCode[] = [];
  const icache = { seed, report: (one: StaleCode) => void stale.push(one) };
  const [text] = said(commandLine, { cpus: 2, seed, icache });
  return { text, stale };
}

describe('a static key in front of the work that an entry has to do', () => {
  const seeds = [1, 2, 3, 4, 5];

  // With the others the cache has forgotten the old code by itself.
  it.each([2, 3, 5])('is seen too late once where synchronisation waits for that entry (seed %i)', (seed) => {
    const { text, stale } = run('static-key nopti', seed);
    expect(text).toBe('static key: on, 3 entries, stale 1');
    expect(stale).toEqual([
      { cpu: 1, rip: expect.any(BigInt), executed: NOP, memory: expect.any(Uint8Array), mixed: false },
    ]);
    const [{ rip, memory }] = stale as [StaleCode];
    expect(rip >= entry.address && rip < entry.address + BigInt(entry.size)).toBe(true);
    expect(memory[0]).toBe(0xe9);
  });

  it.each(seeds)('is never seen too late where it is set before there is another CPU (seed %i)', (seed) => {
    expect(run('static-key nopti ro-key', seed)).toEqual({ text: 'static key: on, 3 entries, stale 0', stale: [] });
  });

  it('nor where everybody is interrupted, or MOV to CR3 serializes on the way in', () => {
    expect(run('static-key nopti sent', 1).text).toBe('static key: on, 3 entries, stale 0');
    expect(run('static-key', 1)).toEqual({ text: 'static key: on, 3 entries, stale 0', stale: [] });
  });
});
