import { describe, expect, it } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { Random } from '../../src/bits/random.ts';
import { readImage } from '../../src/elf/image.ts';
import { describeEnd, type ProcessEnd } from '../../src/kernel/end.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { Machine } from '../../src/machine/machine.ts';
import { elfFile } from '../support/elf-file.ts';

/** Runs code at 0x400000, in a page that may be read, written and executed. */
function run(hex: string, limits = {}, memory = 16 << 20) {
  const body = parseHexBytes(hex);
  const file = elfFile({
    body,
    segments: [
      { flags: 7, memorySize: 0x1000n },
      { type: 0x6474e551, flags: 6 },
    ],
  });
  const machine = new Machine({ syscall: true, memory });
  const kernel = new Kernel(machine);
  kernel.exec(readImage(file), ['test'], []);
  const end = kernel.run({ instructions: 50_000_000, ...limits });
  return { end, text: describeEnd(end), machine, kernel };
}

/** mov edi, 42; mov eax, 231; syscall */
const EXIT = 'bf 2a 00 00 00 b8 e7 00 00 00 0f 05';

describe('exceptions become signals (measured)', () => {
  it.each([
    ['read at 0', '8b 04 25 00 00 00 00', 11, 1, 0n, 4],
    ['write at 0', '89 04 25 00 00 00 00', 11, 1, 0n, 6],
    ['read of a kernel address', '48 c7 c3 00 00 00 80 8b 03', 11, 1, 0xffff_ffff_8000_0000n, 5],
    ['jump to a kernel address', '48 c7 c3 00 00 00 80 ff e3', 11, 1, 0xffff_ffff_8000_0000n, 0x15],
    ['jump to the stack', 'ff e4', 11, 2, null, 0x15],
    ['non-canonical read', '48 bb 00 00 00 00 00 00 00 80 8b 03', 11, 128, 0n, 0],
    ['non-canonical stack', '48 bc 00 00 00 00 00 00 00 80 50', 7, 128, 0n, 0],
    ['ud2', '0f 0b', 4, 2, 0x40_0000n, null],
    ['divide by zero', '31 c9 f7 f9', 8, 1, 0x40_0002n, null],
    ['int3', 'cc', 5, 128, 0n, null],
    ['int 4', 'cd 04', 11, 128, 0n, null],
    ['hlt', 'f4', 11, 128, 0n, 0],
    ['int 0x20', 'cd 20', 11, 128, 0n, 0x102],
  ] as const)('%s', (_, code, signal, siCode, address, errorCode) => {
    const { end } = run(code);
    expect(end).toMatchObject({ kind: 'killed', signal, code: siCode });
    if (end.kind !== 'killed') return;
    if (address !== null) expect(end.address).toBe(address);
    expect(end.fault?.errorCode).toBe(errorCode);
  });
});

describe('a run ends', () => {
  it('with a status', () => expect(run(EXIT).end).toEqual({ kind: 'exited', status: 42 }));

  it('at the instruction limit, exactly, and goes on from there', () => {
    const { end, machine, kernel } = run('eb fe', { instructions: 12_345 });
    expect(end).toEqual({ kind: 'instruction limit', limit: 12_345 });
    expect(machine.cpu.icount).toBe(12_345);
    kernel.run({ instructions: 5 });
    expect(machine.cpu.icount).toBe(12_350);
  });

  it('at the time limit', () => {
    expect(run('eb fe', { instructions: 1e12, milliseconds: 50 }).end).toEqual({
      kind: 'time limit',
      milliseconds: 50,
    });
  });

  it('when memory is used up', () => {
    // mov eax,12; xor edi,edi; syscall; lea rdi,[rax+0x300000]; mov rbx,rax; mov eax,12; syscall; L: mov [rbx],eax; add rbx,4096; jmp L
    const code =
      'b8 0c 00 00 00 31 ff 0f 05 48 8d b8 00 00 30 00 48 89 c3 b8 0c 00 00 00 0f 05 89 03 48 81 c3 00 10 00 00 eb f5';
    const { end, text } = run(code, {}, 2 << 20);
    // A heap beyond all memory is refused by brk, so the store behind it faults; one within it runs out.
    expect(end.kind).toBe('killed');
    expect(text).toContain('SIGSEGV');
    const within = run(code.replace('00 00 30 00', '00 f0 1f 00'), {}, 2 << 20);
    expect(within.end).toEqual({ kind: 'out of memory', limit: 2 << 20 });
    expect(within.text).toBe("out of memory: the guest's 2097152 bytes are used up");
  });

  it('with one line for each kind', () => {
    const ends: ProcessEnd[] = [
      { kind: 'exited', status: 3 },
      { kind: 'killed', signal: 11, code: 1, address: 8n, fault: { vector: 14, errorCode: 4, cr2: 8n } },
      { kind: 'killed', signal: 15, code: 0, address: 0n, fault: null },
      { kind: 'unimplemented', what: 'x' },
      { kind: 'instruction limit', limit: 1 },
      { kind: 'time limit', milliseconds: 1 },
      { kind: 'out of memory', limit: 1 },
      { kind: 'deadlock', reason: 'x', threads: 1 },
      { kind: 'deadlock', reason: '1000 for x, 1001 for y', threads: 2 },
    ];
    for (const end of ends) expect(describeEnd(end)).toMatch(/^[^\n]+$/);
    expect(describeEnd(ends[1]!)).toBe('killed by SIGSEGV (Segmentation fault): #PF error 0x4 at address 0x8');
  });
});

describe('the stub and the machine', () => {
  it('code that a system call overwrites is decoded again', () => {
    // xor ebx,ebx; L: mov edi,0x11; test ebx,ebx; jnz X; inc ebx; getrandom(L + 1, 1, 0); jmp L; X: exit_group(edi)
    const code =
      '31 db bf 11 00 00 00 85 db 75 17 ff c3 b8 3e 01 00 00 bf 03 00 40 00 be 01 00 00 00 31 d2 0f 05 eb e0 b8 e7 00 00 00 0f 05';
    const random = new Random(0);
    random.bytes(16);
    expect(run(code).end).toEqual({ kind: 'exited', status: random.bytes(1)[0] });
  });

  it('gives the same run twice', () => {
    const a = run(EXIT);
    const b = run(EXIT);
    expect(a.machine.cpu.icount).toBe(b.machine.cpu.icount);
    expect(a.machine.cpu.gpr(4)).toBe(b.machine.cpu.gpr(4));
  });

  it('protects a page that the CPU has in its TLB', () => {
    // store to [0x400800]; mprotect(0x400000, 4096, READ|EXEC); store again faults
    const code =
      'c7 04 25 00 08 40 00 01 00 00 00 b8 0a 00 00 00 bf 00 00 40 00 be 00 10 00 00 ba 05 00 00 00 0f 05 c7 04 25 00 08 40 00 02 00 00 00';
    expect(run(code).end).toMatchObject({ kind: 'killed', signal: 11, code: 2, address: 0x40_0800n });
  });
});
