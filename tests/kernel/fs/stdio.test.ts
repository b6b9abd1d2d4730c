import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HostStdio } from '../../../src/kernel/fs/stdio.ts';
import { SyscallBench } from '../../support/syscalls.ts';

const { O_RDONLY, O_RDWR, O_WRONLY, O_NONBLOCK } = fs.constants;

describe('standard streams', () => {
  it('come from and go to the host', () => {
    const folder = fs.mkdtempSync(join(tmpdir(), 'stdio-'));
    fs.writeFileSync(join(folder, 'in'), 'input');
    const input = fs.openSync(join(folder, 'in'), O_RDONLY);
    const output = fs.openSync(join(folder, 'out'), 'w');
    const b = new SyscallBench({ stdio: new HostStdio([input, output, output]) });
    expect(b.readText(0, 3)).toBe('inp');
    expect(b.readText(0)).toBe('ut');
    expect(b.readText(0)).toBe('');
    expect(b.call('write', 1, b.text('one '), 4)).toBe(4);
    expect(b.call('write', 2, b.text('two'), 3)).toBe(3);
    expect(fs.readFileSync(join(folder, 'out'), 'utf8')).toBe('one two');
    fs.closeSync(input);
    fs.closeSync(output);
    fs.rmSync(folder, { recursive: true });
  });

  it('report a reader that has gone with EPIPE and SIGPIPE', () => {
    const folder = fs.mkdtempSync(join(tmpdir(), 'stdio-'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const reader = fs.openSync(join(folder, 'pipe'), O_RDONLY | O_NONBLOCK);
    const writer = fs.openSync(join(folder, 'pipe'), O_WRONLY);
    fs.closeSync(reader);
    const stdio = new HostStdio([0, writer, 2]);
    const killed = new SyscallBench({ stdio });
    killed.call('write', 1, killed.text('x'), 1);
    expect(killed.process.end).toMatchObject({ kind: 'killed', signal: 13 });
    const told = new SyscallBench({ stdio });
    told.call('rt_sigaction', 13, told.words(1, 0, 0, 0), 0, 8);
    expect(told.call('write', 1, told.text('x'), 1)).toBe('EPIPE');
    fs.closeSync(writer);
    fs.rmSync(folder, { recursive: true });
  });

  it('wait for a non-blocking stream of the host that is not ready', () => {
    const folder = fs.mkdtempSync(join(tmpdir(), 'stdio-'));
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const both = fs.openSync(path, O_RDWR | O_NONBLOCK);
    execFileSync('sh', ['-c', `(sleep 0.2; printf late > ${path}) >/dev/null 2>&1 &`]);
    expect(Buffer.from(new HostStdio([both, 1, 2]).read(100)).toString()).toBe('late');
    fs.closeSync(both);
    fs.rmSync(folder, { recursive: true });
  });

  it('are no terminals, and look the same everywhere', () => {
    const b = new SyscallBench();
    const out = b.room(144);
    for (const fd of [0, 1, 2]) {
      expect(b.call('ioctl', fd, 0x5401, out)).toBe('ENOTTY');
      expect(b.call('ioctl', fd, 0x5413, out)).toBe('ENOTTY');
      expect(b.call('fstat', fd, out)).toBe(0);
      expect(b.user.u32(out + 24)).toBe(0o010600);
      expect(b.call('lseek', fd, 0, 1)).toBe('ESPIPE');
    }
    expect(b.call('read', 1, out, 1)).toBe('EBADF');
    expect(b.call('write', 0, out, 1)).toBe('EBADF');
  });
});
