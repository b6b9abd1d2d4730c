import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ElfError } from '../../src/elf/error.ts';
import { checkMappable, readImage } from '../../src/elf/image.ts';
import { readSymbols } from '../../src/elf/symbols.ts';
import { BASE, BODY, elfFile, patched } from '../support/elf-file.ts';

const refusal = (bytes: Uint8Array): string => {
  try {
    readImage(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(ElfError);
    const { message } = error as ElfError;
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('the file was accepted');
};

const good = elfFile();
const two = (second: object) => elfFile({ segments: [{ memorySize: 0x2000n }, second] });

describe('readImage', () => {
  it('reads a small static program', () => {
    const image = readImage(good);
    expect(image).toMatchObject({
      pie: false,
      entry: BASE,
      programHeaderCount: 1,
      executableStack: false,
      interpreter: null,
    });
    expect(image.segments).toEqual([
      { address: BASE, memorySize: 2n, offset: 0x1000, fileSize: 2, read: true, write: false, execute: true },
    ]);
    expect(image.programHeaderAddress).toBeNull();
  });

  it('finds the program headers inside a segment and the stack permission', () => {
    const image = readImage(
      elfFile({
        segments: [
          { offset: 0n, fileSize: 0x1002n },
          { type: 0x6474e551, flags: 6 },
        ],
        entry: BASE + 0x1000n,
      }),
    );
    expect(image.programHeaderAddress).toBe(BASE + 64n);
    expect(image.executableStack).toBe(false);
    expect(readImage(two({ type: 0x6474e551, flags: 7 })).executableStack).toBe(true);
  });

  it('reads which interpreter a dynamic program asks for, and its alignment', () => {
    const body = Buffer.from('\x0f\x05/lib/ld.so\0', 'latin1');
    const interpreter = { type: 3, offset: BigInt(BODY) + 2n, fileSize: 11n };
    const image = readImage(elfFile({ type: 3, body, segments: [{ align: 0x20_0000n }, interpreter] }));
    expect(image).toMatchObject({ pie: true, interpreter: '/lib/ld.so', alignment: 0x20_0000n });
  });

  it('takes a static PIE and refuses a shared object', () => {
    const dynamic = (tag: bigint, value: bigint) => {
      const body = new Uint8Array(32);
      new DataView(body.buffer).setBigUint64(0, tag, true);
      new DataView(body.buffer).setBigUint64(8, value, true);
      return elfFile({ type: 3, body, segments: [{}, { type: 2 }] });
    };
    expect(readImage(dynamic(0x6ffffffbn, 0x08000000n)).pie).toBe(true);
    expect(readImage(dynamic(14n, 1n)).pie, 'a name of its own: ld.so').toBe(true);
    expect(readImage(elfFile({ type: 3 })).pie).toBe(true);
    expect(refusal(dynamic(1n, 1n))).toMatch(/shared object/);
  });

  it.each([
    ['an empty file', new Uint8Array(0), /not an ELF file/],
    ['a script', new TextEncoder().encode('#!/bin/sh\n'), /script/],
    [
      'text',
      new TextEncoder().encode('hello, world, this is no program at all, and it is long enough to be one'),
      /not an ELF/,
    ],
    ['a cut header', good.subarray(0, 63), /truncated ELF header: 63 of 64/],
    ['cut program headers', good.subarray(0, 100), /truncated program headers/],
    ['a cut segment', good.subarray(0, 0x1001), /end past the file/],
    ['32 bits', patched(good, 4, 1, 1), /32-bit.*-m64/],
    ['big-endian', patched(good, 5, 1, 2), /big-endian/],
    ['AArch64', patched(good, 18, 2, 183), /wrong machine 183/],
    ['an unknown version', patched(good, 20, 4, 7), /version/],
    ['a short header size', patched(good, 52, 2, 52), /header size/],
    ['an object', patched(good, 16, 2, 1), /relocatable object/],
    ['a core dump', patched(good, 16, 2, 4), /core dump/],
    ['a type of its own', patched(good, 16, 2, 0xfe00), /ELF type 65024/],
    ['no program headers', patched(good, 56, 2, 0), /no program headers/],
    ['too many program headers', patched(good, 56, 2, 0xffff), /65535 or more/],
    ['a program header size of 32', patched(good, 54, 2, 32), /program header size 32/],
    ['program headers past the end', patched(good, 32, 8, 1n << 40n), /truncated program headers/],
    ['program headers at 2^64-1', patched(good, 32, 8, -1n), /truncated program headers/],
    ['an interpreter without an end', two({ type: 3 }), /bad interpreter path/],
    ['an interpreter without a name', two({ type: 3, fileSize: 1n }), /bad interpreter path/],
    ['no PT_LOAD', elfFile({ segments: [{ type: 4 }] }), /no PT_LOAD/],
    ['an empty PT_LOAD only', elfFile({ segments: [{ fileSize: 0n }] }), /no PT_LOAD/],
    ['overlapping segments', two({ address: BASE + 0x1fffn }), /overlap: 0x400000 to 0x402000 and 0x401fff/],
    ['a wrapping segment', two({ address: -0x1000n & ((1n << 64n) - 1n), memorySize: 0x2000n }), /wrap/],
    ['a memory size of 2^63', elfFile({ segments: [{ memorySize: 1n << 63n }] }), /address space holds/],
    [
      'a file size of 2^63',
      elfFile({ segments: [{ fileSize: 1n << 63n, memorySize: 1n << 63n }] }),
      /end past the file/,
    ],
    ['more file than memory', elfFile({ segments: [{ fileSize: 2n, memorySize: 1n }] }), /exceeds memory size/],
    ['a file offset past the end', elfFile({ segments: [{ offset: 0x10_0000n }] }), /end past the file/],
    ['a file offset of 2^64-1', elfFile({ segments: [{ offset: (1n << 64n) - 1n }] }), /end past the file/],
    ['an entry outside', elfFile({ entry: 0x1234n }), /entry 0x1234 .*lies in no segment/],
    ['an entry behind the end', elfFile({ entry: BASE + 2n }), /lies in no segment/],
    [
      'a dynamic section past the end',
      elfFile({ type: 3, segments: [{}, { type: 2, offset: 1n << 50n }] }),
      /dynamic section/,
    ],
  ])('refuses %s', (_, bytes, message) => {
    expect(refusal(bytes)).toMatch(message);
  });

  it('refuses to map what does not lie on its page', () => {
    const image = readImage(elfFile({ segments: [{ address: BASE + 8n }], entry: BASE + 8n }));
    expect(() => checkMappable(image)).toThrow(/max-page-size/);
    expect(() => checkMappable(readImage(good))).not.toThrow();
  });

  it('reads this host’s static busybox where there is one', (context) => {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync('/bin/busybox');
    } catch {
      return context.skip('no /bin/busybox');
    }
    const image = readImage(bytes);
    expect(image.segments.some((s) => s.execute && !s.write)).toBe(true);
    expect(image.programHeaderAddress).not.toBeNull();
  });
});

describe('header mutations', () => {
  it('end in success or in an ElfError, 2,000 times', () => {
    const names = new TextEncoder().encode('\0main\0helper\0');
    const base = elfFile({
      segments: [{ memorySize: 0x3000n }, { type: 0x6474e551 }, { type: 2, offset: 0x1000n }],
      symbols: [
        { nameAt: 1, value: BASE, size: 2n },
        { nameAt: 6, value: BASE + 2n },
      ],
      strings: names,
    });
    const sections = Number(new DataView(base.buffer).getBigUint64(40, true));
    let seed = 1;
    const next = (limit: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed % limit;
    };
    const interesting = [0n, 1n, 2n, 3n, 0x7fn, 0xffn, 0xfff1n, 0xffffn, 0x7fffffffn, 0xffffffffn, 1n << 63n, -1n];
    let accepted = 0;
    for (let i = 0; i < 2000; i++) {
      let bytes: Uint8Array = base.slice();
      for (let edits = 1 + next(3); edits > 0; edits--) {
        const region = next(3);
        const at = region === 0 ? next(64) : region === 1 ? 64 + next(168) : sections + next(256);
        const size = ([1, 2, 4, 8] as const)[next(4)]!;
        if (at + size > bytes.length) continue;
        bytes = patched(bytes, at, size, next(2) ? interesting[next(interesting.length)]! : BigInt(next(0x1_0000)));
      }
      if (next(10) === 0) bytes = bytes.subarray(0, next(bytes.length));
      for (const read of [readImage, readSymbols]) {
        try {
          read(bytes);
          accepted++;
        } catch (error) {
          if (!(error instanceof ElfError)) throw error;
          expect(error.message).toMatch(/^[^\n]{10,300}$/);
        }
      }
    }
    expect(accepted).toBeGreaterThan(500);
  });
});
