import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One instruction on the host CPU, before or after: the record of `fxrun.c`. */
export interface HostCase {
  /** FXSAVE image, 512 bytes. */
  image: Uint8Array;
  code: readonly number[];
  rax: bigint;
  rflags: bigint;
  /** What the instruction finds at [rdi], 128 bytes. */
  memory: Uint8Array;
  /** Signal that ended it, afterwards. */
  signal: number;
}

const RECORD = 688;
const CODE = 512;
const RAX = 528;
const RFLAGS = 536;
const LENGTH = 544;
const SIGNAL = 552;
const MEMORY = 560;

let binary: string | undefined;

/** Whether instructions can be run here: an x86-64 Linux host with a C compiler. */
export function hostAvailable(): boolean {
  return process.arch === 'x64' && process.platform === 'linux' && existsSync('/usr/bin/gcc');
}

function compiled(): string {
  if (!binary) {
    binary = join(mkdtempSync(join(tmpdir(), 'fxrun-')), 'fxrun');
    const source = fileURLToPath(new URL('./fxrun.c', import.meta.url));
    execFileSync('gcc', ['-O1', '-mno-red-zone', source, '-o', binary]);
  }
  return binary;
}

/** Runs every case on the host CPU and returns the states afterwards, in order. */
export function runOnHost(cases: readonly HostCase[]): HostCase[] {
  const input = new Uint8Array(RECORD * cases.length);
  const view = new DataView(input.buffer);
  cases.forEach((one, i) => {
    const at = i * RECORD;
    input.set(one.image, at);
    input.set(one.code, at + CODE);
    view.setBigUint64(at + RAX, one.rax, true);
    view.setBigUint64(at + RFLAGS, one.rflags, true);
    view.setBigUint64(at + LENGTH, BigInt(one.code.length), true);
    input.set(one.memory, at + MEMORY);
  });
  const { stdout } = spawnSync(compiled(), { input, maxBuffer: input.length + RECORD });
  if (stdout.length !== input.length)
    throw new Error(`the host ran ${stdout.length / RECORD} of ${cases.length} cases`);
  const out = new DataView(stdout.buffer, stdout.byteOffset, stdout.length);
  return cases.map((one, i) => {
    const at = i * RECORD;
    return {
      image: stdout.subarray(at, at + 512),
      code: one.code,
      rax: out.getBigUint64(at + RAX, true),
      rflags: out.getBigUint64(at + RFLAGS, true),
      memory: stdout.subarray(at + MEMORY, at + RECORD),
      signal: Number(out.getBigUint64(at + SIGNAL, true)),
    };
  });
}
