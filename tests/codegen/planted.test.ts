import { describe, expect, it } from 'vitest';
import { Random } from '../../src/bits/random.ts';
import { openBuild } from '../../src/codegen/inputs/open.ts';
import { change, delta, percent } from '../../src/codegen/report/numbers.ts';
import { countSlot } from '../../src/codegen/slot-count.ts';
import { memorySource } from '../../src/elf/source.ts';
import { BASE, elfFile } from '../support/elf-file.ts';

const SLOT = 0x2ac80;
const SHN_ABS = 0xfff1;
const STRINGS = Buffer.from('\0pcpu_hot\0text\0');

const word = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255];

/** Code with so many reads of the slot, in both encodings, among reads of other offsets, of %fs, of no segment, and stores. */
function image(sites: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const code: number[] = [];
  const relative = (offset: number, prefix: number): void => {
    const end = Number(BASE) + code.length + 8;
    code.push(prefix, 0x48, 0x8b, 0x05, ...word((offset - end) | 0));
  };
  const absolute = (offset: number, opcode = 0x8b, prefix = 0x65): void => {
    code.push(prefix, 0x48, opcode, 0x04, 0x25, ...word(offset));
  };
  for (let left = sites; left > 0; ) {
    switch (random.below(8)) {
      case 0:
      case 1:
        relative(SLOT, 0x65);
        left--;
        break;
      case 2:
        absolute(SLOT);
        left--;
        break;
      case 3:
        absolute(SLOT + 8);
        break;
      case 4:
        relative(SLOT, 0x64);
        break;
      case 5:
        absolute(SLOT, 0x89);
        break;
      case 6:
        relative(SLOT - 8, 0x65);
        break;
      default:
        code.push(0x48, 0x89, 0xc3);
    }
  }
  code.push(0xc3);
  const file = elfFile({
    body: Uint8Array.from(code),
    symbols: [
      { nameAt: 1, info: 0x11, section: SHN_ABS, value: BigInt(SLOT), size: 8n },
      { nameAt: 10, info: 0x12, section: 1, value: BASE, size: BigInt(code.length) },
    ],
    strings: STRINGS,
  });
  const view = new DataView(file.buffer);
  const text = Number(view.getBigUint64(40, true)) + 64;
  view.setBigUint64(text + 8, 6n, true); // SHF_ALLOC | SHF_EXECINSTR
  view.setBigUint64(text + 16, BASE, true);
  return file;
}

const loads = (sites: number, slot: string): number =>
  countSlot(openBuild('image', memorySource(image(sites, sites))), slot).loads;

describe('planted reads of a slot', () => {
  it.each([3841, 4711, 3221, 3766, 3217])('%i are counted to the unit', (sites) => {
    expect(loads(sites, 'pcpu_hot')).toBe(sites);
    expect(loads(sites, '0x2ac80')).toBe(sites);
  });

  it('are found behind prefixes in any order, and not where the last segment prefix is another', () => {
    const disp = '80 ac 02 00';
    const count = (hex: string): number =>
      countSlot(openBuild('code', memorySource(Buffer.from(hex))), '0x2ac80').loads;
    for (const prefixes of [
      '65 48',
      '2e 65 48',
      '65 3e 48',
      '64 65 48',
      '66 65',
      '65 66',
      '67 65 48',
      '48 65',
      '26 67 65',
    ]) {
      expect(count(`${prefixes} 8b 04 25 ${disp} c3`), prefixes).toBe(1);
    }
    for (const prefixes of ['65 64 48', '48', '2e']) expect(count(`${prefixes} 8b 04 25 ${disp} c3`), prefixes).toBe(0);
  });

  it('are found at the addresses that per-CPU variables have since Linux 6.15', () => {
    // mov %gs:0xffffffff82000010,%rax, and the same relative to an instruction at 0xffffffff81000009.
    const code = Buffer.from('65 48 8b 04 25 10 00 00 82 65 48 8b 05 ff ff ff 00 c3');
    const build = openBuild('code', memorySource(code), { flat: -0x7f000000 });
    for (const slot of ['0xffffffff82000010', '-0x7dfffff0']) expect(countSlot(build, slot).loads, slot).toBe(2);
  });

  it('change as the thread says', () => {
    expect([delta(4711 - 3841), `${delta(3221 - 3841)} (${percent(3841, 3221)})`]).toEqual(['+870', '−620 (−16.1 %)']);
    expect(change(3766, 3217)).toBe('3766 → 3217, −14.6 %');
  });

  it('are found by offset and by %fs too', () => {
    const count = countSlot(openBuild('image', memorySource(image(500, 7))), 'pcpu_hot');
    expect(count.absolute + count.ripRelative).toBe(500);
    expect(count.bytes).toBe(9 * count.absolute + 8 * count.ripRelative);
    expect(count.stores).toBeGreaterThan(0);
    expect(loads(500, 'fs:0x2ac80')).toBeGreaterThan(0);
    expect(loads(500, 'pcpu_hot+0x8')).toBeGreaterThan(0);
  });
});
