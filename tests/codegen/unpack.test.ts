import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Output } from '../../src/codegen/inputs/unpack/output.ts';
import { unpack } from '../../src/codegen/inputs/unpack/unpack.ts';
import { unpackXz } from '../../src/codegen/inputs/unpack/xz.ts';
import { memorySource } from '../../src/elf/source.ts';
import { hasTool, Workshop } from '../support/compile.ts';

const workshop = new Workshop();
const hasXz = hasTool('xz');
const plain = workshop.path('code');
afterAll(() => workshop.clean());
beforeAll(() => {
  // Machine code of a real program: calls for the branch filter, and long matches.
  const bytes = Buffer.alloc(3 << 20);
  const file = openSync(process.execPath, 'r');
  readSync(file, bytes, 0, bytes.length, 32 << 20);
  closeSync(file);
  writeFileSync(plain, bytes);
});

const unpacked = (bytes: Uint8Array): Uint8Array => {
  const source = unpack(memorySource(bytes), 'the file');
  return source.read(0, source.length);
};

/** Tools and their options. The zstd of Linux images is made from a pipe: its frames do not say how long they are. */
const TOOLS: readonly (readonly [name: string, command: string])[] = [
  ['gzip', 'gzip -9 -c'],
  ['xz as Linux packs a kernel', 'xz --check=crc32 --x86 --lzma2=dict=32MiB -c'],
  ['xz in blocks, with CRC64', 'xz -1 --block-size=300000 -c'],
  ['xz with SHA-256', 'xz -0 --check=sha256 -c'],
  ['xz with other lc, lp and pb', 'xz --lzma2=preset=1,lc=1,lp=2,pb=0 -c'],
  ['lzma', 'xz --format=lzma -1 -c'],
  ['zstd as Linux packs a kernel', 'cat PLAIN | zstd -22 --ultra -c'],
  ['zstd', 'zstd -1 -c'],
  ['lz4 as Linux packs a kernel', 'lz4 -l -9 -c'],
  ['bzip2 as Linux packs a kernel', 'bzip2 -9 -c'],
  ['bzip2 in small blocks', 'bzip2 -1 -c'],
  ['lzop as Linux packs a kernel', 'lzop -9 -c'],
  ['lzop', 'lzop -1 -c'],
  ['lzop with CRC32', 'lzop -3 --crc32 -c'],
  ['lzop without checksums', 'lzop -F -c'],
];

describe('packed data', () => {
  for (const [name, command] of TOOLS) {
    const tool = command.includes('zstd') ? 'zstd' : command.split(' ', 1)[0]!;
    it.skipIf(!hasTool(tool))(`${name}: what the tool packs`, () => {
      const line = command.includes('PLAIN') ? command.replace('PLAIN', plain) : `${command} ${plain}`;
      workshop.run('sh', ['-c', `${line} > ${workshop.path('packed')}`]);
      const packed = readFileSync(workshop.path('packed'));
      const expected = readFileSync(plain);
      expect(Buffer.from(unpacked(packed)).equals(expected)).toBe(true);
      // Linux appends the size to all but gzip.
      const sized = Buffer.concat([packed, Buffer.from([0, 0, 0x30, 0])]);
      if (tool !== 'gzip') expect(Buffer.from(unpacked(sized)).equals(expected)).toBe(true);
      for (const cut of [7, 20, 1000, packed.length >> 1]) {
        expect(() => {
          // Without an end marker nothing tells a cut .lz4 from a whole one, up to a block.
          if (unpacked(packed.subarray(0, cut)).length < expected.length) throw new Error('shorter: damaged');
        }).toThrow(/damaged/);
      }
    });
  }

  it.skipIf(!hasXz)('in streams, one behind the other with padding between, are the data of all', () => {
    workshop.run('sh', ['-c', `head -c 5000 ${plain} | xz -c > ${workshop.path('packed')}`]);
    const one = readFileSync(workshop.path('packed'));
    expect(unpacked(Buffer.concat([one, Buffer.alloc(8), one])).length).toBe(10_000);
  });

  it.skipIf(!hasXz)('with a wrong byte are damaged', () => {
    workshop.run('sh', ['-c', `head -c 50000 ${plain} | xz --check=crc32 -c > ${workshop.path('packed')}`]);
    const packed = readFileSync(workshop.path('packed'));
    for (let at = 6; at < packed.length - 12; at += 997) {
      const wrong = Uint8Array.from(packed);
      wrong[at]! ^= 0x10;
      expect(() => unpacked(wrong)).toThrow(
        /^the xz data of the file are damaged[^\n]*; give another file$|only LZMA2/,
      );
    }
  });

  const CHECKS: readonly (readonly [tool: string, command: string, name: string])[] = [
    ['xz', 'xz --check=crc32', 'CRC32'],
    ['xz', 'xz --check=crc64', 'CRC64'],
    ['xz', 'xz --check=sha256', 'SHA-256'],
  ];
  it.each(CHECKS.filter(([tool]) => hasTool(tool)))('%s: a wrong check is told (%s)', (_, command, name) => {
    workshop.run('sh', ['-c', `head -c 50000 ${plain} | ${command} -c > ${workshop.path('packed')}`]);
    const packed = readFileSync(workshop.path('packed'));
    // Behind the check of the only block stand the index and the footer, which says how long the index is.
    const index = packed.length - 12 - (packed.readUInt32LE(packed.length - 8) + 1) * 4;
    packed[index - 1]! ^= 1;
    expect(() => unpacked(packed)).toThrow(
      `the xz data of the file are damaged (the ${name} of a block is wrong); give another file`,
    );
    packed[index - 1]! ^= 1;
    expect(unpacked(packed).length).toBe(50_000);
    packed[packed.length - 1]! ^= 1;
    expect(() => unpacked(packed)).toThrow(/^the xz data of the file are damaged; give another file$/);
  });

  it.each(['bzip2', 'lzop'].filter(hasTool))('of %s with a wrong byte are damaged', (tool) => {
    workshop.run('sh', ['-c', `head -c 50000 ${plain} | ${tool} -c > ${workshop.path('packed')}`]);
    const packed = readFileSync(workshop.path('packed'));
    let told = 0;
    for (let at = 4; at < packed.length; at += 499) {
      const wrong = Uint8Array.from(packed);
      wrong[at]! ^= 0x10;
      try {
        unpacked(wrong);
      } catch (error) {
        expect(String(error)).toMatch(
          /: the (bzip2|lzo) data of the file are damaged[^\n]*; give another file$|unknown way/,
        );
        told++;
      }
    }
    expect(told).toBeGreaterThan(packed.length / 499 - 3);
  });

  it.skipIf(!hasTool('bzip2'))('of bzip2: runs of every length, and streams one behind the other', () => {
    const bytes = Buffer.concat(Array.from({ length: 600 }, (_, n) => Buffer.alloc(n, n & 1 ? 0xff : n)));
    writeFileSync(workshop.path('runs'), bytes);
    workshop.run('sh', ['-c', `bzip2 -c ${workshop.path('runs')} > ${workshop.path('packed')}`]);
    const packed = readFileSync(workshop.path('packed'));
    expect(Buffer.from(unpacked(packed)).equals(bytes)).toBe(true);
    expect(unpacked(Buffer.concat([packed, packed])).length).toBe(2 * bytes.length);
  });

  it('in an unknown way are told', () => {
    expect(() => unpacked(Buffer.from('425a6839314159', 'hex'))).toThrow(
      'the bzip2 data of the file are damaged; give another file',
    );
    expect(() => unpacked(Buffer.from('0011223344556677', 'hex'))).toThrow(/packed in an unknown way/);
  });

  it.skipIf(!hasXz)('that would fill the memory end at a limit', () => {
    workshop.run('sh', ['-c', `head -c 8000000 /dev/zero | xz -0 -c > ${workshop.path('packed')}`]);
    expect(() => unpackXz(readFileSync(workshop.path('packed')), new Output(4 << 20))).toThrow(/more than 4 MiB/);
  });
});
