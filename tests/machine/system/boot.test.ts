import { describe, expect, test } from 'vitest';
import { ENGINE_NAMES } from '../../../src/exec/engine.ts';
import * as L from '../../../src/state/layout.ts';
import { isLongMode } from '../../../src/state/mode.ts';
import { boot, CODE, flat } from '../../support/boot.ts';

const [EAX, ECX, EDX, EBX] = [0, 1, 2, 3];
/** mov dx,PORT; mov eax,VALUE; out dx,eax */
const out = (port: number, value: number): string =>
  `66 ba ${hex16(port)} b8 ${hex16(value & 0xffff)} ${hex16(value >>> 16)} ef`;
const hex16 = (value: number): string =>
  [value & 0xff, value >> 8].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
const CLI_HLT = 'fa f4';

describe.each(ENGINE_NAMES)('%s', (engine) => {
  const run = (code: string, instructions = 10_000) => {
    const { system, said } = boot(flat(code), { engine });
    const stop = system.run({ instructions });
    return { stop, said: said(), system, cpu: system.machine.cpu };
  };

  test('begins in flat 32-bit protected mode with the loader’s magic, interrupts off, paging off', () => {
    const { cpu, stop } = run(CLI_HLT);
    expect(stop).toEqual({ reason: 'deadlock' });
    expect([cpu.gpr(EAX), cpu.gpr(EBX)]).toEqual([0x2bad_b002n, 0x9500n]);
    expect(cpu.u64(L.CR0)).toBe(0x11n);
    expect(isLongMode(cpu)).toBe(false);
  });

  test('the debug-exit port ends it with (value << 1) | 1', () => {
    expect(run(out(0xf4, 0)).stop).toEqual({ reason: 'exit', status: 1 });
    expect(run(out(0xf4, 0x10)).stop).toEqual({ reason: 'exit', status: 33 });
  });

  test('the keyboard controller and port CF9 reset it', () => {
    expect(run(`b0 fe e6 64 ${CLI_HLT}`).stop).toEqual({ reason: 'reset' });
    expect(run(`66 ba f9 0c b0 06 ee ${CLI_HLT}`).stop).toEqual({ reason: 'reset' });
  });

  test('the serial port sends at once; behind the divisor latch there is no data register', () => {
    // mov al,'A'; mov dx,3f8; out; line control 80; out again; line control 3; 'B'; in al,3fd
    const { said, cpu } = run(
      `b0 41 66 ba f8 03 ee 66 ba fb 03 b0 80 ee 66 ba f8 03 b0 58 ee 66 ba fb 03 b0 03 ee 66 ba f8 03 b0 42 ee 66 ba fd 03 ec ${CLI_HLT}`,
    );
    expect(said).toBe('AB');
    expect(cpu.gpr(EAX) & 0xffn).toBe(0x60n);
  });

  test('fw_cfg tells the signature, the number of CPUs and the memory', () => {
    // mov dx,510; mov ax,KEY; out dx,ax; inc dx; in al,dx four times into EBX
    const read = (key: number): string =>
      `66 ba 10 05 66 b8 ${hex16(key)} 66 ef 42 31 db${' ec c1 cb 08 88 c3'.repeat(4)} c1 cb 08`;
    const value = (key: number): number => Number(run(`${read(key)} ${CLI_HLT}`).cpu.gpr(EBX));
    expect(value(0)).toBe(0x554d_4551);
    expect(value(5)).toBe(1);
    expect(value(3)).toBe(16 << 20);
  });

  test('a port where nothing is reads as ones', () => {
    expect(run(`31 c0 66 ba 34 12 ed ${CLI_HLT}`).cpu.gpr(EAX)).toBe(0xffff_ffffn);
  });

  describe('32-bit code', () => {
    test.each([
      [
        'push, pop, leave, call, ret',
        'bc 00 00 20 00 55 89 e5 6a 07 e8 03 00 00 00 eb 0a 90 8b 44 24 04 c2 04 00 90 90 89 c3 c9',
        { ebx: 7, esp: 0x20_0000 },
      ],
      [
        'pusha and popa',
        'bc 00 00 20 00 b8 01 00 00 00 b9 02 00 00 00 60 31 c0 31 c9 61',
        { eax: 1, ecx: 2, esp: 0x20_0000 },
      ],
      ['16-bit operands and addresses', 'bb 00 10 00 00 b9 34 12 00 00 67 66 89 0f 66 8b 13', { edx: 0x1234 }],
      [
        'a string',
        'bf 00 30 00 00 b9 04 00 00 00 b8 01 02 03 04 f3 ab 8b 1d 0c 30 00 00',
        { ebx: 0x0403_0201, ecx: 0 },
      ],
      ['loop', '31 c0 b9 05 00 00 00 40 e2 fd', { eax: 5, ecx: 0 }],
      ['jump by the operand size', 'b8 01 00 00 00 eb 05 b8 02 00 00 00', { eax: 1 }],
      ['inc and dec of one byte', '31 c0 40 40 48 31 db 43', { eax: 1, ebx: 1 }],
    ] as const)('%s', (_, code, expected) => {
      const { cpu } = run(`${code} ${CLI_HLT}`);
      const registers: Record<string, number> = { eax: EAX, ecx: ECX, edx: EDX, ebx: EBX, esp: 4 };
      for (const [name, value] of Object.entries(expected))
        expect([name, Number(cpu.gpr(registers[name]!) & 0xffff_ffffn)]).toEqual([name, value]);
    });

    test('an exception before LIDT is reported', () => {
      expect(run('0f 0b').stop).toMatchObject({ reason: 'fault', cpu: 0, fault: { vector: 6 } });
    });

    test('an access beyond a segment’s limit is #GP(0)', () => {
      // lgdt of a table with a data segment of 4 KiB; mov ds; read at 1000
      const gdtr = CODE + 0x40;
      const code = [
        `0f 01 15 ${hex16(gdtr & 0xffff)} ${hex16(gdtr >>> 16)}`,
        'b8 08 00 00 00 8e d8 a0 ff 0f 00 00 a0 00 10 00 00',
      ].join(' ');
      const pad = ' 90'.repeat(0x40 - code.split(' ').length);
      const table = gdtr + 8;
      const image = `${code}${pad} 0f 00 ${hex16(table & 0xffff)} ${hex16(table >>> 16)} 00 00 00 00 00 00 00 00 00 00 ff 0f 00 00 00 93 40 00`;
      expect(run(image).stop).toMatchObject({ reason: 'fault', fault: { vector: 13, errorCode: 0 } });
    });
  });

  test('paging without long mode is not implemented, and said so', () => {
    expect(run('0f 20 c0 0d 00 00 00 80 0f 22 c0').stop).toMatchObject({ reason: 'unimplemented', mnemonic: 'mov' });
  });

  test('all CPUs halted with interrupts on and nothing under way: idle', () => {
    expect(run('fb f4').stop).toEqual({ reason: 'idle' });
  });
});

describe('multiboot', () => {
  test('memory map, command line and modules', () => {
    const modules = [
      { bytes: Uint8Array.of(1, 2, 3), commandLine: 'first one' },
      { bytes: Uint8Array.of(4), commandLine: 'second' },
    ];
    const { system } = boot(flat(CLI_HLT), {}, { commandLine: 'kernel a=b', modules });
    const { memory } = system.machine;
    const word = (at: number): number => memory.view.getUint32(L.RAM + at, true);
    const string = (at: number): string => {
      let end = at;
      while (memory.bytes(end, 1)[0] !== 0) end++;
      return Buffer.from(memory.bytes(at, end - at)).toString();
    };
    const info = 0x9500;
    expect(word(info) & 0x4d).toBe(0x4d);
    expect([word(info + 4), word(info + 8)]).toEqual([639, 15 << 10]);
    expect(string(word(info + 16))).toBe('kernel a=b');
    expect(word(info + 20)).toBe(2);
    const first = word(info + 24);
    expect(word(first) % 4096).toBe(0);
    expect([...memory.bytes(word(first), 3)]).toEqual([1, 2, 3]);
    expect(word(first + 4) - word(first)).toBe(3);
    expect(string(word(first + 8))).toBe('first one');
    expect(string(word(first + 24))).toBe('second');
    // Entries: size, base, length, type; the last is RAM from 1 MiB on.
    const map = word(info + 48);
    const last = map + word(info + 44) - 24;
    expect([word(last), word(last + 4), word(last + 12), word(last + 20)]).toEqual([20, 0x10_0000, 15 << 20, 1]);
  });

  test.each([
    ['no header', new Uint8Array(64), 'no multiboot header in its first 8192 bytes'],
    ['a header that asks for video', flat(CLI_HLT, 0x1_0004), 'its header asks for something unknown (flags 0x4)'],
    ['neither an ELF nor addresses', flat(CLI_HLT, 0), 'neither an ELF nor load addresses in its header'],
  ])('%s', (_, file, message) => {
    expect(() => boot(file)).toThrow(message);
  });

  test('load addresses that lie', () => {
    const image = flat(CLI_HLT);
    const view = new DataView(image.buffer);
    view.setUint32(20, view.getUint32(20, true) + 100, true);
    expect(() => boot(image)).toThrow('a part to be loaded lies beyond the end of the file');
    view.setUint32(20, 0x1000, true);
    expect(() => boot(image)).toThrow('the wrong way round');
    view.setUint32(20, 0, true);
    view.setUint32(24, 0xffff_0000, true);
    expect(() => boot(image)).toThrow('lie beyond the memory');
  });
});
