import { describe, expect, it } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { effectiveAddress, linearAddress, memoryAccesses } from '../../src/decode/accesses.ts';

const of = (bytes: string, address = 0n) => memoryAccesses(parseHexBytes(bytes), address);
const source = {
  gpr: (n: number): bigint => [0x100n, 0x200n, 0n, 0xffff_ffff_0000_0010n, 0x7000n][n] ?? 0n,
  fsBase: 0x1_0000n,
  gsBase: 0xffff_9947_63e0_0000n,
};

describe('memoryAccesses', () => {
  it('lists what an instruction reads and writes, the stack included', () => {
    expect(of('ff 74 24 08')).toMatchObject([
      { kind: 'read', bytes: 8, base: { name: 'rsp' }, displacement: 8n },
      { kind: 'write', bytes: 8, base: { name: 'rsp' }, displacement: -8n },
    ]);
    expect(of('f0 48 01 0b')).toMatchObject([{ kind: 'update', bytes: 8, base: { name: 'rbx' } }]);
    expect(of('0f ae 00')).toMatchObject([{ kind: 'write', bytes: 512 }]);
  });

  it('knows the element size of a repeated string instruction, and that it may not happen', () => {
    expect(of('f3 a4')).toMatchObject([
      { kind: 'write', bytes: 1, conditional: true, base: { name: 'rdi' } },
      { kind: 'read', bytes: 1, conditional: true, base: { name: 'rsi' } },
    ]);
  });

  it('counts no access where only an address is computed', () => {
    expect(of('8d 43 01')).toEqual([]);
    expect(of('0f 1f 00')).toEqual([]);
    expect(of('06')).toEqual([]);
  });

  it('gives both forms of a per-CPU load the same address', () => {
    const [absolute] = of('65 48 8b 04 25 80 ac 02 00', 0xffff_ffff_8111_e136n);
    const [relative] = of('65 4c 8b 25 f6 e0 f0 7e', 0xffff_ffff_8111_cb82n);
    expect(absolute).toMatchObject({ kind: 'read', segment: 'gs', ripRelative: false });
    expect(relative).toMatchObject({ kind: 'read', segment: 'gs', ripRelative: true });
    for (const access of [absolute!, relative!]) {
      expect(effectiveAddress(access, source)).toBe(0x2ac80n);
      expect(linearAddress(access, source)).toBe(0xffff_9947_63e2_ac80n);
    }
  });

  it('truncates a 32-bit address before the segment base is added', () => {
    // mov %fs:0x8(%ebx,%ecx,2),%eax
    const [access] = of('64 67 8b 44 4b 08');
    expect(effectiveAddress(access!, source)).toBe(0x418n);
    expect(linearAddress(access!, source)).toBe(0x1_0418n);
  });
});
