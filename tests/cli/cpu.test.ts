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

describe('--cpu', () => {
  const CPUS = ['default', 'x86-64', 'x86-64-v2', 'x86-64-v3', 'x86-64-v4', 'max', 'x86-64-v4,-avx', 'x86-64,+ssse3'];

  it.each(['strings-glibc', 'floats-glibc', 'regex-glibc'])('%s prints the same on every CPU', (name) => {
    const [first, ...others] = CPUS.map((cpu) => swapgs(['run', '--cpu', cpu, guest(name)]));
    expect(first!.status).toBe(0);
    others.forEach((other, i) => {
      expect(other, CPUS[i + 1]!).toEqual(first);
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
  });
});
