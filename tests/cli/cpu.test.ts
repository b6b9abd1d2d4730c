import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { swapgs } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'cpu-'));
afterAll(() => rmSync(folder, { recursive: true }));
const guest = (name: string): string => fileURLToPath(new URL(`../../guest/user/${name}`, import.meta.url));

/** Flat code that is run bare; how it stopped. */
function stopOf(hex: string, cpu: string): string {
  const path = join(folder, 'code');
  writeFileSync(path, Buffer.from(hex, 'hex'));
  const { stop } = JSON.parse(swapgs(['run', '--bare', '--json', '--cpu', cpu, path]).stdout);
  return stop.vector === null ? stop.reason : `vector ${stop.vector}`;
}

/** An executable that runs this code with zeros in its registers, and exits. */
function program(hex: string): Buffer {
  // xor %eax,%eax; …; mov $60,%eax; xor %edi,%edi; syscall
  const code = Buffer.from(`31c0${hex}b83c00000031ff0f05`, 'hex');
  const head = Buffer.alloc(120);
  const base = 0x40_0000n;
  head.write('\x7fELF\x02\x01\x01', 'latin1');
  for (const [at, value] of [
    [16, 2],
    [18, 62],
    [52, 64],
    [54, 56],
    [56, 1],
  ] as const)
    head.writeUInt16LE(value, at);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(base + 120n, 24);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt32LE(1, 64);
  head.writeUInt32LE(5, 68);
  for (const at of [80, 88]) head.writeBigUInt64LE(base, at);
  for (const at of [96, 104]) head.writeBigUInt64LE(120n + BigInt(code.length), at);
  head.writeBigUInt64LE(4096n, 112);
  return Buffer.concat([head, code]);
}

describe('--cpu', () => {
  const CPUS = ['default', 'x86-64', 'x86-64-v2', 'x86-64-v3', 'x86-64-v4', 'max', 'x86-64-v4,-avx', 'x86-64,+ssse3'];
  const HOST = existsSync('/proc/cpuinfo') && process.arch === 'x64' ? ['host'] : [];

  it.each(['strings-glibc', 'floats-glibc', 'regex-glibc'])('%s prints the same on every CPU', (name) => {
    const cpus = [...CPUS, ...HOST];
    const [first, ...others] = cpus.map((cpu) => swapgs(['run', '--cpu', cpu, guest(name)]));
    expect(first!.status).toBe(0);
    others.forEach((other, i) => {
      expect(other, cpus[i + 1]!).toEqual(first);
    });
  });

  it('decides what is an instruction', () => {
    // vpaddd %ymm0,%ymm0,%ymm0; hlt
    const vpaddd = 'c5fdfec0f4';
    expect(
      ['default', 'x86-64-v2', 'x86-64-v3', 'x86-64-v3,-avx2', 'x86-64,+avx2'].map((cpu) => stopOf(vpaddd, cpu)),
    ).toEqual(['hlt', 'vector 6', 'hlt', 'vector 6', 'hlt']);
    // femms, 3DNow!: no Intel CPU has it.
    expect(CPUS.map((cpu) => stopOf('0f0ef4', cpu))).toEqual(CPUS.map(() => 'vector 6'));
  });

  it.each([
    ['vpaddd %ymm0,%ymm0,%ymm0', 'c5fdfec0', 'x86-64-v2', 'x86-64-v3'],
    ['pshufb %xmm1,%xmm0', '660f3800c1', 'x86-64', 'x86-64-v2'],
    ['vpaddd %zmm0,%zmm0,%zmm0', '62f17d48fec0', 'x86-64-v3', 'x86-64-v4'],
    ['vaddph %zmm1,%zmm0,%zmm0', '62f57c4858c1', 'x86-64-v4', 'x86-64-v4,+avx512_fp16'],
    ['extrq %xmm1,%xmm0', '660f79c1', 'max', 'x86-64,+sse4a'],
    ['tpause %eax', '660faef0', 'max,-waitpkg', 'max'],
    ['xend', '0f01d5', 'max', null],
  ])('%s is SIGILL to a program on a CPU without it', (_text, hex, without, having) => {
    const path = join(folder, 'program');
    writeFileSync(path, program(hex), { mode: 0o755 });
    const done = swapgs(['run', '--cpu', without, path]);
    expect(done.status).toBe(128 + 4);
    expect(done.stderr).toMatch(/: #UD: \S+ needs [A-Z0-9_]+( and [A-Z0-9_]+)*, which this CPU lacks \(--cpu\)\n/);
    if (having !== null) expect(swapgs(['run', '--cpu', having, path])).toMatchObject({ status: 0, stderr: '' });
  });

  it('decides what CR4 holds', () => {
    // mov %cr4,%rax; bts $11,%rax (UMIP); mov %rax,%cr4; hlt
    const setUmip = '0f20e0480fbae80b0f22e0f4';
    expect(['default', 'x86-64-v3', 'x86-64-v3,-umip'].map((cpu) => stopOf(setUmip, cpu))).toEqual([
      'hlt',
      'hlt',
      'vector 13',
    ]);
  });

  it.skipIf(!existsSync('/proc/cpuinfo'))('takes the host for a model', () => {
    const done = swapgs(['run', '--cpu', 'host,-popcnt', guest('hello-glibc')]);
    expect(done).toMatchObject({ status: 0, stderr: '' });
  });

  it('says what is wrong in one line', () => {
    const done = swapgs(['run', '--cpu', 'max,-umpi', guest('hello')]);
    expect(done.status).toBe(125);
    expect(done.stderr).toMatch(
      /^swapgs: option '--cpu <NAME>' argument 'max,-umpi' is invalid: .*no CPU feature 'umpi'; near it: umip .*\n$/,
    );
    expect(swapgs(['run', '--cpu', 'v3', guest('hello')]).stderr).toMatch(
      /no CPU 'v3'; there are default, .*, max, host\n$/,
    );
  });
});
