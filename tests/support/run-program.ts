import { readFileSync } from 'node:fs';
import { readImage } from '../../src/elf/image.ts';
import type { ProcessEnd } from '../../src/kernel/end.ts';
import type { Stdio } from '../../src/kernel/fs/stdio.ts';
import { Kernel, type KernelOptions, type RunLimits } from '../../src/kernel/kernel.ts';
import { Machine, type MachineOptions } from '../../src/machine/machine.ts';

/** Standard streams that keep what is written and read from a given text. */
export class TextStdio implements Stdio {
  readonly #out: Uint8Array[] = [];
  readonly #standard: Uint8Array[] = [];
  #input: Uint8Array;
  constructor(input = '') {
    this.#input = new TextEncoder().encode(input);
  }
  read(length: number): Uint8Array {
    const part = this.#input.subarray(0, length);
    this.#input = this.#input.subarray(length);
    return part;
  }
  write(stream: 1 | 2, bytes: Uint8Array): number {
    this.#out.push(bytes.slice());
    if (stream === 1) this.#standard.push(bytes.slice());
    return bytes.length;
  }
  /** Standard output alone. */
  get stdout(): string {
    return Buffer.concat(this.#standard).toString();
  }
  get text(): string {
    return Buffer.concat(this.#out).toString();
  }
}

export interface ProgramRun {
  readonly end: ProcessEnd;
  /** Standard output and error, in order. */
  readonly output: string;
  readonly stdout: string;
  readonly instructions: number;
  readonly strace: readonly string[];
}

/** Runs a static program on the real machine. */
export function runProgram(
  file: string,
  args: readonly string[] = [],
  options: KernelOptions & {
    readonly env?: Readonly<Record<string, string>>;
    readonly input?: string;
    readonly memory?: number;
    readonly machine?: MachineOptions;
    readonly limits?: RunLimits;
    readonly name?: string;
  } = {},
): ProgramRun {
  const machine = new Machine({ ...options.machine, syscall: true, memory: options.memory ?? 256 << 20 });
  const stdio = new TextStdio(options.input);
  const strace: string[] = [];
  const kernel = new Kernel(machine, { strace: (line) => strace.push(line), stdio, ...options });
  try {
    const env = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
    kernel.exec(readImage(readFileSync(file)), [options.name ?? file, ...args], env);
    const end = kernel.run(options.limits ?? { milliseconds: 60_000 });
    return { end, output: stdio.text, stdout: stdio.stdout, instructions: machine.cpu.icount, strace };
  } finally {
    kernel.close();
  }
}
