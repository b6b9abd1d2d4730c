import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { compare } from '../../src/codegen/compare.ts';
import { openBuild } from '../../src/codegen/inputs/open.ts';
import { memorySource } from '../../src/elf/source.ts';
import { buildOf } from '../support/builds.ts';
import { hasTool, Workshop } from '../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());

const elf = workshop.assemble(`.text\n.globl f\n.type f,@function\nf: ${'inc %eax\n'.repeat(500)}ret\n.size f,.-f\n`);

/** A bzImage around a payload. */
function image(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 * 512 + 64 + payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0x1f1] = 1;
  bytes.set(Buffer.from('HdrS'), 0x202);
  view.setUint32(0x248, 64, true);
  view.setUint32(0x24c, payload.length, true);
  bytes.set(payload, 2 * 512 + 64);
  return bytes;
}
const open = (bytes: Uint8Array): ReturnType<typeof openBuild> => openBuild('bzImage', memorySource(bytes));

/** What lz4 makes of a file in its legacy form, by the tool; null where there is none. */
function lz4(path: string): Uint8Array | null {
  try {
    workshop.run('lz4', ['-l', '-9', '-f', path, workshop.path('packed')]);
    return readFileSync(workshop.path('packed'));
  } catch {
    return null;
  }
}

describe('a bzImage', () => {
  it('packed with gzip is the kernel in it', () => {
    const unpacked = open(image(gzipSync(readFileSync(elf))));
    expect(compare(buildOf(elf), unpacked).statuses.identical).toBe(1);
  });

  it('that is not packed is read as it is', () => {
    expect(compare(buildOf(elf), open(image(readFileSync(elf)))).statuses.identical).toBe(1);
  });

  const packed = lz4(elf);
  it.skipIf(packed === null)('packed with lz4 as well', () => {
    const sized = Buffer.concat([packed!, Buffer.from([1, 2, 3, 4])]);
    expect(compare(buildOf(elf), open(image(sized))).statuses.identical).toBe(1);
    const broken = Uint8Array.from(sized, (byte, i) => (i > 40 ? byte ^ 0x5a : byte));
    expect(() => open(image(broken))).toThrow(/damaged|not an ELF|incomplete/);
  });

  const TOOLS = [
    ['bzip2', 'bzip2 -9 -c'],
    ['lzop', 'lzop -9 -c'],
    ['xz', 'xz --check=crc32 --x86 --lzma2=dict=32MiB -c'],
  ] as const;
  it.each(TOOLS.filter(([tool]) => hasTool(tool)))('packed with %s is the kernel in it', (_, command) => {
    workshop.run('sh', ['-c', `${command} ${elf} > ${workshop.path('payload')}`]);
    const sized = Buffer.concat([readFileSync(workshop.path('payload')), Buffer.from([1, 2, 3, 4])]);
    expect(compare(buildOf(elf), open(image(sized))).statuses.identical).toBe(1);
  });

  it('that cannot be unpacked says so', () => {
    expect(() => open(image(Buffer.from('28b52ffd00000000', 'hex')))).toThrow(/zstd data .* damaged/);
    expect(() => open(image(Buffer.from('894c5a4f000d0a1a0a', 'hex')))).toThrow(/lzo data .* damaged/);
    expect(() => open(image(Buffer.from('1f8b0800deadbeef', 'hex')))).toThrow(/gzip data .* damaged/);
    expect(() => open(image(new Uint8Array(8)))).toThrow(/unknown way/);
    expect(() => open(image(new Uint8Array(64)).subarray(0, 700))).toThrow(/incomplete/);
    writeFileSync(workshop.path('cut'), image(gzipSync(readFileSync(elf))).subarray(0, 1100));
    expect(() => buildOf(workshop.path('cut'))).toThrow(/incomplete/);
  });
});
