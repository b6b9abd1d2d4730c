import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { signalName } from '../../src/kernel/signals/numbers.ts';
import { Seeded } from '../../src/machine/system/scheduler.ts';
import { runProgram } from '../support/run-program.ts';
import { guestPath } from './expected.ts';

const onLinux = process.platform === 'linux' && process.arch === 'x64';
const has = (tool: string): boolean => onLinux && spawnSync(tool, ['--version']).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'threads-'));
afterAll(() => rmSync(folder, { recursive: true }));

const C_FLAGS = ['-O2', '-w', '-static', '-pthread'];
const RUST_FLAGS = ['-O', '-C', 'target-feature=+crt-static'];

/** A program of tests/guests/programs, built statically against the host's libraries. */
function build(compiler: string, source: string): string {
  const out = join(folder, `${source}-${compiler}`);
  const flags = compiler === 'rustc' ? RUST_FLAGS : C_FLAGS;
  execFileSync(compiler, [...flags, '-o', out, join(import.meta.dirname, 'programs', source)], { stdio: 'ignore' });
  return out;
}

interface Native {
  readonly stdout: string;
  readonly end: string;
}

/** What it prints, what the emulator shows as one stream too, and how it ends. */
function native(program: string): Native {
  const { stdout, status, signal } = spawnSync('sh', ['-c', 'exec "$0" 2>/dev/null', program], { encoding: 'utf8' });
  return { stdout, end: signal ?? String(status) };
}

/** The same by the emulator, on so many CPUs; a seed makes time slices random. */
function emulated(program: string, cpus: number, seed: number): Native {
  const scheduler = seed === 0 ? {} : { scheduler: new Seeded(seed, 500), seed };
  const run = runProgram(program, [], { cpus, ...scheduler, limits: { instructions: 2e9 } });
  const { end } = run;
  const text = end.kind === 'exited' ? String(end.status) : end.kind === 'killed' ? signalName(end.signal) : end.kind;
  return { stdout: run.stdout, end: text };
}

const PROGRAMS: readonly [source: string, compiler: string][] = [
  ['pthreads.c', 'gcc'],
  ['processes.c', 'gcc'],
  ['processes.c', 'musl-gcc'],
  ['signals.c', 'gcc'],
  ['float-signals.c', 'gcc'],
  ['events.c', 'gcc'],
  ['sockets.c', 'gcc'],
  ['pty.c', 'gcc'],
  ['calls.c', 'gcc'],
  ['locks.c', 'gcc'],
  ['vdso.c', 'gcc'],
  ['vdso.c', 'musl-gcc'],
  ['exceptions.cpp', 'g++'],
  ['threads.rs', 'rustc'],
];

describe('programs of several threads and processes do what they do natively', () => {
  for (const [source, compiler] of PROGRAMS)
    it.skipIf(!has(compiler))(`${source} by ${compiler}`, { timeout: 120_000 }, () => {
      const program = build(compiler, source);
      const wanted = native(program);
      for (const [cpus, seed] of [
        [1, 0],
        [4, 0],
        [4, 7],
        [2, 8],
      ] as const)
        expect({ cpus, seed, ...emulated(program, cpus, seed) }).toEqual({ cpus, seed, ...wanted });
    });
});

describe('a program of Go, which preempts its goroutines by signals', () => {
  it('does what it does natively, on one CPU and on four', { timeout: 120_000 }, () => {
    const stdout = 'sum 138600 msgs 16\n1249999975000000\n49 true\n';
    for (const [cpus, seed] of [
      [1, 0],
      [4, 3],
    ] as const)
      expect(emulated(guestPath('user/goroutines'), cpus, seed)).toEqual({ stdout, end: '0' });
  });
});
