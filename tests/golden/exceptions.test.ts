import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { EngineName } from '../../src/exec/engine.ts';
import { guestPath } from '../guests/expected.ts';
import { runProgram } from '../support/run-program.ts';
import { EXCEPTIONS, STEPS } from './exceptions.ts';

/** Lines that Linux on an Intel CPU printed for a program like `guest/oracle/exceptions.c`. */
const table = (name: string): string[] =>
  readFileSync(new URL(name, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

const VMCALL = {
  why: 'measured inside a virtual machine, whose hypervisor took the call: here there is none, so it is #UD',
  line: `${'vmcall'.padEnd(40)} sig=4 code=2 addr=7ff7a8000100 trapno=6 err=0 rip=+0 cr2=0 RF=1`,
} as const;

/** Where the measured process had its vDSO: the landing pad that SYSENTER leads to lies in it. */
const MEASURED_VDSO = 0x7ff7_a800_b000n;
const CODE = 0x7ff7_a800_0100n;

/** RCX and RFLAGS that the measured program had before its code; the first instruction of a line may have changed the flags. */
function before(line: string): string {
  const [, rcx, flags] = /rcx0=(\d+) efl0=([0-9a-f]+)$/.exec(line)!;
  return `${rcx}|0x${(Number.parseInt(flags!, 16) & ~0x100).toString(16)}`;
}

const lowHalf = (address: bigint): bigint => BigInt.asUintN(32, address);

function withVdsoAt(vdso: bigint, line: string): string {
  const pad = lowHalf(MEASURED_VDSO) + 0x5e9n;
  const here = lowHalf(vdso) + 0x5e9n;
  return line.replaceAll(pad.toString(16), here.toString(16)).replace(`${pad - CODE}`, `${here - CODE}`);
}

describe.each(['interpreter', 'jit'] as const)('%s', (engine: EngineName) => {
  const exceptions = table('exc.txt');
  const steps = table('tf.txt');
  const input = [
    'vdso',
    ...EXCEPTIONS.map(({ name, at, bytes }) => `${name}|${at}|${bytes}`),
    ...STEPS.map(({ name, bytes }, i) => `${name}|tf|${bytes}|${before(steps[i]!)}`),
  ];
  const { end, stdout } = runProgram(guestPath('oracle/exceptions'), [], {
    input: `${input.join('\n')}\n`,
    machine: { engine, cpu: 'x86-64-v4', hotAfter: 1 },
  });
  const [vdso, ...lines] = stdout.trimEnd().split('\n');

  test('every line of the tables has its code, and the program comes to its end', () => {
    expect(end).toMatchObject({ kind: 'exited', status: 0 });
    expect(lines.length).toBe(exceptions.length + steps.length);
    expect(EXCEPTIONS.map(({ name }) => name)).toEqual(
      exceptions.map((line) => line.replace(/ +(sig=|returned).*/, '')),
    );
    expect(STEPS.map(({ name }) => name)).toEqual(steps.map((line) => line.replace(/ +code@.*/, '')));
  });

  const cases = EXCEPTIONS.map(({ name }, i) => [name, i] as const);
  test.each(cases.filter(([name]) => name !== 'vmcall'))('%s', (_, i) => {
    expect(lines[i]).toBe(withVdsoAt(BigInt(`0x${vdso!.split(' ')[1]}`), exceptions[i]!));
  });

  test(`vmcall, which cannot be had: ${VMCALL.why}`, () => expect(lines).toContain(VMCALL.line));

  test.each(STEPS.map(({ name }, i) => [name, i] as const))('single steps: %s', (_, i) => {
    expect(lines[exceptions.length + i]).toBe(steps[i]);
  });
});
