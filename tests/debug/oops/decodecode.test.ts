import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCode } from '../../../src/debug/oops/decodecode.ts';
import { diagnose, kasanAddress } from '../../../src/debug/oops/diagnose.ts';
import { OopsError, parseOops } from '../../../src/debug/oops/parse.ts';

const wrapped = readFileSync(new URL('s0.txt', import.meta.url), 'utf8');

function decoded(text: string) {
  const report = parseOops(text);
  const rip = report.registers.get('rip');
  const base = rip === undefined ? 0n : rip - BigInt(report.code.mark ?? 0);
  const found = decodeCode(report.code, base);
  const trapping = found.trapping === null ? null : found.all[found.trapping]!;
  return { report, found, at: trapping === null ? null : Number(trapping.address - base), text: trapping?.text, base };
}
const explained = (text: string): string => {
  const { report, found } = decoded(text);
  return diagnose(report, found).join('\n');
};

const KASAN = `PANIC: early exception 0x0d IP 10:ffffffff810c4cb9 error 0 cr2 0xffff8881ab1ff000
RIP: 0010:cpu_init_exception_handling+0x179/0x740
Code: be 0f 00 00 00 4a 03 04 ed 40 19 15 85 48 89 c7 e8 9c bb ff ff 48 c7 c0 10 73 02 00 48 ba 00 00 00 00 00 fc ff df 48 c1 e8 03 <80> 3c 10 00 0f 85 21 05 00 00 65 48 8b 05 45 26 f6 7e 48 8d 7b 24
RSP: 0000:ffffffff84007f10 EFLAGS: 00010002 ORIG_RAX: 0000000000000000
RAX: 0000000000004e62 RBX: ffff88817700a000 RCX: 0000000000000000
RDX: dffffc0000000000 RSI: 000000000000000f RDI: ffff88817700f078
GS:  ffff888177000000(0000) knlGS:0000000000000000 CR4: 00000000000000b0`;

describe('a pasted oops', () => {
  it('wrapped, quoted and with time stamps: the marked instruction at 0x2a', () => {
    const { found, at, text, report } = decoded(wrapped);
    expect(report.code).toMatchObject({ mark: 0x2a });
    expect(report.code.bytes).toHaveLength(64);
    expect([at, text?.replace(/\s+/g, ' '), found.start]).toEqual([0x2a, 'lock decl (%r12)', 0]);
    expect(explained(wrapped)).toBe(
      '#PF error 0x2: supervisor, write, page not present\nupdate of 4: r12 0x0\na NULL pointer in r12',
    );
  });

  it('on one line, with the mark in round brackets', () => {
    const one = wrapped.replace(/\n> (?=[0-9a-f]{2} )/g, ' ').replace('<f0>', '(f0)');
    expect(one).not.toBe(wrapped);
    expect(decoded(one).at).toBe(0x2a);
    expect(decoded(one).report.code).toEqual(decoded(wrapped).report.code);
  });

  it('a #GP on KASAN’s shadow: mapped back, and named a bare per-CPU offset', () => {
    const { at, text } = decoded(KASAN);
    expect([at, text?.replace(/\s+/g, ' ')]).toEqual([0x2a, 'cmpb $0x0,(%rax,%rdx,1)']);
    expect(decoded(KASAN).report).toMatchObject({ vector: 13, errorCode: 0 });
    const why = explained(KASAN);
    expect(why).toContain('0xdffffc0000004e62 is not canonical');
    expect(why).toContain('the access that is checked is at 0x27310');
    expect(why).toContain('0x27310 is a bare per-CPU offset');
    expect(kasanAddress(0xdffffc0000004e62n)).toBe(0x27310n);
    expect(kasanAddress(0xffff888000000000n)).toBeNull();
  });

  it('as a disassembly that somebody has cut: * at 0x25', () => {
    const cut = `
0: 4a 03 04 ed 40 19 15 add -0x7aeae6c0(,%r13,8),%rax
7: 85
8: 48 89 c7 mov %rax,%rdi
b: e8 9c bb ff ff call 0xffffffffffffbbac
10: 48 c7 c0 10 73 02 00 mov $0x27310,%rax
17: 48 ba 00 00 00 00 00 movabs $0xdffffc0000000000,%rdx
1e: fc ff df
21: 48 c1 e8 03 shr $0x3,%rax
25:* 80 3c 10 00 cmpb $0x0,(%rax,%rdx,1) <-- trapping instruction
29: 0f 85 21 05 00 00 jne 0x550
2f: 65 48 8b 05 45 26 f6 mov %gs:0x7ef62645(%rip),%rax # 0x7ef6267c
36: 7e
37: 48 8d 7b 24 lea 0x24(%rbx),%rdi`;
    const { at, found, text } = decoded(cut);
    expect([at, text?.replace(/\s+/g, ' ')]).toEqual([0x25, 'cmpb $0x0,(%rax,%rdx,1)']);
    expect(found.all.map(({ text }) => text.replace(/\s+/g, ' '))).toContain('call 0xffffffffffffbbac');
  });

  it('finds the boundary again where the dump begins in the middle of an instruction', () => {
    const whole = parseOops(wrapped).code;
    for (let cut = 1; cut < 30; cut++) {
      const found = decodeCode({ bytes: whole.bytes.subarray(cut), mark: whole.mark! - cut });
      expect(found.all[found.trapping!]!.text.replace(/\s+/g, ' ')).toBe('lock decl (%r12)');
    }
  });

  it('NULL plus offset, poison, and what LAM would take for a tag', () => {
    const oops = (registers: string, code = '<48> 8b 40 58 90') =>
      explained(`BUG: x\nOops: 0000 [#1] SMP\nCode: 90 90 ${code}\n${registers}`);
    expect(oops('RAX: 0000000000000000 CR2: 0000000000000058')).toContain('a NULL pointer in rax plus offset 0x58');
    expect(oops('RAX: dead000000000100')).toContain('removed from its list');
    expect(oops('RAX: 6b6b6b6b6b6b6b6b')).toContain('use after free');
    const tag = oops('RAX: 7e007ffff0000000 CR3: 0000000001000000 CR4: 00000000000006f0');
    expect(tag).toContain('LAM_U57 (CR3 bit 61) is off: it would take bits 62:57 as a tag and use 0x7ffff0000058');
    expect(oops('RAX: 0100000000000000 CR3: 2000000001000000')).toContain(
      'LAM_U57 (CR3 bit 61) is on and takes bits 62:57 as a tag: 0x7f00000000000058 is still not canonical: bit 56 differs',
    );
  });

  it('says in one line what is missing, and reads anything', () => {
    expect(() => parseOops('hello')).toThrow(OopsError);
    expect(() => parseOops('Code: Unable to access opcode bytes at 0x7.')).toThrow('the report has no code');
    expect(() => parseOops('Code: 31 zz f6')).toThrow("'zz' in the Code: line is no byte");
    const word = fc.constantFrom(
      'Code:',
      '90',
      '<f0>',
      '(cc)',
      '\n',
      ' ',
      '0:',
      'RAX: 00',
      '> ',
      'Oops: 0002 [#1]',
      '\u{1f600}',
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        try {
          const report = parseOops(words.join(' '));
          diagnose(report, decodeCode(report.code));
        } catch (error) {
          expect(error).toBeInstanceOf(OopsError);
        }
      }),
    );
  });
});
