import { describe, expect, it } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { ElfUnit } from '../../src/codegen/inputs/elf.ts';
import { checkNoinstr, type Warning } from '../../src/codegen/noinstr/check.ts';
import { memorySource } from '../../src/elf/source.ts';
import { readSymbols } from '../../src/elf/symbols.ts';
import type { StaleCode } from '../../src/memory/icache.ts';
import { swapgs } from '../support/cli.ts';
import { image, KERNEL, said } from '../support/small-kernel.ts';

const symbols = readSymbols(image);
const NOP = parseHexBytes('0f 1f 44 00 00');
const JMP = 0xe9;
const SEEDS = Array.from({ length: 6 }, (_, n) => n + 1);

/** What a scenario says, and the old code that CPU 1 executed behind the change: not what stood beside the INT3 of a change under way. */
function run(commandLine: string, seed: number) {
  const stale: StaleCode[] = [];
  const report = (one: StaleCode): void => void (one.memory[0] === JMP && stale.push(one));
  const [text] = said(commandLine, { cpus: 2, seed, icache: { seed, report } });
  return { text, stale };
}

/** The place that a warning is about. */
function addressOf({ where }: Warning): bigint {
  const [name, offset] = where.split('+') as [string, string];
  return symbols.named(name)!.address + BigInt(offset);
}

describe('static keys in noinstr code, on the way to the work that an entry has to do', () => {
  const warnings = checkNoinstr(new ElfUnit('kernel.elf', memorySource(image)));

  it('are told by the check, but for the one that is read-only behind the start', () => {
    const { status, stdout } = swapgs(['check', 'noinstr', KERNEL]);
    const line = (where: string): string =>
      `kernel.elf: warning: objtool: ${where}: Non __ro_after_init static key "early_key" in .noinstr section\n`;
    expect(stdout).toBe(line('enter_from_user_mode+0x10') + line('enter_from_user_mode+0x40'));
    expect(status).toBe(1);
    expect(symbols.named('early_key_ro')).not.toBeNull();
  });

  it('are each confirmed by a run that executes old code there, or cleared by all', () => {
    const [early, late] = warnings.map(addressOf);
    const runs = SEEDS.map((seed) => run('static-key nopti', seed));
    const seen = runs.map(({ stale }) => stale.map(({ rip }) => rip));
    // Now and then a cache forgets the old code by itself: not every seed has to show it, and none shows it twice.
    const shown = seen.filter((places) => places.length > 0);
    expect(shown.length).toBeGreaterThan(SEEDS.length / 4);
    for (const places of shown) expect(places).toEqual([early]);
    expect(seen.flat()).not.toContain(late);
    for (const { text, stale } of runs) {
      expect(text).toBe(`static key: on, 3 entries, stale ${stale.length}, behind the work 0`);
      for (const one of stale) expect(one).toMatchObject({ cpu: 1, executed: NOP, mixed: false });
    }
  });

  it.each(SEEDS.slice(0, 3))(
    'are never seen too late where they are set before there is another CPU (seed %i)',
    (seed) => {
      expect(run('static-key nopti ro-key', seed)).toEqual({ text: 'static key: on, 3 entries, stale 0', stale: [] });
    },
  );

  it('nor where everybody is interrupted, or MOV to CR3 serializes on the way in', () => {
    const fresh = { text: 'static key: on, 3 entries, stale 0, behind the work 0', stale: [] };
    expect(run('static-key nopti sent', 1)).toEqual(fresh);
    expect(run('static-key', 1)).toEqual(fresh);
  });
});
