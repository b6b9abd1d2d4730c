import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { guestPath } from '../guests/expected.ts';
import { swapgs } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'swapgs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const hello = guestPath('user/hello');

describe('swapgs trace', () => {
  it('has a line for every instruction that a run has', () => {
    const path = join(folder, 'trace');
    const traced = swapgs(['trace', '--output', path, hello]);
    expect(traced).toEqual({ status: 0, stdout: 'hello, world\n', stderr: '' });
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const { stderr } = swapgs(['run', '--stats', hello]);
    expect(lines).toHaveLength(Number(/(\d+) instructions/.exec(stderr)![1]));
    expect(lines.map((line) => Number(line.slice(0, 8)))).toEqual(lines.map((_, i) => i + 1));
    expect(lines.filter((line) => /writev|syscall/.test(line)).length).toBeGreaterThan(1);
    expect(lines.join('\n')).not.toContain('(bad)');
  });

  it('keeps standard output for itself', () => {
    const { stdout, stderr, status } = swapgs(['trace', '--json', '--from', '3', '--to', '4', hello]);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).n),
    ).toEqual([3, 4]);
    expect(stderr).toBe('hello, world\n');
    expect(status).toBe(0);
  });

  it('shows only a range of addresses', () => {
    const { stdout } = swapgs(['trace', '--range', '0x401047-0x40104b', hello]);
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
  });

  it('traces a bare guest', () => {
    const { stdout, status } = swapgs([
      'trace',
      '--bare',
      guestPath('bare/sum.bin'),
      '--reg',
      'rdi=1',
      '--sym',
      'sum=0x100000',
    ]);
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(8);
    expect(lines[3]!.replace(/ {2,}/g, '  ').trim()).toBe('4  0x100007  sum+0x7  48 01 f8  add  %rdi,%rax  rax=0x1');
  });
});

describe('swapgs disasm', () => {
  const alias = [
    '--base',
    '0xffffffff8111cb80',
    '--sym',
    'pcpu_hot=0x2ac80',
    '--sym',
    'syscall_exit_work=0xffffffff8111cb80',
  ];

  it('names per-CPU slots and branch targets', () => {
    const { stdout } = swapgs(['disasm', guestPath('bare/syscall_exit_work_b.bin'), ...alias]);
    expect(stdout).toContain('ffffffff8111cb80 <syscall_exit_work>:\n');
    expect(stdout).toMatch(/65 4c 8b 25 f6 e0 f0 7e +mov {4}%gs:0x7ef0e0f6\(%rip\),%r12 {8}# 0x2ac80 <pcpu_hot>\n/);
    expect(stdout).toMatch(/jne {4}ffffffff8111cc7a <syscall_exit_work\+0xfa>\n/);
  });

  it('writes JSON', () => {
    const { stdout } = swapgs(['disasm', '--json', guestPath('bare/syscall_exit_work_b.bin'), ...alias]);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toHaveLength(11);
    expect(rows[1]).toEqual({
      address: '0xffffffff8111cb82',
      symbol: 'syscall_exit_work+0x2',
      bytes: '654c8b25f6e0f07e',
      text: 'mov    %gs:0x7ef0e0f6(%rip),%r12        # 0x2ac80 <pcpu_hot>',
      target: null,
      place: '0x2ac80',
      segment: 'gs',
    });
  });

  it('covers the whole of .text, byte for byte', () => {
    const { stdout } = swapgs(['disasm', '--json', hello]);
    let next: bigint | undefined;
    for (const line of stdout.trimEnd().split('\n')) {
      const { address, bytes } = JSON.parse(line);
      expect(BigInt(address)).toBe(next ?? BigInt(address));
      next = BigInt(address) + BigInt(bytes.length / 2);
    }
  });

  it('takes bytes, and a range', () => {
    expect(swapgs(['disasm', '--bytes', 'f0 41 ff 0c 24']).stdout).toBe(
      `  100000:  ${'f0 41 ff 0c 24'.padEnd(32)}lock decl (%r12)\n`,
    );
    const { stdout } = swapgs(['disasm', '--range', '0x401047-0x401048', hello]);
    expect(stdout).toMatch(/48 31 ed +xor {4}%rbp,%rbp\n$/);
  });
});

describe('swapgs demo', () => {
  it('counts the loads of both builds on both CPUs, and runs programs', () => {
    const { status, stdout, stderr } = swapgs(['demo']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(
      /work bit set {3}\(rsi=0x20\) {3}CPU 0: 2, CPU 1: 2, out at \+52 +CPU 0: 1, CPU 1: 1, out at \+47\n/,
    );
    expect(stdout).toMatch(
      /work bit clear \(rsi=0\) {6}CPU 0: 1, CPU 1: 1, out at \+52 +CPU 0: 1, CPU 1: 1, out at \+47\n/,
    );
    expect(stdout).toContain('each CPU loaded its own task every time');
    expect(stdout).toContain('  hello, world\n');
    expect(stdout.split('\n').every((line) => line.length <= 120)).toBe(true);
    expect(stdout).not.toContain('\u001b');
  });
});
