import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { readImage } from '../../src/elf/image.ts';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { Machine } from '../../src/machine/machine.ts';
import { CODE_ARENA, CODE_ARENA_END } from '../../src/state/layout.ts';
import { BASE, elfFile } from '../support/elf-file.ts';
import { TextStdio } from '../support/run-program.ts';
import { P, RW, TestSpace, US } from '../support/space.ts';

const CODE = 0x40_0000n;
const ALIAS = 0x50_0000n;
const HLT = 'f4';
const RAX = 0;
const RCX = 1;
const RDI = 7;

describe.each(ENGINE_NAMES)('%s sees changed code at the next instruction', (engine) => {
  /** Two writable pages of code, and `hex` at `at` in them. */
  const space = (hex: string, at = CODE): TestSpace => {
    const s = new TestSpace(engine, { haltEnds: true });
    s.map(CODE);
    s.map(CODE + 0x1000n);
    s.write(at, parseHexBytes(hex));
    return s;
  };

  test('the immediate of the next instruction', () => {
    // mov byte [rip+1],0x41; mov al,1; hlt
    const s = space(`c6 05 01 00 00 00 41 b0 01 ${HLT}`);
    for (let n = 0; n < 3; n++) {
      s.cpu.setGpr(RAX, 0n);
      expect(s.run(CODE).kind).toBe('hlt');
      expect(s.cpu.gpr(RAX)).toBe(0x41n);
      s.write(CODE + 8n, Uint8Array.of(1));
    }
  });

  test('its opcode, from a push and from a locked add', () => {
    // L: mov rsp,L2+8; push imm (over L2); L2: 8 bytes
    // 48 c7 c4 imm32 (7); 68 imm32 (5) at +7; L2 at +12
    const s = space(`48 c7 c4 14 00 40 00 68 b0 07 ${HLT} 90 90 90 90 90 90 90 90 90 ${HLT}`);
    expect(s.run(CODE).kind).toBe('hlt');
    expect(s.cpu.gpr(RAX)).toBe(7n);
    // lock add dword [rip],1 (8 bytes with LOCK) over the following mov eax,imm32's immediate
    const t = space(`f0 83 05 01 00 00 00 01 b8 05 00 00 00 ${HLT}`);
    expect(t.run(CODE).kind).toBe('hlt');
    expect(t.cpu.gpr(RAX)).toBe(6n);
  });

  test('an instruction that has run before, in a loop', () => {
    // L: mov al,1; add byte [rip-7],1 (the immediate of the mov); dec ecx; jnz L; hlt
    const s = space(`b0 01 80 05 f8 ff ff ff 01 ff c9 75 f3 ${HLT}`);
    s.cpu.setGpr(RCX, 100n);
    expect(s.run(CODE).kind).toBe('hlt');
    expect(s.cpu.gpr(RAX)).toBe(100n);
  });

  test('itself, under REP: the iterations go on with the new bytes', () => {
    // rep stosb over its own first byte: F3 becomes 90 after the first element, and what is left is nop; stosb; hlt.
    // So it is on a CPU that is interrupted between two iterations. One that is not may finish with the bytes it has
    // begun with; but then it would depend on where a run stops and goes on.
    const s = space(`f3 aa ${HLT} ${HLT}`);
    s.cpu.setGpr(RAX, 0x90n);
    s.cpu.setGpr(RCX, 5n);
    s.cpu.setGpr(RDI, CODE);
    expect(s.run(CODE).kind).toBe('hlt');
    // One iteration as REP, then NOP, then STOSB over the AA that has just been fetched.
    expect(Array.from(s.bytes(CODE, 3))).toEqual([0x90, 0x90, 0xf4]);
    expect(s.cpu.gpr(RCX)).toBe(4n);
    expect(s.cpu.gpr(RDI)).toBe(CODE + 2n);
  });

  test('an instruction that crosses a page, by a store to either page', () => {
    // mov eax,0x11223344 from the last two bytes of the first page on
    const at = CODE + 0xffen;
    for (const [target, value, expected] of [
      [CODE + 0xfffn, 0x55, 0x1122_3355n],
      [CODE + 0x1000n, 0x66, 0x1122_6644n],
      [CODE + 0x1002n, 0x77, 0x7722_3344n],
    ] as const) {
      const s = space(`b8 44 33 22 11 ${HLT}`, at);
      expect(s.run(at).kind).toBe('hlt');
      expect(s.cpu.gpr(RAX)).toBe(0x1122_3344n);
      // mov byte [rdi],imm8; jmp at
      const jump = Number(at - (CODE + 5n));
      const displacement = [0, 8, 16, 24].map((shift) => (jump - 3) >> shift).map((b) => b & 0xff);
      s.write(CODE, Uint8Array.from([0xc6, 0x07, value, 0xe9, ...displacement].slice(0, 8)));
      s.cpu.setGpr(RDI, target);
      expect(s.run(CODE).kind).toBe('hlt');
      expect(s.cpu.gpr(RAX)).toBe(expected);
    }
  });

  test('code behind another address of the same frame', () => {
    const s = space(`b0 01 ${HLT}`);
    const frame = s.physical(CODE);
    s.map(ALIAS, P | RW | US, frame);
    expect(s.run(CODE).kind).toBe('hlt');
    // At CODE + 0x100: mov byte [ALIAS + 1],9; jmp CODE
    s.write(CODE + 0x100n, parseHexBytes('c6 04 25 01 00 50 00 09 e9 f3 fe ff ff'));
    expect(s.run(CODE + 0x100n).kind).toBe('hlt');
    expect(s.cpu.gpr(RAX)).toBe(9n);
    // And executed by its other name.
    expect(s.run(ALIAS).kind).toBe('hlt');
    expect(s.cpu.gpr(RAX)).toBe(9n);
  });

  test('a store that straddles into a page of code', () => {
    const s = new TestSpace(engine, { haltEnds: true });
    s.map(CODE);
    s.map(CODE + 0x1000n);
    const next = CODE + 0x1000n;
    s.write(next, parseHexBytes(`b8 01 00 00 00 ${HLT}`)); // mov eax,1
    expect(s.run(next).kind).toBe('hlt');
    // mov qword [next - 4],rax; jmp next: the upper half goes over the first four bytes
    s.write(CODE, parseHexBytes('48 89 04 25 fc 0f 40 00 e9 f3 0f 00 00'));
    s.cpu.setGpr(RAX, 0x0000_02b8_0000_0000n);
    expect(s.run(CODE).kind).toBe('hlt');
    expect(s.cpu.gpr(RAX)).toBe(2n);
    // The same by 16 bytes: movups [next - 8],xmm0
    s.write(CODE, parseHexBytes('0f 11 04 25 f8 0f 40 00 e9 f3 0f 00 00'));
    s.cpu.setXmm(0, 0xf400_0000_03b8n << 64n);
    expect(s.run(CODE).kind).toBe('hlt');
    expect(s.cpu.gpr(RAX)).toBe(3n);
  });

  test('code that is no longer reached by the next instruction’s old length', () => {
    // mov word [rip],0xc031 (xor eax,eax) over the following mov eax,[rax] of two bytes, which would fault
    const s = space(`66 c7 05 00 00 00 00 31 c0 8b 00 ${HLT}`);
    s.cpu.setGpr(RAX, 5n);
    expect(s.run(CODE).kind).toBe('hlt');
    expect(s.cpu.gpr(RAX)).toBe(0n);
  });

  test('a branch target that has been overwritten with a longer instruction', () => {
    // jmp +2 over two nops to: nop; nop; … rewritten to mov eax,imm32 by a mov qword
    const s = space(`48 b8 b8 2a 00 00 00 ${HLT} 90 90 48 89 05 02 00 00 00 eb 00 90 90 90 90 90 90 90 90 ${HLT}`);
    expect(s.run(CODE).kind).toBe('hlt');
    expect(s.cpu.gpr(RAX)).toBe(42n);
  });

  test('what read(2) puts into it', () => {
    // xor ebx,ebx; L: mov edi,0x11; test ebx,ebx; jnz X; inc ebx; xor eax,eax; xor edi,edi; mov esi,L + 1; mov edx,1; syscall; jmp L; X: exit_group(edi)
    const code = parseHexBytes(
      '31 db bf 11 00 00 00 85 db 75 14 ff c3 31 c0 31 ff be 03 00 40 00 ba 01 00 00 00 0f 05 eb e3 b8 e7 00 00 00 0f 05',
    );
    const file = elfFile({ body: code, segments: [{ flags: 7, memorySize: 0x1000n }] });
    expect(BASE).toBe(0x40_0000n);
    const machine = new Machine({ syscall: true, memory: 4 << 20, engine, hotAfter: 1 });
    const kernel = new Kernel(machine, { stdio: new TextStdio('*') });
    kernel.exec(readImage(file), ['test'], []);
    expect(kernel.run({ instructions: 1000 })).toEqual({ kind: 'exited', status: '*'.charCodeAt(0) });
  });

  test('what is written from outside the machine', () => {
    const s = space(`b0 01 ${HLT}`);
    expect(s.run(CODE).kind).toBe('hlt');
    s.memory.write(s.physical(CODE) + 1, Uint8Array.of(2));
    s.run(CODE);
    expect(s.cpu.gpr(RAX) & 0xffn).toBe(2n);
    s.memory.fill(s.physical(CODE) + 1, 1, 3);
    s.run(CODE);
    expect(s.cpu.gpr(RAX) & 0xffn).toBe(3n);
  });
});

test('more code than the cache of decoded instructions holds', { timeout: 60_000 }, () => {
  const s = new TestSpace('interpreter', { memory: 64 << 20, haltEnds: true });
  // A map of 16 KiB for each page with code, however little: inc ecx, twice, and a jump to the next page.
  const pages = Math.ceil((CODE_ARENA_END - CODE_ARENA) / 16384);
  const increments = 2;
  const body = new Uint8Array(2 * increments + 5);
  for (let at = 0; at < 2 * increments; at += 2) body.set([0xff, 0xc1], at);
  const jump = new DataView(body.buffer, 2 * increments);
  jump.setUint8(0, 0xe9);
  jump.setInt32(1, 0x1000 - body.length, true);
  for (let n = 0; n < pages; n++) s.memory.write(s.map(CODE + BigInt(n) * 0x1000n), body);
  s.memory.write(s.map(CODE + BigInt(pages) * 0x1000n), Uint8Array.of(0xf4));
  for (let round = 1; round <= 2; round++) {
    expect(s.run(CODE, 10_000_000).kind).toBe('hlt');
    expect(s.cpu.gpr(RCX)).toBe(BigInt(round * increments * pages));
    expect(s.cpu.icount).toBe(round * (increments + 1) * pages);
  }
});
