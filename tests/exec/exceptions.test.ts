import { describe, expect, test } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { readImage } from '../../src/elf/image.ts';
import { ENGINE_NAMES, type EngineName } from '../../src/exec/engine.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { Machine } from '../../src/machine/machine.ts';
import { BASE, elfFile } from '../support/elf-file.ts';

/**
 * What user code gets for instructions that must not run, measured on Linux and an Intel CPU: signal, si_code, si_addr,
 * exception, error code, and where RIP is. Every row runs on both engines under the kernel stub.
 */

const CODE = 0x100;
const PAGE = 0x1000;

const ILL = 4;
const TRAP = 5;
const BUS = 7;
const FPE = 8;
const SEGV = 11;
const [DE, DB, BP, OF, UD, SS, GP, PF, AC] = [0, 1, 3, 4, 6, 12, 13, 14, 17];
const KERNEL = 128;
const [MAPERR, ACCERR] = [1, 2];
const ILLOPN = 2;

/** Exit with status 42: what code does that goes on. */
const EXIT = 'bf 2a 00 00 00 b8 e7 00 00 00 0f 05';

/** Code in a page that may be read, written and executed, and behind it one without any rights. */
function load(engine: EngineName, code: Uint8Array, at: number) {
  const body = new Uint8Array(PAGE).fill(0x90);
  body.set(parseHexBytes(EXIT), Math.min(at + code.length, PAGE - 64));
  body.set(code, at);
  const exit = parseHexBytes(EXIT);
  if (at + code.length + exit.length <= PAGE) body.set(exit, at + code.length);
  const file = elfFile({
    entry: BASE + BigInt(at),
    body,
    segments: [
      { flags: 7 },
      { flags: 0, offset: 0n, address: BASE + BigInt(PAGE), fileSize: 0n, memorySize: BigInt(PAGE) },
    ],
  });
  const machine = new Machine({ syscall: true, memory: 4 << 20, engine, hotAfter: 1, cpu: 'max' });
  const kernel = new Kernel(machine);
  kernel.exec(readImage(file), ['test'], []);
  return { machine, kernel };
}

function run(engine: EngineName, code: Uint8Array, at: number) {
  const { machine, kernel } = load(engine, code, at);
  const end = kernel.run({ instructions: 10_000 });
  return { end, rip: machine.cpu.rip };
}

/** Where the code stands. */
type Place = 'middle' | 'page end';
const start = (code: Uint8Array, place: Place): number => (place === 'middle' ? CODE : PAGE - code.length);

/** RIP, counted from the code's first byte, or an address. */
type Rip = number | bigint;
type Row = readonly [
  name: string,
  code: string,
  signal: number,
  siCode: number,
  address: 'rip' | 'next page' | bigint,
  vector: number,
  error: number | null,
  rip: Rip,
  place?: Place,
];

const NEXT = BASE + BigInt(PAGE);

// biome-ignore format: a test is a line
const FAULTS: readonly Row[] = [
  ['ud2', '0f 0b', ILL, ILLOPN, 'rip', UD, null, 0],
  ['ud1 eax,eax', '0f b9 c0', ILL, ILLOPN, 'rip', UD, null, 0],
  ['ud0 eax,eax', '0f ff c0', ILL, ILLOPN, 'rip', UD, null, 0],
  ['ud2 at a page end', '0f 0b', ILL, ILLOPN, 'rip', UD, null, 0, 'page end'],
  ['ud0 without its ModRM', '0f ff', SEGV, ACCERR, 'next page', PF, 0x14, 0, 'page end'],
  ['ud1 without its ModRM', '0f b9', SEGV, ACCERR, 'next page', PF, 0x14, 0, 'page end'],
  ['ud1 without its displacement', '0f b9 80', SEGV, ACCERR, 'next page', PF, 0x14, 0, 'page end'],
  ['0f 04 at a page end', '0f 04', ILL, ILLOPN, 'rip', UD, null, 0, 'page end'],
  ['06 at a page end', '06', ILL, ILLOPN, 'rip', UD, null, 0, 'page end'],
  ['int3', 'cc', TRAP, KERNEL, 0n, BP, null, 1],
  ['int 3', 'cd 03', TRAP, KERNEL, 0n, BP, null, 2],
  ['int 4', 'cd 04', SEGV, KERNEL, 0n, OF, null, 2],
  ['int 5', 'cd 05', SEGV, KERNEL, 0n, GP, 0x2a, 0],
  ['int 0x20', 'cd 20', SEGV, KERNEL, 0n, GP, 0x102, 0],
  ['int1', 'f1', TRAP, 1, 'rip', DB, null, 1],
  ['hlt', 'f4', SEGV, KERNEL, 0n, GP, 0, 0],
  ['cli', 'fa', SEGV, KERNEL, 0n, GP, 0, 0],
  ['mov cr0,rax', '0f 22 c0', SEGV, KERNEL, 0n, GP, 0, 0],
  ['mov rax,cr0', '0f 20 c0', SEGV, KERNEL, 0n, GP, 0, 0],
  ['swapgs', '0f 01 f8', SEGV, KERNEL, 0n, GP, 0, 0],
  ['invlpg [rsp]', '0f 01 3c 24', SEGV, KERNEL, 0n, GP, 0, 0],
  ['mov rax,cr8', '44 0f 20 c0', SEGV, KERNEL, 0n, GP, 0, 0],
  ['mov rax,cr1', '0f 20 c8', ILL, ILLOPN, 'rip', UD, null, 0],
  ['mov cs,eax', '8e c8', ILL, ILLOPN, 'rip', UD, null, 0],
  ['mov ds,0x1234', 'bb 34 12 00 00 8e db', SEGV, KERNEL, 0n, GP, 0x1234, 5],
  ['mov ss,0', '31 db 8e d3', SEGV, KERNEL, 0n, GP, 0, 2],
  ['mov ds,0x10', 'bb 10 00 00 00 8e db', SEGV, KERNEL, 0n, GP, 0x10, 5],
  ['pop ds', '1f', ILL, ILLOPN, 'rip', UD, null, 0],
  ['pusha', '60', ILL, ILLOPN, 'rip', UD, null, 0],
  ['les', 'c4 00', ILL, ILLOPN, 'rip', UD, null, 0],
  ['lds', 'c5 00', ILL, ILLOPN, 'rip', UD, null, 0],
  ['aam', 'd4 0a', ILL, ILLOPN, 'rip', UD, null, 0],
  ['aad', 'd5 0a', ILL, ILLOPN, 'rip', UD, null, 0],
  ['salc', 'd6', ILL, ILLOPN, 'rip', UD, null, 0],
  ['group 82', '82 c0 01', ILL, ILLOPN, 'rip', UD, null, 0],
  ['far jmp', 'ea 00 00 00 00 33 00', ILL, ILLOPN, 'rip', UD, null, 0],
  ['bound', '62 00', ILL, ILLOPN, 'rip', UD, null, 0],
  ['into', 'ce', ILL, ILLOPN, 'rip', UD, null, 0],
  ['div by 0', '31 c9 31 d2 f7 f1', FPE, 1, 'rip', DE, null, 4],
  ['idiv of the minimum by −1', 'b8 00 00 00 80 99 b9 ff ff ff ff f7 f9', FPE, 1, 'rip', DE, null, 11],
  ['div overflow', 'ba 05 00 00 00 b9 05 00 00 00 f7 f1', FPE, 1, 'rip', DE, null, 10],
  ['movaps misaligned', '0f 28 44 24 01', SEGV, KERNEL, 0n, GP, 0, 0],
  ['load, not canonical', '48 b8 00 00 00 00 00 00 00 80 8b 00', SEGV, KERNEL, 0n, GP, 0, 10],
  ['load by rbp, not canonical', '55 48 bd 00 00 00 00 00 00 00 80 8b 45 00', BUS, KERNEL, 0n, SS, 0, 11],
  ['load of a kernel address', '48 c7 c0 00 00 00 80 8b 00', SEGV, MAPERR, 0xffff_ffff_8000_0000n, PF, 5, 7],
  ['store to a kernel address', '48 c7 c0 00 00 00 80 89 00', SEGV, MAPERR, 0xffff_ffff_8000_0000n, PF, 7, 7],
  ['load at 0', '31 c0 8b 00', SEGV, MAPERR, 0n, PF, 4, 2],
  ['store at 0', '31 c0 89 00', SEGV, MAPERR, 0n, PF, 6, 2],
  ['lock cmpxchg at 0', '31 db f0 0f b1 0b', SEGV, MAPERR, 0n, PF, 6, 2],
  ['jmp 0', '31 c0 ff e0', SEGV, MAPERR, 0n, PF, 0x14, 0n],
  ['jmp, not canonical', '48 b8 00 00 00 00 00 00 00 80 ff e0', SEGV, KERNEL, 0n, GP, 0, 10],
  ['ret, not canonical', '48 b8 00 00 00 00 00 00 00 80 50 c3', SEGV, KERNEL, 0n, GP, 0, 11],
  ['call, not canonical', '48 b8 00 00 00 00 00 00 00 80 ff d0', SEGV, KERNEL, 0n, GP, 0, 10],
  ['jmp to a kernel address', '48 c7 c0 00 00 00 80 ff e0', SEGV, MAPERR, 0xffff_ffff_8000_0000n, PF, 0x15, 0xffff_ffff_8000_0000n],
  ['lock nop', 'f0 90', ILL, ILLOPN, 'rip', UD, null, 0],
  ['lock add of a register', 'f0 01 c0', ILL, ILLOPN, 'rip', UD, null, 0],
  ['lock mov', 'f0 89 04 24', ILL, ILLOPN, 'rip', UD, null, 0],
  ['lock cmp', 'f0 39 04 24', ILL, ILLOPN, 'rip', UD, null, 0],
  ['lock bt', 'f0 0f ba 24 24 01', ILL, ILLOPN, 'rip', UD, null, 0],
  ['lock test', 'f0 85 04 24', ILL, ILLOPN, 'rip', UD, null, 0],
  ['lock push', 'f0 50', ILL, ILLOPN, 'rip', UD, null, 0],
  ['lock shl', 'f0 d1 24 24', ILL, ILLOPN, 'rip', UD, null, 0],
  ['lock cmpxchg16b misaligned', 'f0 48 0f c7 4c 24 08', SEGV, KERNEL, 0n, GP, 0, 0],
  ['cmpxchg16b misaligned', '48 0f c7 4c 24 08', SEGV, KERNEL, 0n, GP, 0, 0],
  ['cmpxchg8b of a register', '0f c7 c8', ILL, ILLOPN, 'rip', UD, null, 0],
  ['16 bytes', '66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90', SEGV, KERNEL, 0n, GP, 0, 0],
  ['16 prefixes at a page end', '66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66', SEGV, KERNEL, 0n, GP, 0, 0, 'page end'],
  ['14 prefixes at a page end', '66 66 66 66 66 66 66 66 66 66 66 66 66 66', SEGV, ACCERR, 'next page', PF, 0x14, 0, 'page end'],
  ['VEX with LOCK', 'f0 c5 f8 77', ILL, ILLOPN, 'rip', UD, null, 0],
  ['VEX with 66', '66 c5 f8 77', ILL, ILLOPN, 'rip', UD, null, 0],
  ['VEX with REX', '48 c5 f8 77', ILL, ILLOPN, 'rip', UD, null, 0],
  ['lea of a register', '8d c0', ILL, ILLOPN, 'rip', UD, null, 0],
  ['mov to an absolute address, not canonical', 'a3 00 00 00 00 00 00 00 80', SEGV, KERNEL, 0n, GP, 0, 0],
  ['ldmxcsr with a reserved bit', '68 ff ff ff 7f 0f ae 14 24', SEGV, KERNEL, 0n, GP, 0, 5],
  ['fxsave misaligned', '0f ae 44 24 08', SEGV, KERNEL, 0n, GP, 0, 0],
  ['xlat', '31 db d7', SEGV, MAPERR, 0n, PF, 4, 2],
  ['0f b8 without F3', '0f b8 c0', ILL, ILLOPN, 'rip', UD, null, 0],
  ['mov to a sixth segment register', '8e f0', ILL, ILLOPN, 'rip', UD, null, 0],
  ['mov from a sixth segment register', '8c f0', ILL, ILLOPN, 'rip', UD, null, 0],
  ['c6 /1', 'c6 c8 00', ILL, ILLOPN, 'rip', UD, null, 0],
  ['8f /1', '8f c8', ILL, ILLOPN, 'rip', UD, null, 0],
  ['ff /7', 'ff f8', ILL, ILLOPN, 'rip', UD, null, 0],
  ['fe /2', 'fe d0', ILL, ILLOPN, 'rip', UD, null, 0],
  ['in al,dx', 'ec', SEGV, KERNEL, 0n, GP, 0, 0],
  ['rdmsr', '0f 32', SEGV, KERNEL, 0n, GP, 0, 0],
  ['lgdt', '0f 01 14 24', SEGV, KERNEL, 0n, GP, 0, 0],
  ['ltr ax', '0f 00 d8', SEGV, KERNEL, 0n, GP, 0, 0],
  ['clts', '0f 06', SEGV, KERNEL, 0n, GP, 0, 0],
  ['wbinvd', '0f 09', SEGV, KERNEL, 0n, GP, 0, 0],
  ['rdpmc', '31 c9 0f 33', SEGV, KERNEL, 0n, GP, 0, 2],
  ['sysret', '0f 07', SEGV, KERNEL, 0n, GP, 0, 0],
  ['monitor', '0f 01 c8', ILL, ILLOPN, 'rip', UD, null, 0],
  ['rsm', '0f aa', ILL, ILLOPN, 'rip', UD, null, 0],
  ['getsec', '0f 37', ILL, ILLOPN, 'rip', UD, null, 0],
  ['stac', '0f 01 cb', ILL, ILLOPN, 'rip', UD, null, 0],
  ['vmcall, on a CPU that is no hypervisor’s guest', '0f 01 c1', ILL, ILLOPN, 'rip', UD, null, 0],
  ['xbegin, without transactions', 'c7 f8 00 00 00 00', ILL, ILLOPN, 'rip', UD, null, 0],
  ['xtest, without transactions', '0f 01 d6', ILL, ILLOPN, 'rip', UD, null, 0],
  ['xabort, without transactions', 'c6 f8 00', ILL, ILLOPN, 'rip', UD, null, 0],
  ['rdpru, which is not Intel’s', '0f 01 fd', ILL, ILLOPN, 'rip', UD, null, 0],
  ['clzero, which is not Intel’s', '0f 01 fc', ILL, ILLOPN, 'rip', UD, null, 0],
  ['rdpkru, without protection keys', '31 c9 0f 01 ee', ILL, ILLOPN, 'rip', UD, null, 2],
  ['wrssd, without shadow stacks', '0f 38 f6 00', ILL, ILLOPN, 'rip', UD, null, 0],
  ['incsspd, without shadow stacks', 'f3 0f ae e8', ILL, ILLOPN, 'rip', UD, null, 0],
  ['xgetbv of a register that is not there', 'b9 05 00 00 00 0f 01 d0', SEGV, KERNEL, 0n, GP, 0, 5],
  ['xsetbv', '31 c9 0f 01 d1', SEGV, KERNEL, 0n, GP, 0, 2],
  ['a misaligned load with AC', '9c 81 0c 24 00 00 04 00 9d 8b 44 24 01', BUS, 1, 0n, AC, 0, 9],
];

/** Code that goes on behind its last byte. */
// biome-ignore format: a test is a line
const RETURNS: readonly (readonly [string, string])[] = [
  ['rdfsbase rbx', 'f3 48 0f ae c3'],
  ['sgdt', '0f 01 44 24 c0'],
  ['sldt eax', '0f 00 c0'],
  ['str eax', '0f 00 c8'],
  ['smsw eax', '0f 01 e0'],
  ['xgetbv 0', '31 c9 0f 01 d0'],
  ['mov ds,0x2b', 'bb 2b 00 00 00 8e db'],
  ['mov ds,0', '31 db 8e db'],
  ['mov gs,0x33', 'bb 33 00 00 00 8e eb'],
  ['movups misaligned', '0f 10 44 24 01'],
  ['lock xchg', 'f0 87 04 24'],
  ['lock bts', 'f0 0f ab 04 24'],
  ['lock neg', 'f0 f7 1c 24'],
  ['lock inc', 'f0 ff 04 24'],
  ['lock xadd', 'f0 0f c1 04 24'],
  ['15 bytes', '66 66 66 66 66 66 66 66 66 66 66 66 66 66 90'],
  ['REX in front of 66', '48 66 b8 34 12'],
  ['bswap of 16 bits', '66 0f c8'],
  ['enter 0,31', '48 89 e5 c8 00 00 1f'],
  ['sfence', '0f ae f8'],
  ['a system call that there is not', 'b8 ff ff 00 00 0f 05'],
  ['popfq of a clear IF', '6a 02 9d'],
  ['popcnt', 'f3 0f b8 c0'],
  ['test f6 /1', 'f6 c8 01'],
  ['d0 /6', 'd0 f0'],
];

describe.each(ENGINE_NAMES)('%s', (engine) => {
  for (const [name, hex, signal, siCode, address, vector, errorCode, rip, place = 'middle'] of FAULTS)
    test(name, () => {
      const code = parseHexBytes(hex);
      const at = start(code, place);
      const { end, rip: stopped } = run(engine, code, at);
      const wanted = typeof rip === 'bigint' ? rip : BASE + BigInt(at + rip);
      const siAddress = address === 'rip' ? wanted : address === 'next page' ? NEXT : address;
      const cr2 = vector === PF ? siAddress : null;
      const fault = { vector, errorCode, cr2 };
      expect(end).toEqual({ kind: 'killed', signal, code: siCode, address: siAddress, fault });
      expect(stopped).toBe(wanted);
    });

  test.each(RETURNS)('%s goes on', (_, hex) => {
    expect(run(engine, parseHexBytes(hex), CODE).end).toEqual({ kind: 'exited', status: 42 });
  });

  test('a system call under TF: the trap comes behind the instruction that follows it', () => {
    // mov eax,39; syscall; nop; nop
    const { machine, kernel } = load(engine, parseHexBytes('b8 27 00 00 00 0f 05 90 90'), CODE);
    kernel.run({ instructions: 1 });
    machine.cpu.rflags |= 0x100;
    const end = kernel.run({ instructions: 100 });
    expect(end).toMatchObject({ kind: 'killed', signal: TRAP, fault: { vector: DB } });
    expect(machine.cpu.rip).toBe(BASE + BigInt(CODE + 8));
  });
});
