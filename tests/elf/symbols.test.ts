import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ElfError } from '../../src/elf/error.ts';
import { readSymbols } from '../../src/elf/symbols.ts';
import { BASE, elfFile, patched } from '../support/elf-file.ts';

const NAMES = new TextEncoder().encode('\0main\0memcpy_local\0data\0label\0');
const MAIN = 1;
const MEMCPY = 6;
const MEMCPY_TAIL = 6 + 'memcpy_'.length; // «local», tail-merged
const DATA = 19;
const LABEL = 24;

const table = readSymbols(
  elfFile({
    strings: NAMES,
    symbols: [
      { nameAt: 0, value: 0n, info: 0, section: 0 },
      { nameAt: LABEL, value: BASE + 0x10n, info: 0x00 },
      { nameAt: MAIN, value: BASE, size: 0x20n, info: 0x12 },
      { nameAt: MEMCPY, value: BASE + 0x20n, size: 8n, info: 0x02 },
      { nameAt: MEMCPY_TAIL, value: BASE + 0x20n, size: 8n, info: 0x12 },
      { nameAt: DATA, value: BASE + 0x100n, size: 4n, info: 0x11 },
      { nameAt: MAIN, value: BASE + 0x200n, size: 4n, info: 0x02 },
      { nameAt: DATA, value: BASE + 0x300n, info: 0x14 },
      { nameAt: DATA, value: BASE + 0x300n, section: 0xfff1 },
    ],
  }),
);

describe('readSymbols', () => {
  it('finds the symbol that covers an address', () => {
    expect(table.describe(BASE)).toBe('main');
    expect(table.describe(BASE + 0x12n)).toBe('main+0x12');
    expect(table.describe(BASE + 0x1fn)).toBe('main+0x1f');
    expect(table.describe(BASE + 0x103n)).toBe('data+0x3');
  });

  it('prefers a global name and gives none behind an end', () => {
    expect(table.describe(BASE + 0x21n)).toBe('local+0x1');
    expect(table.describe(BASE + 0x28n)).toBeUndefined();
    expect(table.describe(BASE - 1n)).toBeUndefined();
  });

  it('finds a global before a local of the same name, with its size', () => {
    expect(table.named('main')).toMatchObject({ address: BASE, size: 0x20 });
    expect(table.named('memcpy_local')).toMatchObject({ address: BASE + 0x20n, binding: 0 });
    expect(table.named('absent')).toBeUndefined();
  });

  it('moves with a PIE', () => {
    expect(table.moved(0x1000n).describe(BASE + 0x1012n)).toBe('main+0x12');
  });

  it('is empty for a stripped file', () => {
    expect(readSymbols(elfFile()).symbols).toEqual([]);
  });

  it('reads 100,000 tail-merged names in under two seconds', () => {
    const count = 100_000;
    const strings = new Uint8Array(1 + count * 8);
    const text = new TextEncoder();
    for (let i = 0; i < count; i++) strings.set(text.encode(`f${i.toString(36).padStart(6, '0')}`), 1 + i * 8);
    const symbols = Array.from({ length: count }, (_, i) => ({
      nameAt: 1 + i * 8 + (i % 4),
      value: BASE + BigInt(i * 16),
      size: 16n,
    }));
    const file = elfFile({ symbols, strings });
    const start = performance.now();
    const big = readSymbols(file);
    expect(big.named('f000001')).toBeUndefined();
    expect(big.named('000001')).toMatchObject({ address: BASE + 16n });
    expect(performance.now() - start).toBeLessThan(2000);
    expect(big.symbols).toHaveLength(count);
  });

  it('refuses forged string tables', () => {
    const file = elfFile({ strings: NAMES, symbols: [{ nameAt: MAIN, value: BASE }] });
    const sections = Number(new DataView(file.buffer).getBigUint64(40, true));
    const sizeOfStrings = sections + 3 * 64 + 32;
    expect(() => readSymbols(patched(file, sizeOfStrings, 8, 1n << 62n))).toThrow(ElfError);
    expect(() => readSymbols(patched(file, sizeOfStrings, 8, 1))).toThrow(/past the string table/);
    expect(() => readSymbols(patched(file, sizeOfStrings, 8, 4))).toThrow(/has no end/);
    expect(() => readSymbols(patched(file, sections + 2 * 64 + 40, 4, 1))).toThrow(/not a string table/);
    expect(() => readSymbols(patched(file, 60, 2, 0xffff))).toThrow(/truncated section headers/);
  });

  it('refuses names that add up to gigabytes', () => {
    const strings = new Uint8Array(1 << 20).fill(0x61);
    strings[0] = 0;
    strings[strings.length - 1] = 0;
    const symbols = Array.from({ length: 20_000 }, (_, i) => ({ nameAt: 1 + i, value: BASE }));
    expect(() => readSymbols(elfFile({ strings, symbols }))).toThrow(/forged/);
  });

  it('reads what the host’s own ELF files hold', (context) => {
    try {
      const symbols = readSymbols(readFileSync('/proc/self/exe'));
      const some = symbols.symbols.find((symbol) => symbol.size > 8)!;
      expect(symbols.describe(some.address)).toBe(symbols.at(some.address)!.symbol.name);
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return context.skip('no /proc');
      throw error;
    }
  });
});
