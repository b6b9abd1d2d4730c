import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { guestPath } from '../../guests/expected.ts';
import { swapgs } from '../../support/cli.ts';
import { elfFile } from '../../support/elf-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'swapgs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const bare = (name: string): string => guestPath(`bare/${name}.bin`);
let files = 0;
function code(hex: string): string {
  const path = join(folder, `code${files++}`);
  writeFileSync(path, Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  return path;
}

describe('swapgs run --bare', () => {
  it('ends with the whole state as JSON, and nothing else', () => {
    const done = swapgs([
      'run',
      '--bare',
      '--json',
      '--reg',
      'rdi=100',
      '--reg',
      'xmm1=0x8000000000000000ffffffffffffffff',
      '--reg',
      'st0=0x3fff8000000000000000',
      '--reg',
      'sw=0x3800',
      '--dump',
      '0x100000:4',
      bare('sum'),
    ]);
    expect(done).toMatchObject({ status: 0, stderr: '' });
    const zero = (count: number): string[] => new Array<string>(count).fill('0x0');
    expect(JSON.parse(done.stdout)).toEqual({
      stop: { reason: 'hlt', vector: null, errorCode: null, cr2: null },
      icount: 503,
      regs: {
        ...Object.fromEntries(
          'rcx rdx rbx rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ').map((name) => [name, '0x0']),
        ),
        rax: '0x13ba',
        rsp: '0x80000000',
        rip: '0x10000f',
        rflags: '0x246',
      },
      segs: { es: 0, cs: 0x10, ss: 0x18, ds: 0, fs: 0, gs: 0 },
      fsBase: '0x0',
      gsBase: '0x0',
      cr: { cr0: '0x80050033', cr2: '0x0', cr3: '0x1000', cr4: '0x106b0', cr8: '0x0' },
      xmm: ['0x0', '0x8000000000000000ffffffffffffffff', ...zero(14)],
      mxcsr: 0x1f80,
      x87: { cw: 0x37f, sw: 0x3800, tag: 0x3fff, st: ['0x3fff8000000000000000', ...zero(7)] },
      mem: [
        {
          addr: '0x100000',
          hex: '31c04885',
          sha256: createHash('sha256').update(Buffer.from('31c04885', 'hex')).digest('hex'),
        },
      ],
    });
  });

  it('runs the blobs', () => {
    const rax = (...args: string[]): unknown =>
      JSON.parse(swapgs(['run', '--bare', '--json', ...args]).stdout).regs.rax;
    expect(rax(bare('selfmod'), '--reg', 'ecx=100')).toBe('0x13ba');
    expect(rax(bare('selfmod'), '--reg', 'ecx=100', '--cpl', '3')).toBe('0x13ba');
    expect(rax(bare('pageend'), '--map', '0x101000:4K')).toBe('0x2');
    const copy = ['--mem', '0x200000=7065722d43505500', '--reg', 'rsi=0x200000', '--reg', 'rdi=0x200100'];
    expect(rax(bare('copy'), '--map', '0x200000:4K:rw', ...copy)).toBe('0x7');
  });

  it('explains an exception on stderr with status 123, the state on stdout', () => {
    const done = swapgs(['run', '--bare', '--json', bare('pageend')]);
    expect(done.status).toBe(123);
    expect(JSON.parse(done.stdout).stop).toEqual({ reason: 'fault', vector: 14, errorCode: 0, cr2: '0x101000' });
    expect(done.stderr).toMatch(/^swapgs: #PF error 0x0 \(read, supervisor, page not present\) at address 0x101000: /);
    expect(done.stderr).toContain('last instruction\n  1  0x100000');
  });

  it('stops where it is told to', () => {
    const until = swapgs(['run', '--bare', '--json', '--until', '0x100007', '--reg', 'rdi=2', bare('sum')]);
    expect(JSON.parse(until.stdout)).toMatchObject({ stop: { reason: 'until' }, icount: 3, regs: { rip: '0x100007' } });
    expect(until.status).toBe(0);
    const count = swapgs(['run', '--bare', '--json', '--max-insns', '7', code('ebfe')]);
    expect(JSON.parse(count.stdout)).toMatchObject({ stop: { reason: 'max-insns' }, icount: 7 });
    expect(count.status).toBe(124);
    const time = swapgs(['run', '--bare', '--json', '--timeout', '0.1', code('ebfe')]);
    expect(JSON.parse(time.stdout).stop.reason).toBe('timeout');
    expect(time.status).toBe(124);
  });

  it('stops before what is not implemented', () => {
    // lgdt; push $8; push $0x100010; lretq; then, in compatibility mode, mov $frame,%esp; iret; the frame; limit and base; the GDT
    const iret = [
      '0f01151b000000',
      '6a08',
      '6810001000',
      '48cb',
      'bc16001000',
      'cf',
      '000000000800000002020000',
      '0f002c00100000000000',
      '0000000000000000ffff0000009bcf00',
    ];
    const done = swapgs(['run', '--bare', '--json', code(iret.join(''))]);
    expect(JSON.parse(done.stdout).stop).toEqual({ reason: 'unimplemented', vector: null, errorCode: null, cr2: null });
    expect(done.stderr).toBe('swapgs: not implemented: iret (cf): at 0x100015\n');
    expect(done.status).toBe(126);
  });

  it('takes an ELF where its segments say, with its symbols', () => {
    const path = join(folder, 'elf');
    // nop; f: inc %eax; hlt
    const strings = new TextEncoder().encode('\0f\0');
    writeFileSync(
      path,
      elfFile({
        body: Uint8Array.of(0x90, 0xff, 0xc0, 0xf4),
        symbols: [
          { nameAt: 0, value: 0n },
          { nameAt: 1, info: 0x12, section: 1, value: 0x40_0001n },
        ],
        strings,
      }),
    );
    const done = swapgs(['run', '--bare', '--json', '--until', 'f', path]);
    expect(JSON.parse(done.stdout)).toMatchObject({ stop: { reason: 'until' }, regs: { rip: '0x400001' } });
    const entry = swapgs(['run', '--bare', '--json', '--entry', 'f', path]);
    expect(JSON.parse(entry.stdout)).toMatchObject({ stop: { reason: 'hlt' }, icount: 1, regs: { rax: '0x1' } });
    // Its code cannot be written.
    const readOnly = swapgs([
      'run',
      '--bare',
      '--json',
      '--explain',
      'none',
      path,
      '--reg',
      'rip=0x400000',
      '--entry',
      '0x400000',
    ]);
    expect(readOnly.status).toBe(0);
    expect(swapgs(['run', '--bare', '--base', '0x1000', path]).stderr).toContain('--base does not move');
  });

  it('shows the state and memory as text', () => {
    const { stdout } = swapgs([
      'run',
      '--bare',
      '--state',
      'text',
      '--dump',
      '0x100000:18',
      '--dump',
      '0x300000:1',
      bare('sum'),
    ]);
    expect(stdout).toMatch(/^HLT at 0x10000f after 3 instructions\nrax {4}0x0{16} /);
    expect(stdout).toContain('0x0000000000100000  31 c0 48 85 ff 74 08 48 01 f8 48 ff cf eb f3 f4  1.H..t.H..H.....');
    expect(stdout).toContain('0x0000000000300000  (not mapped)');
  });
});
