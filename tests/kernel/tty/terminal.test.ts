import { describe, expect, it } from 'vitest';
import { O } from '../../../src/kernel/fs/mode.ts';
import { TERMINAL_IOCTL as T } from '../../../src/kernel/tty/control.ts';
import { Terminal } from '../../../src/kernel/tty/terminal.ts';
import { SyscallBench } from '../../support/syscalls.ts';

/** What a terminal shows and gives for what is typed; signals among it. */
function typed(text: string): { shown: string; lines: string[]; signals: number[] } {
  const signals: number[] = [];
  const terminal = new Terminal(0, { signal: (signal) => signals.push(signal) });
  terminal.type(Buffer.from(text, 'latin1'));
  const lines: string[] = [];
  while (terminal.hasLine) lines.push(Buffer.from(terminal.takeInput(4096)).toString('latin1'));
  return { shown: Buffer.from(terminal.takeOutput(4096)).toString('latin1'), lines, signals };
}

describe('line editing', () => {
  it.each([
    ['ab\r', 'ab\r\n', ['ab\n']],
    ['ab\x7fc\n', 'ab\b \bc\r\n', ['ac\n']],
    ['\x7f\n', '\r\n', ['\n']],
    ['\x01\x7fx\n', '^A\b \b\b \bx\r\n', ['x\n']],
    ['abc\x15d\n', 'abc\b \b\b \b\b \bd\r\n', ['d\n']],
    ['a b \x17c\n', 'a b \b \b\b \bc\r\n', ['a c\n']],
    ['\x16\x7f\n', '^\b^?\r\n', ['\x7f\n']],
    ['ab\x12\n', 'ab^R\r\nab\r\n', ['ab\n']],
    ['ab\x04', 'ab', ['ab']],
    ['\x04', '', ['']],
    ['one\ntwo\n', 'one\r\ntwo\r\n', ['one\n', 'two\n']],
  ])('%j', (text, shown, lines) => {
    expect(typed(text)).toEqual({ shown, lines, signals: [] });
  });

  it('makes signals, which drop what was typed', () => {
    expect(typed('gone\x03x\n')).toEqual({ shown: '^Cx\r\n', lines: ['x\n'], signals: [2] });
    expect(typed('\x1c\x1a').signals).toEqual([3, 20]);
  });

  it('holds output between ^S and ^Q', () => {
    const terminal = new Terminal(0, { signal: () => {} });
    terminal.type(Uint8Array.of(0x13));
    expect([terminal.outputRoom, terminal.stopped]).toEqual([0, true]);
    terminal.type(Uint8Array.of(0x11));
    terminal.write(Buffer.from('a\nb'));
    expect(Buffer.from(terminal.takeOutput(99)).toString()).toBe('a\r\nb');
  });
});

describe('/dev/ptmx and /dev/pts', () => {
  const open = (b: SyscallBench, path: string, flags: number = O.RDWR) => b.call('open', b.text(path), flags, 0);

  it('are there while the master is open', () => {
    const b = new SyscallBench();
    const word = b.room(16);
    expect(open(b, '/dev/tty')).toBe('ENXIO');
    const master = open(b, '/dev/ptmx', O.RDWR | O.NOCTTY) as number;
    const second = open(b, '/dev/ptmx') as number;
    for (const [fd, number] of [
      [master, 0],
      [second, 1],
    ] as const) {
      expect(b.call('ioctl', fd, T.TIOCGPTN, word)).toBe(0);
      expect(b.user.u32(word)).toBe(number);
    }
    expect(open(b, '/dev/pts/0')).toBe('EIO');
    b.user.setU32(word, 0);
    expect(b.call('ioctl', master, T.TIOCSPTLCK, word)).toBe(0);
    const slave = open(b, '/dev/pts/0', O.RDWR | O.NOCTTY) as number;
    expect(b.call('ioctl', slave, T.TIOCGPGRP, word)).toBe('ENOTTY');
    expect(b.call('ioctl', slave, T.TIOCGPTN, word)).toBe('ENOTTY');
    expect(b.call('ioctl', slave, T.TIOCGSID, word)).toBe('ENOTTY');
    expect(open(b, '/dev/tty')).toBe('ENXIO');
    expect(b.call('ioctl', slave, T.TIOCSCTTY, 0)).toBe(0);
    const tty = open(b, '/dev/tty') as number;
    expect(b.call('ioctl', tty, T.TIOCGPGRP, word)).toBe(0);
    expect(b.user.u32(word)).toBe(b.process.pid);
    expect(b.call('write', tty, b.text('a\n'), 2)).toBe(2);
    expect(b.readText(master)).toBe('a\r\n');
    expect(b.call('fcntl', master, 4, O.NONBLOCK)).toBe(0);
    expect(b.readText(master)).toBe('EAGAIN');
    expect(b.call('write', master, b.text('line\nmore'), 9)).toBe(9);
    expect(b.call('ioctl', slave, 0x541b, word)).toBe(0);
    expect(b.user.u32(word)).toBe(5);
    expect(b.readText(slave)).toBe('line\n');
    expect(b.call('ioctl', slave, T.TCGETS, word)).toBe(0);
    expect(b.call('ioctl', slave, T.TIOCNOTTY, 0)).toBe(0);
  });

  it('end with the master', () => {
    const b = new SyscallBench();
    const master = open(b, '/dev/ptmx') as number;
    b.call('ioctl', master, T.TIOCSPTLCK, b.words(0));
    const slave = open(b, '/dev/pts/0', O.RDWR | O.NOCTTY) as number;
    expect(b.call('close', master)).toBe(0);
    expect(b.readText(slave)).toBe('');
    expect(b.call('write', slave, b.text('x'), 1)).toBe('EIO');
    expect(b.call('ioctl', slave, T.TCGETS, b.room(64))).toBe('EIO');
    expect(open(b, '/dev/pts/0')).toBe('ENOENT');
  });

  it('give the master an error when the last slave is closed', () => {
    const b = new SyscallBench();
    const master = open(b, '/dev/ptmx') as number;
    b.call('ioctl', master, T.TIOCSPTLCK, b.words(0));
    const slave = b.call('ioctl', master, T.TIOCGPTPEER, O.RDWR | O.NOCTTY) as number;
    b.call('write', slave, b.text('x'), 1);
    b.call('close', slave);
    expect(b.readText(master)).toBe('x');
    expect(b.readText(master)).toBe('EIO');
  });
});
