import { describe, expect, it } from 'vitest';
import { hexBytes, parseHexBytes } from '../../src/bits/hex.ts';
import { assemble } from '../../src/decode/assemble.ts';
import { disassemble } from '../../src/decode/text.ts';

const AT = 0xffff_ffff_8111_cb80n;

describe('assemble', () => {
  it('gives the bytes of syscall_exit_work back from its text', () => {
    const given: [text: string, length: number | null, bytes: string][] = [
      ['push %r12', 2, '41 54'],
      ['mov %gs:0x2ac80,%rax', 9, '65 48 8b 04 25 80 ac 02 00'],
      ['mov %gs:0x7ef0e0f6(%rip),%r12 # 0x2ac80 <pcpu_hot>', 8, '65 4c 8b 25 f6 e0 f0 7e'],
      ['cmpb $0x0,0x800(%rax)', 7, '80 b8 00 08 00 00 00'],
      ['cmpq $0x0,0x7c8(%r12)', 9, '49 83 bc 24 c8 07 00 00 00'],
      ['and $0x20,%esi', 3, '83 e6 20'],
      ['mov %rdi,%rbp', null, '48 89 fd'],
      ['jne 0xffffffff8111cc7a <syscall_exit_work+250>', 6, '0f 85 f4 00 00 00'],
      ['je 0xffffffff8111cba6 <syscall_exit_work+38>', 2, '74 24'],
    ];
    for (const [text, length, bytes] of given) expect(hexBytes(assemble(text, AT, length)), text).toBe(bytes);
  });

  it('reads what the disassembler writes', () => {
    const samples =
      '48 8d 44 8b 10|f0 41 ff 0c 24|f3 48 ab|0f b6 47 03|48 63 c7|48 98|c3|e8 00 01 00 00|41 ff d4|ff 24 c5 00 10 40 00|66 0f 6f c1|f2 0f 59 05 10 00 00 00|48 c7 c0 ff ff ff ff|48 b8 88 77 66 55 44 33 22 11|d1 e8|c1 e0 04|0f af c6|6b c0 0c|64 48 8b 04 25 28 00 00 00|48 2b 44 24 08|0f 94 c0|84 c0|f7 d8|cc|0f 0b';
    for (const bytes of samples.split('|')) {
      const given = parseHexBytes(bytes);
      const { text } = disassemble(given, AT);
      const again = assemble(text, AT, given.length);
      expect(disassemble(again, AT).text, bytes).toBe(text);
    }
  });

  it('refuses what is no instruction, in one line', () => {
    expect(() => assemble('mov %rax', AT, null)).toThrow(/no encoding reads as/);
    expect(() => assemble('frobnicate %rax,%rbx', AT, null)).toThrow(/no encoding/);
    expect(() => assemble('mov foo,%rax', AT, null)).toThrow(/cannot read the operands/);
  });
});
