import { describe, expect, it } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { decode } from '../../src/decode/decode.ts';

const repeat = (byte: string, times: number): string => `${byte} `.repeat(times);
const result = (hex: string) => {
  const insn = decode(parseHexBytes(hex));
  return typeof insn === 'string' ? insn : `${insn.mnemonic} ${insn.length}`;
};

describe('the length of an instruction', () => {
  it.each([
    ['14 prefixes and an opcode', `${repeat('66', 14)}90`, 'nop 15'],
    ['14 prefixes and a bad opcode', `${repeat('66', 14)}06`, 'invalid'],
    ['15 prefixes', `${repeat('66', 15)}90`, 'too-long'],
    ['prefixes and half an opcode', `${repeat('66', 14)}0f 1f`, 'too-long'],
    ['prefixes and an opcode without its ModRM', `${repeat('2e', 14)}01 c0`, 'too-long'],
    ['prefixes and an opcode without its immediate', `${repeat('3e', 11)}81 c0 01 00 00 00`, 'too-long'],
    ['an immediate that just fits', `${repeat('3e', 9)}81 c0 01 00 00 00`, 'add 15'],
    ['14 prefixes', repeat('66', 14), 'more'],
    ['a lock that may not stand', `${repeat('66', 10)}f0 01 d8 90 90`, 'invalid'],
    ['five prefixes and all that an instruction can have', 'f0 64 66 67 4c 81 84 88 78 56 34 12 11 22 33', 'too-long'],
    ['four prefixes and all that an instruction can have', 'f0 64 67 4c 81 84 88 78 56 34 12 11 22 33 44', 'add 15'],
    ['a bad opcode of two bytes at the end', `${repeat('66', 13)}0f 04`, 'invalid'],
    ['a REX prefix in the wrong place', `${repeat('48 66', 7)}90`, 'nop 15'],
    ['REX prefixes that do not count', `${repeat('48 2e', 7)}81`, 'too-long'],
    ['an opcode without its immediate', 'b8 01 00', 'more'],
    ['nothing', '', 'more'],
    ['a bad opcode', '06 00', 'invalid'],
    ['bytes behind the instruction', 'c3 06 06 06', 'ret 1'],
  ])('%s', (_, hex, expected) => {
    expect(result(hex)).toBe(expected);
  });
});

describe('prefixes', () => {
  it.each([
    ['f3 90', { mnemonic: 'pause' }],
    ['f3 41 90', { mnemonic: 'xchg', length: 3 }],
    ['41 90', { mnemonic: 'xchg' }],
    ['40 90', { mnemonic: 'nop' }],
    ['66 90', { mnemonic: 'nop' }],
    ['f3 c3', { mnemonic: 'ret' }],
    ['f2 a6', { mnemonic: 'cmps', width: 8, repeat: 'repne' }],
    ['f3 f2 a6', { mnemonic: 'cmps', repeat: 'repne' }],
    ['f2 f3 a6', { mnemonic: 'cmps', repeat: 'rep' }],
    ['67 48 ab', { mnemonic: 'stos', width: 64, addressWidth: 32 }],
    ['64 65 a4', { mnemonic: 'movs', segment: 'gs' }],
    ['65 2e a4', { mnemonic: 'movs', segment: 'gs' }],
    ['f0 0f b1 0b', { mnemonic: 'cmpxchg', lock: true }],
  ] as const)('%s', (hex, expected) => {
    expect(decode(parseHexBytes(hex))).toMatchObject(expected);
  });

  it('an unchanged object for everyone', () => {
    const insn = decode(parseHexBytes('48 01 c8'));
    expect(Object.isFrozen(insn)).toBe(true);
  });
});
