import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { OracleResult } from '../../src/oracle/case.ts';
import { CODE, DATA, WRITABLE_CODE } from '../../src/oracle/layout.ts';
import { available, NativeOracle } from '../../src/oracle/native.ts';
import { guestPath } from './expected.ts';

const RAX = 0;
const RCX = 1;
const RSP = 4;
const RSI = 6;
const RDI = 7;
const blob = (name: string): Uint8Array => new Uint8Array(readFileSync(guestPath(`bare/${name}.bin`)));

describe('the flat blobs', () => {
  it('hold syscall_exit_work byte for byte', () => {
    const hex = (name: string): string => Buffer.from(blob(name)).toString('hex');
    expect(hex('syscall_exit_work_a')).toBe(
      '554889fd534889f383e6207416' +
        '65488b042580ac0200' +
        '80b80008000000' +
        '0f85e7000000' +
        '65488b042580ac0200' +
        '4883b8c807000000',
    );
    expect(hex('syscall_exit_work_b')).toBe(
      '4154654c8b25f6e0f07e554889fd534889f383e620740f' + '4180bc240008000000' + '0f85d4000000' + '4983bc24c807000000',
    );
  });
});

describe.skipIf(available() !== null)('the user blobs on the host', () => {
  const oracle = new NativeOracle();
  afterAll(() => oracle.close());

  const run = (
    name: string,
    set: Readonly<Record<number, bigint>>,
    codeAddress = CODE.base,
    memory: readonly { address: bigint; bytes: Uint8Array }[] = [],
  ): OracleResult => {
    const gpr = new Array<bigint>(16).fill(0n);
    gpr[RSP] = DATA.base + 0x1800n;
    for (const [n, value] of Object.entries(set)) gpr[Number(n)] = value;
    return oracle.run([{ code: blob(name), codeAddress, gpr, memory }])[0]!;
  };
  /** HLT is privileged: user code ends there with #GP(0). */
  const expectHalt = (result: OracleResult, name: string, base = CODE.base): void => {
    expect(result.ending).toMatchObject({ kind: 'fault', vector: 13, error: 0n });
    expect(result.rip).toBe(base + BigInt(blob(name).length) - 1n);
  };

  it('sum', () => {
    const result = run('sum', { [RDI]: 100n });
    expectHalt(result, 'sum');
    expect(result.gpr[RAX]).toBe(5050n);
  });

  it('copy', () => {
    const text = new TextEncoder().encode('per-CPU\0');
    const result = run('copy', { [RSI]: DATA.base + 5n, [RDI]: DATA.base + 0x100n }, CODE.base, [
      { address: DATA.base + 5n, bytes: text },
    ]);
    expectHalt(result, 'copy');
    expect(result.gpr[RAX]).toBe(7n);
    expect(result.changes).toEqual([{ address: DATA.base + 0x100n, bytes: text }]);
  });

  it('selfmod', () => {
    const result = run('selfmod', { [RCX]: 100n }, WRITABLE_CODE.base);
    expectHalt(result, 'selfmod', WRITABLE_CODE.base);
    expect(result.gpr[RAX]).toBe(5050n);
  });

  it('pageend', () => {
    const mapped = run('pageend', {});
    expectHalt(mapped, 'pageend');
    expect(mapped.gpr[RAX]).toBe(2n);
    const second = CODE.base + 0x1000n;
    const cut = run('pageend', {}, second);
    expect(cut.ending).toMatchObject({ kind: 'fault', vector: 14, error: 4n, cr2: second + 0x1000n });
    expect(cut.gpr[RAX]).toBe(1n);
  });
});
