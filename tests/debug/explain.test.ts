import { describe, expect, it } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { explain } from '../../src/debug/explain.ts';
import { explanationJson, explanationLines } from '../../src/debug/explain-text.ts';
import { BareGuest } from '../../src/machine/bare.ts';
import { registerSetting } from '../../src/machine/registers.ts';
import { Names } from '../../src/trace/names.ts';

const BASE = 0x10_0000n;
const guest = new BareGuest({ memory: 4 << 20 });

/** Runs code at CPL 3 to its exception and explains it. */
function die(
  code: string,
  registers: Record<string, bigint> = {},
  region: { write?: boolean; execute?: boolean; user?: boolean } = {},
) {
  const all = { size: 0x1000, write: true, execute: true, user: true };
  guest.load({
    regions: [
      { ...all, address: BASE },
      { ...all, address: 0x20_0000n, ...region },
    ],
    contents: [{ address: BASE, bytes: parseHexBytes(code) }],
    entry: BASE,
    cpl: 3,
    registers: Object.entries(registers).map(([name, value]) => registerSetting(name, value)),
  });
  const stop = guest.run({ instructions: 100 });
  if (stop.reason !== 'fault') throw new Error(`ended by ${stop.reason}`);
  const { memory, cpu } = guest.machine;
  const names = Names.of([['start', BASE]]);
  return explain({ fault: stop.fault, memory, cpu, names, signal: null, mapping: null, last: { unknown: 'a test' } });
}

describe('the cause of an exception', () => {
  const store = '89 03'; // mov %eax,(%rbx)
  const load = '8b 03';
  it.each([
    ['an absent page', load, { rbx: 0x5000_0000n }, {}, 'the page is not present: P is clear in PDE[128]'],
    ['an absent table', load, { rbx: 1n << 40n }, {}, 'the page is not present: P is clear in PML4E[2]'],
    [
      'a read-only page',
      store,
      { rbx: 0x20_0000n },
      { write: false },
      'the page is not writable: W is clear in PTE[0]',
    ],
    [
      'a supervisor page',
      load,
      { rbx: 0x20_0000n },
      { user: false },
      'CPL 3 may not use the page: U is clear in PTE[0]',
    ],
    [
      'data as code',
      'ff e3',
      { rbx: 0x20_0000n },
      { execute: false },
      'the page is not executable: XD is set in PTE[0]',
    ],
    [
      'a wild address',
      load,
      { rbx: 0xdfff_fc00_0000_4e62n },
      {},
      '0xdffffc0000004e62 is not canonical: its bits 63 to 47 differ',
    ],
    [
      'a wild stack',
      '58',
      { rsp: 1n << 63n },
      {},
      'the stack address 0x8000000000000000 is not canonical: its bits 63 to 47 differ',
    ],
    [
      'a misaligned vector',
      '0f 28 03',
      { rbx: 0x20_0008n },
      {},
      '0x200008 is not aligned to 16 bytes, as movaps demands',
    ],
    ['a division by zero', 'f7 f1', { rcx: 0n }, {}, 'the divisor is 0'],
    ['a division by zero in memory', 'f7 33', { rbx: 0x20_0000n }, {}, 'the divisor is 0'],
    [
      'a quotient too large',
      'f7 f1',
      { rcx: 1n, rdx: 5n },
      {},
      'the quotient of RDX:RAX = 0x5:0x0 and 0x1 does not fit 32 bits',
    ],
    ['UD2', '0f 0b', {}, {}, 'ud2 is there to raise #UD'],
    ['tiles', 'c4 e2 7b 49 c0', {}, {}, 'no tiles are configured: LDTILECFG comes first'],
    ['no tiles', 'c4 e2 78 49 03', { rbx: BASE }, {}, 'the 64 bytes at 0x100000 are no configuration of tiles'],
    ['no instruction', '06', {}, {}, 'these bytes are no instruction'],
    ['a privileged instruction', '0f 22 d8', {}, {}, 'mov needs CPL 0, this is CPL 3'],
    [
      'an interrupt without a gate',
      'cd 80',
      {},
      {},
      'no gate that this privilege level may use stands at interrupt vector 128',
    ],
    ['a breakpoint', 'cc', {}, {}, 'a breakpoint (INT3)'],
    [
      'an unmasked SSE exception',
      '0f ae 13 0f 5e c0',
      { rbx: 0x20_0000n },
      {},
      'invalid operation is unmasked in MXCSR',
    ],
  ])('%s', (_, code, registers, region, cause) => {
    expect(die(code, registers, region).cause).toBe(cause);
  });
});

describe('an explanation', () => {
  // mov 0x10(%rbx,%rcx,4),%eax
  const dieHere = () => die('90 8b 44 8b 10', { rbx: 0x5000_0000n, rcx: 2n });

  it('says how the address is composed', () => {
    expect(dieHere().accesses).toEqual([
      {
        kind: 'read',
        bytes: 4,
        address: 0x5000_0018n,
        composition: 'rbx 0x50000000 + rcx 0x2 * 4 + 0x10 = 0x50000018',
      },
    ]);
    const [gs] = die('65 48 8b 04 25 80 ac 02 00', { gsbase: 0xffff_9947_63e0_0000n }).accesses;
    expect(gs!.composition).toBe('0x2ac80 + gs base 0xffff994763e00000 = 0xffff994763e2ac80');
  });

  it('is text with every part', () => {
    const text = explanationLines(dieHere()).join('\n');
    expect(text).toContain(
      '#PF error 0x4 (read, CPL 3, page not present) at address 0x50000018: the page is not present',
    );
    expect(text).toContain('instruction  0x100001 <start+0x1>  8b 44 8b 10  mov    0x10(%rbx,%rcx,4),%eax');
    expect(text).toMatch(/PML4E\[0\] at 0x1000 = 0x\w+ \(P W U A\)/);
    expect(text).toMatch(/PDPTE\[1\] at 0x\w+ = 0x\w+ \(P W U A\)/);
    expect(text).toContain('PDE[128]');
    expect(text).toMatch(/rbx {4}0x0000000050000000/);
    expect(text).toContain('last instructions: not available: a test');
  });

  it('is JSON with every part', () => {
    const json = JSON.parse(explanationJson(dieHere()));
    expect(json).toMatchObject({
      exception: '#PF',
      vector: 14,
      errorCode: 4,
      cr2: '0x50000018',
      rip: '0x100001',
      symbol: 'start+0x1',
      bytes: '8b448b10',
      regs: { rbx: '0x50000000' },
      last: null,
      lastUnavailable: 'a test',
    });
    expect(json.walk.at(-1)).toMatchObject({ level: 'PDE', index: 128, entry: '0x0' });
  });

  it('points at the instruction of a trap, not behind it', () => {
    expect(die('90 cc').insn!.address).toBe(BASE + 1n);
  });

  it('does without bytes that cannot be read', () => {
    const lost = die('ff e3', { rbx: 0x6000_0000n });
    expect(lost.insn).toBeNull();
    expect(explanationLines(lost).join('\n')).toContain('(its bytes cannot be read)');
  });
});
