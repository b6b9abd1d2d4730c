import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { guestPath } from '../guests/expected.ts';
import { ONE_LINE, swapgs } from '../support/cli.ts';
import { BODY, elfFile } from '../support/elf-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'swapgs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hello = readFileSync(guestPath('user/hello'));
let files = 0;
function file(bytes: Uint8Array): string {
  const path = join(folder, `file${files++}`);
  writeFileSync(path, bytes);
  return path;
}
function changed(change: (bytes: Uint8Array) => void): string {
  const bytes = new Uint8Array(hello);
  change(bytes);
  return file(bytes);
}

/** It asks for /lib/ld.so, which no guest has. */
const dynamic = elfFile({
  body: Buffer.from('\x0f\x05/lib/ld.so\0', 'latin1'),
  segments: [{}, { type: 3, offset: BigInt(BODY) + 2n, fileSize: 11n }],
});

/** The line that every one of these commands must end with, and status 125. */
function expectError(args: readonly string[], words: string): void {
  const done = swapgs(args);
  expect(done.stderr).toMatch(ONE_LINE);
  expect(done.stderr).toContain(words);
  expect(done.stdout).toBe('');
  expect(done.status).toBe(125);
}

describe('files that cannot be run', () => {
  it.each([
    ['no file', () => join(folder, 'absent'), 'no such file'],
    ['a directory', () => folder, 'is a directory'],
    ['a device', () => '/dev/zero', 'is not a regular file'],
    ['an empty file', () => file(new Uint8Array(0)), 'not an ELF file'],
    ['a text', () => file(new TextEncoder().encode('hello')), 'not an ELF file'],
    ['a script', () => file(new TextEncoder().encode('#!/bin/sh\n')), 'it is a script'],
    ['a header cut short', () => file(hello.subarray(0, 40)), 'truncated ELF header'],
    ['program headers cut short', () => file(hello.subarray(0, 100)), 'truncated program headers'],
    ['segments cut short', () => file(hello.subarray(0, 0x1800)), 'end past the file'],
    ['32 bits', () => changed((bytes) => bytes.fill(1, 4, 5)), '32-bit'],
    ['another machine', () => changed((bytes) => bytes.fill(183, 18, 19)), 'wrong machine 183'],
    ['an object file', () => file(elfFile({ type: 1 })), 'relocatable object'],
    ['a dynamic program', () => file(dynamic), 'its interpreter /lib/ld.so cannot be executed'],
    [
      'a dynamic program, and the remedies',
      () => file(dynamic),
      'grant what it needs: --dir /lib:ro (all: --dir /:ro)',
    ],
    ['an entry outside', () => file(elfFile({ entry: 0x1234n })), 'lies in no segment'],
  ])('%s', (_, path, words) => {
    expectError(['run', path()], words);
  });

  it.skipIf(process.getuid?.() === 0)('an unreadable file', () => {
    const path = file(hello);
    chmodSync(path, 0);
    expectError(['run', path], 'permission denied');
  });
});

describe('a program cut anywhere in its headers', () => {
  it.each([
    [3, 'not an ELF file'],
    [4, 'truncated ELF header'],
    [63, 'truncated ELF header'],
    [64, 'truncated program headers'],
    [119, 'truncated program headers'],
  ])('at %i bytes', (length, words) => {
    expectError(['run', file(hello.subarray(0, length))], words);
  });
});

describe('bad usage', () => {
  const sum = guestPath('bare/sum.bin');
  it.each([
    [[], 'no command'],
    [['bogus'], 'no command bogus'],
    [['run'], 'no program given'],
    [['run', '--bogus', 'x'], "unknown option '--bogus'"],
    [['run', '--memory', '5T', 'x'], 'it wants bytes'],
    [['run', '--max-insns', '0', 'x'], 'at least 1'],
    [['run', '--timeout', 'soon', 'x'], 'it wants seconds'],
    [['run', '--seed', '-1', 'x'], 'below 2^32'],
    [['run', '--engine', 'warp', 'x'], 'interpreter and reference'],
    [['run', '--env', '=x', guestPath('user/hello')], 'has no name'],
    [['run', '--dir', 'x', guestPath('user/hello')], 'HOST=GUEST'],
    [['run', '--dir', '/no/such=/x', guestPath('user/hello')], 'cannot grant'],
    [['run', '--batch', '-'], '--batch needs --bare'],
    [['run', '--bare', sum, '--reg', 'foo=1'], 'no register foo'],
    [['run', '--bare', sum, '--reg', 'al=256'], 'does not fit'],
    [['run', '--bare', sum, '--reg', 'rax'], 'NAME=VALUE'],
    [['run', '--bare', sum, '--map', '0x1000'], 'ADDR:SIZE'],
    [['run', '--bare', sum, '--map', '0x1000:4K:wx'], 'no rights'],
    [['run', '--bare', sum, '--map', '0x800000000000:4K'], 'not canonical'],
    [['run', '--bare', sum, '--map', '0x1000:2G', '--memory', '16M'], 'raise --memory'],
    [['run', '--bare', sum, '--mem', '0x1000=zz'], 'hexadecimal'],
    [['run', '--bare', sum, '--mem', '0x1000=90'], 'is not mapped'],
    [['run', '--bare', sum, '--until', 'nowhere'], 'no address'],
    [['run', '--bare', sum, '--dump', '0:99G'], 'more than 64 MiB'],
    [['run', '--bare', sum, '--cpl', '1'], 'one of 0, 3'],
    [['run', '--bare', sum, 'more'], 'takes no arguments'],
    [['run', '--bare', '--batch', '/no/such'], 'no such file'],
    [['trace', '--symbol', 'nope', guestPath('user/hello')], 'no function nope'],
    [['trace', '--from', '5', '--to', '4', guestPath('user/hello')], 'comes after'],
    [['trace', '--output', '/no/such/x', guestPath('user/hello')], 'no such file'],
    [['disasm'], 'no file given'],
    [['disasm', '--range', '5', sum], 'LO-HI'],
    [['disasm', '--bytes', '4'], 'odd number'],
    [['disasm', '--symbol', 'nope', guestPath('user/hello')], 'no function nope'],
    [['disasm', '--section', '.data', guestPath('user/hello')], 'no code in section .data'],
  ])('%j', (args, words) => {
    expectError(args, words);
  });
});

describe('runs without an end', () => {
  const fib = guestPath('bench/fib');
  it('end at --max-insns, exactly', () => {
    const done = swapgs(['run', '--max-insns', '12345', '--stats', fib]);
    expect(done.status).toBe(124);
    expect(done.stderr).toMatch(
      /^swapgs: stopped at the limit of 12345 instructions: at 0x\w+: raise --max-insns\nswapgs: 12345 /,
    );
  });

  it.each(['interpreter', 'reference'])('end at --timeout (%s)', (engine) => {
    const start = performance.now();
    const done = swapgs(['run', '--timeout', '0.3', '--engine', engine, fib]);
    expect(done.status).toBe(124);
    expect(done.stderr).toMatch(/^swapgs: stopped at the limit of 300 ms: at 0x\w+: raise --timeout\n$/);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  // read(0, rsp, 1); then again
  const reader = elfFile({ body: Uint8Array.from(Buffer.from('31c031ff4889e6ba010000000f05ebf0', 'hex')) });
  const bin = new URL('../../bin/swapgs.js', import.meta.url).pathname;

  it('end at --timeout while nothing comes from a pipe', () => {
    const fifo = join(folder, 'fifo');
    const script = 'mkfifo "$3" && exec 3<>"$3" && exec "$0" "$1" run --timeout 0.3 "$2" <&3';
    const done = spawnSync('sh', ['-c', script, process.execPath, bin, file(reader), fifo], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(done.stderr).toBe('swapgs: stopped at the limit of 300 ms: at 0x40000e: raise --timeout\n');
    expect(done.status).toBe(124);
  });

  it('end at --timeout while nothing comes from a socket', async () => {
    const child = spawn(process.execPath, [bin, 'run', '--timeout', '0.3', file(reader)], { stdio: 'pipe' });
    const killer = setTimeout(() => child.kill('SIGKILL'), 30_000);
    const status = await new Promise((resolve) => child.on('exit', resolve));
    clearTimeout(killer);
    child.stdin.destroy();
    expect(status).toBe(124);
  });

  it('end where the memory does', () => {
    // mov $0x40000000,%esi; mmap(0, 1 GiB, RW, PRIVATE|ANONYMOUS|NORESERVE, -1, 0); then touch page after page
    const code = '31ffbe00000040ba0300000041ba22400000 4983c8ff 4531c9b8090000000f05 c6000148050010 0000ebf5';
    const greedy = elfFile({ body: Uint8Array.from(Buffer.from(code.replaceAll(' ', ''), 'hex')) });
    const done = swapgs(['run', '--memory', '16M', '--explain', 'none', file(greedy)]);
    expect(done.stderr).toMatch(
      /^swapgs: out of memory: the guest's 16777216 bytes are used up: at 0x\w+: raise --memory\n$/,
    );
    expect(done.status).toBe(124);
  });
});

describe('standard output that nobody reads', () => {
  const bin = new URL('../../bin/swapgs.js', import.meta.url).pathname;
  const pipe = (args: string): { stderr: string; stdout: string; status: number | null } =>
    spawnSync(
      'bash',
      ['-c', `set -o pipefail; "$0" "$1" ${args} | head -1`, process.execPath, bin, guestPath('user/floats')],
      {
        encoding: 'utf8',
        timeout: 60_000,
      },
    );
  it.each([
    ['run "$2"', /^0 0\.000000e\+00/],
    ['trace --max-insns 100000 "$2"', /^ +1 /],
    ['disasm "$2"', /^Section \.text:/],
  ])('%s ends as by SIGPIPE, without a word', (args, first) => {
    const done = pipe(args);
    expect(done.stdout).toMatch(first);
    expect(done.stderr).toBe('');
    expect(done.status).toBe(141);
  });
});
