import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { guestPath } from '../guests/expected.ts';
import { swapgs } from '../support/cli.ts';
import { elfFile } from '../support/elf-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'swapgs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const user = (name: string): string => guestPath(`user/${name}`);

describe('swapgs run', () => {
  it('passes output and status on, and says nothing of its own', () => {
    expect(swapgs(['run', user('hello')])).toEqual({ status: 0, stdout: 'hello, world\n', stderr: '' });
    expect(swapgs(['run', user('status'), '42'])).toMatchObject({ status: 42, stderr: '' });
  });

  it('leaves options behind the program to the program', () => {
    const done = swapgs(['run', '--argv0', 'me', '--env-clear', '--env', 'K=V', user('environ'), '--memory', '-x']);
    expect(done.status).toBe(0);
    const lines = done.stdout.split('\n');
    expect(lines.slice(0, 3)).toEqual(['argv[0] me', 'argv[1] --memory', 'argv[2] -x']);
    expect(done.stdout).toContain('K=V');
    expect(done.stdout).not.toContain('HOME');
  });

  it('gives the program a fixed environment and the same run every time', () => {
    const once = swapgs(['run', '--stats', user('environ')]);
    const again = swapgs(['run', '--stats', user('environ')], { env: { ...process.env, HOME: '/elsewhere', X: '1' } });
    expect(once.stdout).toContain('HOME=/root');
    expect(again.stdout).toBe(once.stdout);
    const instructions = (text: string): string | undefined => /^swapgs: (\d+) instructions, /m.exec(text)?.[1];
    expect(instructions(once.stderr)).toBeDefined();
    expect(instructions(again.stderr)).toBe(instructions(once.stderr));
  });

  it('prints system calls', () => {
    const { stderr, stdout } = swapgs(['run', '--strace', user('hello')]);
    expect(stdout).toBe('hello, world\n');
    expect(stderr).toMatch(/writev\(1, .*"hello, world".*\) += 13\n/);
    expect(stderr).toMatch(/\+\+\+ exited with 0 \+\+\+\n$/);
  });

  it('runs on both engines alike', () => {
    const run = (engine: string) => swapgs(['run', '--engine', engine, '--stats', user('status'), '3']);
    const [fast, exact] = [run('interpreter'), run('reference')];
    expect(exact.status).toBe(fast.status);
    expect(exact.stderr.split(',')[0]).toBe(fast.stderr.split(',')[0]);
  });

  it('lets a program into a directory, and not write where it may only read', () => {
    writeFileSync(join(folder, 'given'), 'text');
    const write = swapgs(['run', '--dir', `${folder}=/work`, user('files'), '/work']);
    expect(write.status).toBe(0);
    expect(readFileSync(join(folder, 'given'), 'utf8')).toBe('text');
    const refused = swapgs(['run', '--dir', `${folder}=/work:ro`, '--strace', user('files'), '/work']);
    expect(refused.stderr).toContain('EROFS (Read-only file system)');
    expect(refused.status).not.toBe(0);
  });

  it('reads what comes from standard input', () => {
    // read(0, rsp-64, 64); write(1, rsp-64, rax); exit(0)
    const code = '31c031ff488d7424c0ba400000000f054889c2b801000000bf010000000f0531ffb83c0000000f05';
    const cat = join(folder, 'cat');
    writeFileSync(cat, elfFile({ body: Uint8Array.from(Buffer.from(code, 'hex')) }));
    expect(swapgs(['run', cat], { input: 'some text' })).toMatchObject({ status: 0, stdout: 'some text' });
  });
});

describe('a program that dies', () => {
  it.each([
    ['null-read', 139, 'SIGSEGV (Segmentation fault): #PF error 0x4 (read, CPL 3, page not present) at address 0x0'],
    ['divide', 136, 'SIGFPE (Floating point exception): #DE: the divisor is 0'],
    ['ud2', 132, 'SIGILL (Illegal instruction): #UD: ud2 is there to raise #UD'],
    ['int3', 133, 'SIGTRAP (Trace/breakpoint trap): #BP: a breakpoint (INT3)'],
    ['misaligned', 139, 'is not aligned to 16 bytes'],
    ['noncanonical', 139, 'is not canonical'],
    ['hlt', 139, 'hlt needs CPL 0, this is CPL 3'],
    ['jump-null', 139, 'instruction fetch'],
    ['jump-data', 139, 'XD is set in PTE'],
    ['write-rodata', 139, 'the page is not writable: W is clear in PTE'],
    ['stack', 139, 'write, CPL 3, page not present'],
  ])('of %s is explained', (kind, status, words) => {
    const done = swapgs(['run', user('fault'), kind]);
    expect(done.stderr).toContain(words);
    expect(done.stderr).toMatch(/^swapgs: killed by /);
    expect(done.stderr).toContain('last 8 instructions');
    expect(done.stderr).not.toContain(' at file:');
    expect(done.status).toBe(status);
  });

  it('shows the instructions that led there, with what they did', () => {
    const { stderr } = swapgs(['run', user('fault'), 'divide']);
    const last = stderr.split('last 8 instructions\n')[1]!.trimEnd().split('\n');
    expect(last).toHaveLength(8);
    expect(last[7]).toMatch(/xor +%ecx,%ecx +rcx=0x0/);
  });

  it('is explained as JSON when that is asked for', () => {
    const done = swapgs(['run', '--explain', 'json', user('fault'), 'null-write']);
    const found = JSON.parse(done.stderr);
    expect(found).toMatchObject({ signal: 'SIGSEGV', exception: '#PF', errorCode: 6 });
    expect(found.last).toHaveLength(8);
    expect(found.last[7].n).toBe(found.icount);
  });

  it('is only named when that is enough', () => {
    const done = swapgs(['run', '--explain', 'none', user('fault'), 'null-read']);
    expect(done.stderr).toMatch(/^swapgs: killed by SIGSEGV [^\n]*\n$/);
    const abort = swapgs(['run', user('abort')]);
    expect(abort.stderr).toMatch(/^swapgs: killed by SIGABRT \(Aborted\): at 0x\w+\n$/);
    expect(abort.status).toBe(134);
  });

  it('does not repeat what cannot be repeated', () => {
    const time = swapgs(['run', '--host-time', user('fault'), 'divide']);
    expect(time.stderr).toContain('last instructions: not available: with --host-time');
    const grant = swapgs(['run', '--dir', `${folder}=/work`, user('fault'), 'divide']);
    expect(grant.stderr).toContain('last instructions: not available: a repetition would write');
  });

  it('repeats what was read from standard input', () => {
    // read(0, rsp-64, 64); mov rax,(rax): the address is the number of bytes that came
    const code = '31c031ff488d7424c0ba400000000f05488900';
    const path = join(folder, 'die');
    writeFileSync(path, elfFile({ body: Uint8Array.from(Buffer.from(code, 'hex')) }));
    const done = swapgs(['run', path], { input: 'four' });
    expect(done.stderr).toContain('at address 0x4: ');
    expect(done.stderr).toMatch(/syscall +rax=0x4 /);
  });
});

describe('what is not implemented', () => {
  it('ends with its mnemonic, bytes and place', () => {
    // push $0x23; push $0x400009; lretq; then, in compatibility mode, mov $frame,%esp; iret; and the frame: EIP, CS, EFLAGS
    const path = join(folder, 'iret');
    writeFileSync(
      path,
      elfFile({ body: Uint8Array.from(Buffer.from('6a23680900400048cbbc0f004000cf000000002300000002020000', 'hex')) }),
    );
    const done = swapgs(['run', path]);
    expect(done.stderr).toBe('swapgs: not implemented: instruction iret (cf): at 0x40000e\n');
    expect(done.status).toBe(126);
  });
});

describe('help', () => {
  it.each(['run', 'trace', 'disasm', 'demo', 'record', 'report'])(
    'of %s has an example and the exit statuses',
    (command) => {
      const { status, stdout, stderr } = swapgs([command, '--help']);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toContain(`Usage: swapgs ${command}`);
      expect(stdout).toContain(`Examples:\n  swapgs ${command}`);
      expect(stdout).toContain('Exit status:');
    },
  );

  it('lists the commands, and the version', () => {
    const { status, stdout } = swapgs(['--help']);
    expect(status).toBe(0);
    for (const command of ['run', 'trace', 'disasm', 'demo', 'record', 'report'])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(swapgs(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
