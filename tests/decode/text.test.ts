import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { disassemble } from '../../src/decode/text.ts';
import { guestPath } from '../guests/expected.ts';

const text = (bytes: string, address = 0x1000n): string => disassemble(parseHexBytes(bytes), address).text;

describe('disassemble', () => {
  // Bytes, and what objdump 2.40 prints for them at 0x1000.
  it.each([
    ['48 89 fd', 'mov    %rdi,%rbp'],
    ['65 48 8b 04 25 80 ac 02 00', 'mov    %gs:0x2ac80,%rax'],
    ['48 83 b8 c8 07 00 00 00', 'cmpq   $0x0,0x7c8(%rax)'],
    ['74 16', 'je     0x1018'],
    ['e8 fb ff ff ff', 'call   0x1000'],
    ['ff 13', 'call   *(%rbx)'],
    ['ff 73 08', 'push   0x8(%rbx)'],
    ['c3', 'ret'],
    ['f3 c3', 'repz ret'],
    ['48 d1 e9', 'shr    %rcx'],
    ['48 6b d2 18', 'imul   $0x18,%rdx,%rdx'],
    ['48 8d 84 07 38 ff ff ff', 'lea    -0xc8(%rdi,%rax,1),%rax'],
    ['48 89 45 00', 'mov    %rax,0x0(%rbp)'],
    ['f3 48 ab', 'rep stos %rax,%es:(%rdi)'],
    ['a4', 'movsb  %ds:(%rsi),%es:(%rdi)'],
    ['66 66 2e 0f 1f 84 00 00 00 00 00', 'data16 cs nopw 0x0(%rax,%rax,1)'],
    ['f0 41 ff 0c 24', 'lock decl (%r12)'],
    ['48 c7 c0 ff ff ff ff', 'mov    $0xffffffffffffffff,%rax'],
    ['66 0f ef c0', 'pxor   %xmm0,%xmm0'],
    ['06', '(bad)'],
    ['48', '(bad)'],
  ])('%s is %s', (bytes, expected) => {
    expect(text(bytes)).toBe(expected);
  });

  it('resolves a RIP-relative place over the wrap at 2^64, and keeps the segment', () => {
    const insn = disassemble(parseHexBytes('65 4c 8b 25 f6 e0 f0 7e'), 0xffff_ffff_8111_cb82n);
    expect(insn).toMatchObject({ place: 0x2ac80n, ripRelative: true, segment: 'gs', target: null });
    expect(insn.text).toBe('mov    %gs:0x7ef0e0f6(%rip),%r12');
    expect(insn.bytes).toHaveLength(8);
  });

  it('says where a near branch goes', () => {
    expect(disassemble(parseHexBytes('0f 85 e7 00 00 00'), 0xffff_ffff_8111_e13dn).target).toBe(0xffff_ffff_8111_e22an);
    expect(disassemble(parseHexBytes('ff e0'), 0n).target).toBeNull();
  });

  it('takes one byte where there is no instruction', () => {
    expect(disassemble(parseHexBytes('06 90'), 0n).bytes).toEqual(Uint8Array.of(6));
  });
});

/** Lines of `objdump -d` as address, bytes and text without names and comments. */
function objdump(path: string): (readonly [address: bigint, bytes: string, text: string])[] {
  const lines = execFileSync('objdump', ['-d', '-w', path], { encoding: 'utf8', maxBuffer: 1 << 28 }).split('\n');
  return lines.flatMap((line) => {
    const [, address, bytes, shown] = /^ *([0-9a-f]+):\t((?:[0-9a-f]{2} )+) *\t(.*)$/.exec(line) ?? [];
    if (address === undefined) return [];
    return [
      [
        BigInt(`0x${address}`),
        bytes!,
        shown!
          .replace(/ *(<.*>|# .*)$/, '')
          .replace(/ *# .*$/, '')
          .trimEnd(),
      ],
    ] as const;
  });
}

/** Other versions of objdump write some things otherwise. */
const VERSION = /\b2\.40\b/;

describe.skipIf(!VERSION.test(spawnSync('objdump', ['--version'], { encoding: 'utf8' }).stdout ?? ''))(
  'beside objdump 2.40',
  () => {
    it.each(['hello', 'sortmix', 'regex'])('%s reads the same', (name) => {
      const rows = objdump(guestPath(`user/${name}`));
      expect(rows.length).toBeGreaterThan(1000);
      expect(rows.map(([address, bytes]) => disassemble(parseHexBytes(bytes), address).text.trimEnd())).toEqual(
        rows.map(([, , shown]) => shown),
      );
    });
  },
);
