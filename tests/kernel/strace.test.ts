import { describe, expect, it } from 'vitest';
import { quote } from '../../src/kernel/syscalls/args.ts';
import { syscallName } from '../../src/kernel/syscalls/names.ts';
import { SYSCALLS } from '../../src/kernel/syscalls/table.ts';
import { guestPath } from '../guests/expected.ts';
import { runProgram } from '../support/run-program.ts';
import { SyscallBench } from '../support/syscalls.ts';

const AT_FDCWD = -100;

/** The line of the last call. */
const line = (b: SyscallBench): string => b.strace.at(-1)!;

describe('strace text', () => {
  it('reads like strace’s own', () => {
    const b = new SyscallBench();
    b.call('openat', AT_FDCWD, b.text('/etc/passwd'), 0, 0);
    expect(line(b)).toBe('openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3');
    b.call('openat', AT_FDCWD, b.text('/tmp/x'), 0o2001102, 0o644);
    expect(line(b)).toBe('openat(AT_FDCWD, "/tmp/x", O_RDWR|O_CREAT|O_TRUNC|O_CLOEXEC, 0644) = 4');
    b.call('open', b.text('/nope'), 0, 0);
    expect(line(b)).toBe('open("/nope", O_RDONLY) = -1 ENOENT (No such file or directory)');
    b.call('open', 8, 0, 0);
    expect(line(b)).toBe('open(0x8, O_RDONLY) = -1 EFAULT (Bad address)');
    b.call('read', 3, b.room(64), 40);
    expect(line(b)).toBe('read(3, "root:x:0:0:root:/root:/bin/sh\\nno"..., 40) = 40');
    b.call('write', 1, b.text('a"b\\\x01' + '9é'), 8);
    expect(line(b)).toBe('write(1, "a\\"b\\\\\\0019\\303\\251", 8) = 8');
    b.call('mmap', 0, 4096, 3, 0x22, -1, 0);
    expect(line(b)).toMatch(
      /^mmap\(NULL, 4096, PROT_READ\|PROT_WRITE, MAP_PRIVATE\|MAP_ANONYMOUS, -1, 0\) = 0x7f[0-9a-f]+$/,
    );
    b.call('mprotect', 0x400000, 4096, 0);
    expect(line(b)).toBe('mprotect(0x400000, 4096, PROT_NONE) = 0');
    b.call('brk', 0);
    expect(line(b)).toBe('brk(NULL) = 0x401000');
    b.call('prlimit64', 0, 3, 0, b.room(16));
    expect(line(b)).toBe('prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0');
    b.call('newfstatat', 1, b.text(''), b.room(144), 0x1000);
    expect(line(b)).toBe('newfstatat(1, "", {st_mode=S_IFIFO|0600, st_size=0, ...}, AT_EMPTY_PATH) = 0');
    b.call('rt_sigaction', 2, b.words(1, 0x1400_0000, 0x401000, 4), 0, 8);
    expect(line(b)).toBe(
      'rt_sigaction(SIGINT, {sa_handler=SIG_IGN, sa_mask=[QUIT], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x401000}, NULL, 8) = 0',
    );
    b.call('umask', 0o77);
    expect(line(b)).toBe('umask(077) = 022');
    b.call('futex', b.words(1), 128 | 256, 0, 0, 0, 0);
    expect(line(b)).toMatch(/^futex\(0x[0-9a-f]+, FUTEX_WAIT_PRIVATE\|FUTEX_CLOCK_REALTIME, 0, NULL\) = -1 EAGAIN/);
    b.number(180);
    expect(line(b)).toMatch(/^nfsservctl\(.*\) = -1 ENOSYS \(Function not implemented\)$/);
    b.call('kill', 1000, 9);
    b.kernel.run();
    expect(line(b)).toBe('+++ killed by SIGKILL +++');
  });

  it('quotes control characters as octal, padded before a digit', () => {
    expect(quote(Uint8Array.of(0, 0x30, 0, 0x61, 7, 10))).toBe('"\\0000\\0a\\7\\n"');
    expect(quote(new Uint8Array(40).fill(0x61))).toBe(`"${'a'.repeat(32)}"...`);
  });
});

it('tells calls that others interrupt in two parts, and the end of every thread', () => {
  const { strace } = runProgram(guestPath('user/threads'));
  const unfinished = strace.filter((text) => text.endsWith(' <unfinished ...>'));
  expect(unfinished.length).toBeGreaterThan(0);
  const resumed = strace.filter((text) => /^(\[pid +\d+\] )?<\.\.\. \w+ resumed>/.test(text));
  expect(resumed.length).toBe(unfinished.length);
  const threads = strace.filter((text) => /clone3?\(.*CLONE_THREAD.* = \d+$/.test(text)).length;
  expect(strace.filter((text) => text.includes('+++ exited with 0 +++')).length).toBe(threads + 1);
});

describe('the table', () => {
  it('has one row per number, under Linux’s name', () => {
    for (const [number, row] of SYSCALLS) {
      expect(row.number).toBe(number);
      expect(row.name).toBe(syscallName(number));
      expect(row.args.length).toBeLessThanOrEqual(6);
    }
    expect(SYSCALLS.size).toBeGreaterThan(170);
  });

  it('survives random arguments: every row answers or ends the process', { timeout: 60_000 }, () => {
    let seed = 7;
    const random = (): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed;
    };
    let b = new SyscallBench({ filesLimit: 8 << 20 });
    const values = (): (number | bigint)[] => [
      0,
      1,
      2,
      3,
      -1,
      -100,
      4096,
      0x7fff_ffff_f000,
      1n << 63n,
      (1n << 64n) - 1n,
      b.scratch,
      b.scratch + 8,
      100,
      random(),
    ];
    const exits = ['exit', 'exit_group', 'kill', 'tkill', 'tgkill'];
    for (const row of SYSCALLS.values()) {
      // A child would go on with the same calls by itself: tests/kernel/tasks has those.
      if (exits.includes(row.name) || /fork|clone/.test(row.name)) continue;
      for (let i = 0; i < 20; i++) {
        const choices = values();
        const args = Array.from({ length: 6 }, () => choices[random() % choices.length]!);
        b.number(row.number, ...args);
        const unmapped = b.process.space.areas.at(b.scratch) === undefined;
        if (b.process.end !== null || b.process.stopped || unmapped) b = new SyscallBench({ filesLimit: 8 << 20 });
      }
    }
    expect(b.strace.length).toBeGreaterThan(0);
  });
});
