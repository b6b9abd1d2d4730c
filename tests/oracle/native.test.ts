import { afterAll, describe, expect, it } from 'vitest';
import type { OracleCase, OracleResult } from '../../src/oracle/case.ts';
import { CODE, CODE_ALIAS, DATA, DATA_ALIAS, READ_ONLY, WRITABLE_CODE } from '../../src/oracle/layout.ts';
import { available, hostFeatures, hostVendor, NativeOracle } from '../../src/oracle/native.ts';
import { FLAG } from '../../src/state/rflags.ts';

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const RSP = 4;
const RSI = 6;
const RDI = 7;
const STACK = DATA.base + 0x1800n;
const DATA_END = DATA.base + BigInt(DATA.size);

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const registers = (set: Readonly<Record<number, bigint>>): bigint[] => {
  const gpr = new Array<bigint>(16).fill(0n);
  gpr[RSP] = STACK;
  for (const [n, value] of Object.entries(set)) gpr[Number(n)] = value;
  return gpr;
};
const flagsOf = (r: OracleResult): number => r.rflags & (FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF);

describe.skipIf(available() !== null)('the native oracle', () => {
  const oracle = new NativeOracle();
  afterAll(() => oracle.close());

  const run = (code: string, set: Readonly<Record<number, bigint>> = {}, rest: Partial<OracleCase> = {}) =>
    oracle.run([{ code: hex(code), gpr: registers(set), ...rest }])[0]!;

  it('returns every register as it was after no code', () => {
    const gpr = Array.from({ length: 16 }, (_, i) => 0x0111_1111_1111_1111n * BigInt(i) + 7n);
    const xmm = Array.from({ length: 16 }, (_, i) => (BigInt(i) << 120n) | 0xabcdn);
    const result = oracle.run([
      { code: hex(''), gpr, xmm, mxcsr: 0x7f80, rflags: 0x202 | FLAG.DF | FLAG.AC | FLAG.OF },
    ])[0]!;
    expect(result.ending.kind).toBe('normal');
    expect([...result.gpr]).toEqual(gpr);
    expect(xmm.map((_, i) => result.xmm(i))).toEqual(xmm);
    expect(result.mxcsr).toBe(0x7f80);
    expect(result.rip).toBe(CODE.base);
    expect(result.rflags).toBe(0x202 | FLAG.DF | FLAG.AC | FLAG.OF);
    expect(result.selectors).toEqual({ cs: 0x33, gs: 0, fs: 0, ss: 0x2b });
    expect(result.changes).toEqual([]);
  });

  it('adds with flags', () => {
    const result = run('00 dc', { [RAX]: 0xff12n, [RBX]: 1n }); // add ah,bl
    expect(result.gpr[RAX]).toBe(0x0012n);
    expect(flagsOf(result)).toBe(FLAG.CF | FLAG.ZF | FLAG.AF | FLAG.PF);
    expect(result.rip).toBe(CODE.base + 2n);
  });

  it('reports #DE', () => {
    const result = run('90 f7 f1', { [RAX]: 5n }); // nop; div ecx
    expect(result.ending).toMatchObject({ kind: 'fault', vector: 0, signal: 8 });
    expect(result.rip).toBe(CODE.base + 1n);
    expect(result.gpr[RAX]).toBe(5n);
  });

  it('reports #PF with error code and CR2', () => {
    const load = run('48 8b 03', { [RBX]: DATA_END - 4n }); // mov rax,[rbx] across the end
    expect(load.ending).toEqual({ kind: 'fault', vector: 14, error: 4n, cr2: DATA_END, signal: 11 });
    const store = run('48 89 03', { [RBX]: READ_ONLY.base }); // mov [rbx],rax
    expect(store.ending).toMatchObject({ vector: 14, error: 7n, cr2: READ_ONLY.base });
    const missing = run('c6 03 01', { [RBX]: DATA.base - 1n }); // mov byte [rbx],1
    expect(missing.ending).toMatchObject({ vector: 14, error: 6n, cr2: DATA.base - 1n });
    const fetch = run('ff e3', { [RBX]: DATA.base }); // jmp rbx into data
    expect(fetch.ending).toMatchObject({ vector: 14, error: 0x15n, cr2: DATA.base });
    expect(fetch.rip).toBe(DATA.base);
  });

  it('reports a fetch that runs off the end of the code', () => {
    const end = CODE.base + BigInt(CODE.size);
    const off = run('90', {}, { codeAddress: end - 1n });
    expect(off.ending).toMatchObject({ kind: 'fault', vector: 14, error: 0x14n, cr2: end });
    expect(off.rip).toBe(end);
    const cut = run('48 b8 01', {}, { codeAddress: end - 3n }); // movabs, cut by the page end
    expect(cut.ending).toMatchObject({ kind: 'fault', vector: 14, error: 0x14n, cr2: end });
    expect(cut.rip).toBe(end - 3n);
  });

  it('reports #GP and #SS for addresses that are not canonical', () => {
    const general = run('48 8b 03', { [RBX]: 0x8000_0000_0000_0000n });
    expect(general.ending).toMatchObject({ kind: 'fault', vector: 13, error: 0n, signal: 11 });
    const stack = run('50', { [RSP]: 0x8000_0000_0000_0000n }); // push rax
    expect(stack.ending).toMatchObject({ kind: 'fault', vector: 12, error: 0n, signal: 7 });
  });

  it('reports #UD, misaligned SSE and #AC', () => {
    expect(run('0f 0b').ending).toMatchObject({ kind: 'fault', vector: 6, signal: 4 });
    expect(run('0f 28 03', { [RBX]: DATA.base + 8n }).ending).toMatchObject({ kind: 'fault', vector: 13, error: 0n }); // movaps
    const checked = run('8b 03', { [RBX]: DATA.base + 1n }, { rflags: 0x202 | FLAG.AC });
    expect(checked.ending).toMatchObject({ kind: 'fault', vector: 17, error: 0n });
  });

  it('tells the ending from an INT3 of the code, and stops a single step', () => {
    expect(run('cc 90').ending).toMatchObject({ kind: 'fault', vector: 3 });
    const step = run('90 90', {}, { rflags: 0x202 | FLAG.TF });
    expect(step.ending).toMatchObject({ kind: 'fault', vector: 1 });
    expect(step.rip).toBe(CODE.base + 1n);
  });

  it('stops REP MOVSB where it runs into the unmapped page', () => {
    const source = Uint8Array.from({ length: 64 }, (_, i) => i + 1);
    const result = run(
      'f3 a4',
      { [RSI]: DATA.base, [RDI]: DATA_END - 12n, [RCX]: 64n },
      { memory: [{ address: DATA.base, bytes: source }] },
    );
    expect(result.ending).toMatchObject({ kind: 'fault', vector: 14, error: 6n, cr2: DATA_END });
    expect(result.gpr[RCX]).toBe(52n);
    expect(result.gpr[RSI]).toBe(DATA.base + 12n);
    expect(result.gpr[RDI]).toBe(DATA_END);
    expect(result.rip).toBe(CODE.base);
    // Whole words: the first also holds the four bytes before the destination.
    expect(result.changes).toEqual([
      { address: DATA_END - 16n, bytes: Uint8Array.from([0, 0, 0, 0, ...source.subarray(0, 12)]) },
    ]);
  });

  it('puts memory back between cases', () => {
    const fill: OracleCase = {
      code: hex('f3 48 ab'), // rep stosq
      gpr: registers({ [RAX]: -1n & 0xffff_ffff_ffff_ffffn, [RDI]: DATA.base, [RCX]: BigInt(DATA.size / 8) }),
    };
    const patch = { address: DATA.base + 0x123n, bytes: Uint8Array.of(9) };
    const sum: OracleCase = { code: hex('0f b6 03'), gpr: registers({ [RBX]: DATA.base + 0x123n }) }; // movzx eax,[rbx]
    const results = oracle.run([{ ...fill, memory: [patch] }, sum, { ...sum, memory: [patch] }, sum]);
    expect(results[0]!.changes.reduce((n, c) => n + c.bytes.length, 0)).toBe(DATA.size);
    expect(results.slice(1).map((r) => r.gpr[RAX])).toEqual([0n, 9n, 0n]);
  });

  it('sees code that changes itself, and restores it', () => {
    // mov byte [rip+1],7; mov al,1: the store hits the immediate of the next instruction
    const changing = { codeAddress: WRITABLE_CODE.base };
    const result = run('c6 05 01 00 00 00 07 b0 01', {}, changing);
    expect(result.ending.kind).toBe('normal');
    expect(result.gpr[RAX]).toBe(7n);
    expect(result.changes[0]!.address).toBe(WRITABLE_CODE.base + 8n);
    expect(run('90 90 90 90 90 90 90 b0 01', {}, changing).gpr[RAX]).toBe(1n);
    expect(run('c6 05 01 00 00 00 07 b0 01').ending).toMatchObject({ kind: 'fault', vector: 14, error: 7n });
  });

  it('computes with SSE and keeps MXCSR', () => {
    const one = 0x3f80_0000n;
    const three = 0x4040_0000n;
    const result = run('f3 0f 5e c1', {}, { xmm: [one, three] }); // divss xmm0,xmm1
    expect(result.xmm(0)).toBe(0x3eaa_aaabn);
    expect(result.mxcsr).toBe(0x1fa0);
    const up = run('f3 0f 5e c1', {}, { xmm: [one, three], mxcsr: 0x3f80 }); // round down
    expect(up.xmm(0)).toBe(0x3eaa_aaaan);
    const trap = run('f3 0f 5e c1', {}, { xmm: [one, 0n], mxcsr: 0x1d80 }); // divide by zero, unmasked
    expect(trap.ending).toMatchObject({ kind: 'fault', vector: 19, signal: 8 });
    expect(run('90', {}, { mxcsr: 0xffff_0000 }).ending.kind).toBe('refused');
  });

  it('computes with x87', () => {
    const result = run('d9 e8 d9 eb', {}); // fld1; fldpi
    const image = result.fxsave;
    expect((image[3]! >> 3) & 7).toBe(6); // TOP
    expect(image[4]).toBe(0b1100_0000); // abridged tags: R6 and R7 in use
    const st0 = Buffer.from(image.subarray(32, 42)).toString('hex');
    expect(st0).toBe('35c26821a2da0fc90040');
    const next = run('90');
    expect(next.fxsave[4]).toBe(0);
  });

  it('reads and sets the FS and GS bases', () => {
    const memory = [{ address: DATA.base + 0x40n, bytes: hex('efbeadde') }];
    const result = run(
      '64 8b 04 25 40 00 00 00 65 8b 0c 25 30 00 00 00',
      {},
      {
        // mov eax,fs:[40h]; mov ecx,gs:[30h]
        fsBase: DATA.base,
        gsBase: DATA.base + 0x10n,
        memory,
      },
    );
    expect(result.gpr[RAX]).toBe(0xdead_beefn);
    expect(result.gpr[RCX]).toBe(0xdead_beefn);
    expect([result.fsBase, result.gsBase]).toEqual([DATA.base, DATA.base + 0x10n]);
    if (!hostFeatures().has('FSGSBASE')) return;
    const written = run('f3 48 0f ae d3', { [RBX]: 0x1234_5678_9000n }); // wrfsbase rbx
    expect(written.fsBase).toBe(0x1234_5678_9000n);
    expect(run('90').fsBase).toBe(0n);
  });

  it('ends an endless loop, and goes on', () => {
    const loop: OracleCase = { code: hex('eb fe'), gpr: registers({ [RDX]: 5n }) };
    const fine: OracleCase = { code: hex('ff c2'), gpr: registers({ [RDX]: 5n }) }; // inc edx
    const results = oracle.run([fine, loop, fine]);
    expect(results.map((r) => r.ending.kind)).toEqual(['normal', 'timeout', 'normal']);
    expect(results.map((r) => r.gpr[RDX])).toEqual([6n, 5n, 6n]);
  });

  it('makes no system call for a case', () => {
    expect(run('b8 e7 00 00 00 0f 05').ending.kind).toBe('syscall'); // exit_group
    expect(run('b8 01 00 00 00 cd 80').ending.kind).toBe('syscall'); // int 80h, exit
    expect(run('90').ending.kind).toBe('normal');
  });

  it('refuses memory outside the regions', () => {
    const memory = [{ address: DATA_END - 1n, bytes: Uint8Array.of(1, 2) }];
    expect(run('90', {}, { memory }).ending.kind).toBe('refused');
    expect(run('90', {}, { rip: 0x8000_0000_0000_0000n }).ending.kind).toBe('refused');
    expect(run('90').ending.kind).toBe('normal');
  });

  it('has the data and the writable code a second time, where stores change the first', () => {
    const data = run('c7 04 25 00 02 01 10 44 33 22 11'); // mov dword [DATA_ALIAS + 200h],11223344h
    expect(data.changes).toEqual([
      { address: DATA.base + 0x200n, bytes: Uint8Array.of(0x44, 0x33, 0x22, 0x11, 0, 0, 0, 0) },
    ]);
    const modified = run('c6 04 25 09 01 01 30 05 b0 07', {}, { codeAddress: WRITABLE_CODE.base + 0x100n }); // … mov al,7
    expect(modified.gpr[RAX]! & 0xffn).toBe(5n);
    expect(DATA_ALIAS.base).toBe(0x1001_0000n);
    expect(CODE_ALIAS.base).toBe(0x3001_0000n);
  });

  it('survives a case that wrecks everything it can', () => {
    const wreck: readonly string[] = [
      '31 e4 0f 0b', // xor esp,esp; ud2
      'db e3 d9 e8 d9 e8 d9 e8 d9 e8 d9 e8 d9 e8 d9 e8 d9 e8 d9 e8 0f 0b', // x87 stack overflow
      '68 00 44 25 00 9d 0f 0b', // push 254400h; popfq: NT, AC, ID, DF
      'b8 2b 00 00 00 8e d8 8e c0 8e e0 8e e8 0f 0b', // mov ds,es,fs,gs
    ];
    for (const code of wreck) {
      expect(run(code).ending).toMatchObject({ kind: 'fault', vector: 6 });
      const after = run('9c 58'); // pushfq; pop rax
      expect(after.ending.kind).toBe('normal');
      expect(after.gpr[RAX]).toBe(0x202n);
      expect(after.selectors.fs).toBe(0);
      expect(after.fxsave[4]).toBe(0);
    }
  });

  it('finds the case that ends the helper, and runs the others', () => {
    // rep stosb over the helper's own variables, at their fixed address
    const fatal: OracleCase = { code: hex('f3 aa'), gpr: registers({ [RDI]: 0x5a5a_0000_4000n, [RCX]: 0x15000n }) };
    const fine: OracleCase = { code: hex('ff c2'), gpr: registers({ [RDX]: 5n }) };
    const results = oracle.run([fine, fine, fatal, fine, fine]);
    expect(results.map((r) => r.ending.kind)).toEqual(['normal', 'normal', 'lost', 'normal', 'normal']);
    expect(results.map((r) => r.gpr[RDX])).toEqual([6n, 6n, 0n, 6n, 6n]);
  });

  it('restores the upper halves of YMM', () => {
    if (!hostFeatures().has('AVX')) return;
    const ymmHigh = [1n << 100n, 5n];
    const result = run('c5 f5 58 c1', {}, { ymmHigh }); // vaddpd ymm0,ymm1,ymm1
    expect(result.ending.kind).toBe('normal');
    expect(result.ymmHigh(1)).toBe(5n);
    expect(run('c5 f8 77', {}, { ymmHigh }).ymmHigh(1)).toBe(0n); // vzeroupper
  });

  it('names the host', () => {
    expect(hostVendor()).toMatch(/^[\x20-\x7e]{12}$/);
    expect(hostFeatures().has('SSE2')).toBe(true);
  });

  it('keeps the order of many cases', () => {
    const cases = Array.from({ length: 3000 }, (_, i) => ({
      code: hex('48 ff c0'),
      gpr: registers({ [RAX]: BigInt(i) }),
    }));
    const results = oracle.run(cases);
    expect(results.length).toBe(cases.length);
    expect(results.every((r, i) => r.ending.kind === 'normal' && r.gpr[RAX] === BigInt(i) + 1n)).toBe(true);
  });

  it('starts another helper when one was closed', () => {
    const own = new NativeOracle();
    own.close();
    expect(own.run([{ code: hex('90'), gpr: registers({}) }])[0]!.ending.kind).toBe('normal');
    own.close();
  });
});
