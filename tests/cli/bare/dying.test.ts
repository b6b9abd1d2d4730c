import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { Random } from '../../../src/bits/random.ts';
import { loadMultiboot, MultibootError } from '../../../src/machine/system/multiboot.ts';
import { PhysicalMemory } from '../../../src/memory/physical.ts';
import { CODE, flat, LOADED } from '../../support/boot.ts';
import { ONE_LINE, swapgs } from '../../support/cli.ts';
import { image, KERNEL } from '../../support/small-kernel.ts';

const folder = mkdtempSync(join(tmpdir(), 'swapgs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const boot = (kernel: string, ...args: string[]) =>
  swapgs(['run', '--bare', '--multiboot', '--memory', '16M', '--max-insns', '10000000', ...args, kernel]);
function kernel(file: Uint8Array): string {
  const path = join(folder, 'kernel');
  writeFileSync(path, file);
  return path;
}
const hex16 = (value: number): string =>
  [value & 0xff, (value >> 8) & 0xff].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
const hex32 = (value: number): string => `${hex16(value & 0xffff)} ${hex16(value >>> 16)}`;
/** Code with something behind it, at CODE + 0x40. */
const before = (code: string, data: string): Uint8Array =>
  flat(`${code}${' 90'.repeat(0x40 - code.split(' ').length)} ${data}`);

describe('a kernel that dies is told in one line, and the state that led there behind it', () => {
  const PLACE = '0xffffffff80[0-9a-f]{6} <scenario_die\\+0x[0-9a-f]+>';
  it.each([
    [
      'a triple fault',
      'triple',
      `triple fault \\(#UD, #GP error 0x33, #GP error 0x6b, #DF, #GP error 0x43\\) on CPU 0: at ${PLACE}; the IDT is empty`,
    ],
    [
      'a jump to nowhere',
      'jump',
      'triple fault \\(#PF error 0x10 at 0x123456789000, .*\\) on CPU 0: at 0x123456789000 .*; no memory behind RIP \\(PML4E: not present\\); the IDT is empty',
    ],
    [
      'a GDT outside RAM',
      'gdt',
      `triple fault \\(#GP error 0x10, #GP error 0x11, #DF, #GP error 0x11\\) on CPU 0: at ${PLACE}; no memory behind the GDT at 0xffff8000f0000000`,
    ],
    [
      'a GDT that is not mapped',
      'gdt-unmapped',
      `triple fault \\(#PF error 0x0 at 0xffffa00000000018, .*\\) on CPU 0: at ${PLACE}; no memory behind the GDT at 0xffffa00000000000`,
    ],
    [
      'a page table that leads to itself',
      'self',
      `triple fault \\(.*\\) on CPU 0: at ${PLACE}; the page table at 0x[0-9a-f]+ leads to itself`,
    ],
    [
      'a page table outside RAM',
      'table',
      `triple fault \\(#PF error 0x19 at 0x.*\\) on CPU 0: at ${PLACE}; no memory behind RIP \\(PML4E\\[511\\] at 0x[0-9a-f]+ leads beyond the memory: 0xf0000023\\);.*`,
    ],
    [
      'CR3 outside RAM',
      'cr3',
      `triple fault \\(#PF error 0x19 at 0x.*\\) on CPU 0: at ${PLACE}; no memory behind RIP \\(CR3 names a table at 0xf0000000, beyond the memory\\);.*`,
    ],
  ])('%s', (_, way, line) => {
    const { status, stdout, stderr } = boot(KERNEL, '--append', `die ${way}`);
    const [first, ...state] = stderr.trimEnd().split('\n');
    expect([status, stdout]).toEqual([123, '']);
    expect(first).toMatch(new RegExp(`^swapgs: ${line}$`));
    expect(state[0]).toMatch(/^rax {4}0x/);
    expect(state.at(-1)).toMatch(/^ {2}CPU 0: running at 0x/);
  });

  it('a deadlock: every CPU is halted with its interrupts off', () => {
    const { status, stderr } = boot(KERNEL, '--append', 'die deadlock');
    expect([status, stderr.split('\n')[0]]).toEqual([
      124,
      'swapgs: deadlock: every CPU is halted with its interrupts off',
    ]);
  });

  it.each([
    [
      'a jump to nowhere',
      flat('b8 00 00 00 f0 ff e0'),
      '#UD without an IDT that could take it on CPU 0: at 0xf0000000; no memory behind RIP',
    ],
    [
      'a GDT outside RAM',
      before(`0f 01 15 ${hex32(CODE + 0x40)} ea 00 00 00 00 08 00`, 'ff 00 00 00 00 f0'),
      '#GP error 0x8 without an IDT that could take it on CPU 0: at 0x100027; no memory behind the GDT at 0xf0000000',
    ],
  ])('in 32-bit code: %s', (_, file, line) => {
    const { status, stderr } = boot(kernel(file));
    expect([status, stderr.split('\n')[0]]).toEqual([123, `swapgs: ${line}`]);
  });
});

describe('the local APIC', () => {
  it('a write where it has no register goes nowhere, is told, and stands in the error status register', () => {
    const write = (at: number): string => `c7 05 ${hex32(0xfee0_0000 + at)} 01 00 00 00`;
    // Beyond the registers, between them, one that is only read; then ESR is latched, and its value is the status.
    const code = `${write(0xff0)} ${write(0x24)} ${write(0x30)} ${write(0x280)} a1 80 02 e0 fe d1 e8 e6 f4`;
    const { status, stderr } = boot(kernel(flat(code)));
    expect(status).toBe(0x80 | 1);
    expect(stderr).toBe(
      [0xff0, 0x24, 0x30]
        .map(
          (at) =>
            `swapgs: CPU 0 wrote 0x1 (4 bytes) to 0xfee00${at.toString(16).padStart(3, '0')}: the local APIC has no such register there\n`,
        )
        .join(''),
    );
  });

  it('as x2APIC it answers with #GP', () => {
    expect(boot(KERNEL, '--append', 'die apic').stdout).toMatch(/^CPU 0: exception 13 error 0 at /);
  });
});

describe('a multiboot header that lies', () => {
  /** A flat image with one word of its header changed. */
  const lying = (offset: number, value: number): Uint8Array => {
    const file = flat('fa f4');
    new DataView(file.buffer).setUint32(offset, value, true);
    return file;
  };
  const [HEADER_AT, LOAD_AT, LOAD_END, BSS_END, ENTRY] = [12, 16, 20, 24, 28];
  it.each([
    ['its checksum', lying(8, 1), 'no multiboot header in its first 8192 bytes'],
    ['where it stands', lying(HEADER_AT, LOADED + 0x1000), 'a part to be loaded lies beyond the end of the file'],
    ['where it is loaded', lying(LOAD_AT, 0xffff_0000), 'the header’s load addresses are the wrong way round'],
    ['how much is loaded', lying(LOAD_END, LOADED + 0x1000), 'a part to be loaded lies beyond the end of the file'],
    ['an end before its beginning', lying(LOAD_END, LOADED - 1), 'the header’s load addresses are the wrong way round'],
    ['a bss beyond the memory', lying(BSS_END, 0xf000_0000), 'bytes lie beyond the memory'],
    ['its entry', lying(ENTRY, 0x1234), 'its entry 0x1234 lies in nothing that is loaded'],
    ['an ELF’s entry', withWord(24, 0x10), 'its entry 0x10 lies in nothing that is loaded'],
    ['an ELF’s program headers', withWord(32, 0x7fff_ffff), 'the program headers lie beyond the end of the file'],
    ['their size', withWord(54, 0x9_0038 & 0xffff_0000), 'program headers of 0 bytes'],
  ])('about %s', (_, file, message) => {
    const { status, stderr } = boot(kernel(file));
    expect(status).toBe(125);
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).toContain(message.split('; ')[0]);
  });

  test('over what the loader tells it', () => {
    const file = flat('fa f4');
    const view = new DataView(file.buffer);
    const at = 0x9400;
    [HEADER_AT, LOAD_AT].forEach((field) => void view.setUint32(field, at, true));
    view.setUint32(LOAD_END, at + file.length, true);
    view.setUint32(BSS_END, at + 0x1000, true);
    view.setUint32(ENTRY, at + 32, true);
    expect(boot(kernel(file)).stderr).toMatch(
      /^swapgs: 0x9400 and 0x1000 bytes lie over what it is told at 0x9500: .*\n$/,
    );
  });

  test('anyhow: it is loaded, or refused in one sentence', () => {
    const random = new Random(11);
    const memory = new PhysicalMemory(8 << 20);
    const head = 0x1100;
    let refused = 0;
    for (let n = 0; n < 300; n++) {
      const file = n % 2 === 0 ? flat('fa f4') : image.slice();
      for (let i = 0; i < 1 + random.below(3); i++) {
        const near =
          n % 2 === 0
            ? 12 + random.below(file.length - 12)
            : [random.below(0x180), random.below(head)][random.below(2)]!;
        file[near] = random.below(2) === 0 ? random.below(256) : file[near]! ^ (1 << random.below(8));
      }
      try {
        loadMultiboot(memory, file, { commandLine: '', modules: [] });
      } catch (error) {
        expect(error).toBeInstanceOf(MultibootError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(50);
  });
});

/** The small kernel with a word of its ELF header changed. */
function withWord(offset: number, value: number): Uint8Array {
  const file = image.slice();
  new DataView(file.buffer, file.byteOffset).setUint32(offset, value, true);
  return file;
}
