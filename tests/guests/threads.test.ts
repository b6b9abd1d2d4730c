import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { signalName } from '../../src/kernel/signals/numbers.ts';
import { Seeded } from '../../src/machine/system/scheduler.ts';
import { runProgram } from '../support/run-program.ts';

const onLinux = process.platform === 'linux' && process.arch === 'x64';
const has = (tool: string): boolean => onLinux && spawnSync(tool, ['--version']).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'threads-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A program of tests/guests/programs, built statically against the host's C library. */
function build(compiler: string, source: string, ...flags: string[]): string {
  const out = join(folder, `${source}-${compiler}`);
  execFileSync(compiler, [
    '-O2',
    '-w',
    '-static',
    '-pthread',
    ...flags,
    '-o',
    out,
    join(import.meta.dirname, 'programs', source),
  ]);
  return out;
}

interface Native {
  readonly stdout: string;
  readonly end: string;
}

function native(program: string): Native {
  const { stdout, status, signal } = spawnSync(program, { encoding: 'utf8' });
  return { stdout, end: signal ?? String(status) };
}

/** The same by the emulator, on so many CPUs; a seed makes time slices random. */
function emulated(program: string, cpus: number, seed: number): Native {
  const scheduler = seed === 0 ? {} : { scheduler: new Seeded(seed, 500), seed };
  const run = runProgram(program, [], { cpus, ...scheduler, limits: { instructions: 2e9 } });
  const { end } = run;
  const text = end.kind === 'exited' ? String(end.status) : end.kind === 'killed' ? signalName(end.signal) : end.kind;
  return { stdout: run.output, end: text };
}

const PROGRAMS: readonly [source: string, compiler: string][] = [
  ['pthreads.c', 'gcc'],
  ['processes.c', 'gcc'],
  ['processes.c', 'musl-gcc'],
  ['signals.c', 'gcc'],
  ['events.c', 'gcc'],
  ['sockets.c', 'gcc'],
  ['vdso.c', 'gcc'],
  ['vdso.c', 'musl-gcc'],
  ['exceptions.cpp', 'g++'],
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
