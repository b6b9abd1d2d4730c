import { fileURLToPath } from 'node:url';
import { milliseconds as now } from '../../bits/clock.ts';
import { describeEnd } from '../../kernel/end.ts';
import type { Stdio } from '../../kernel/fs/stdio.ts';
import { readFile } from '../files.ts';
import { Output } from '../output.ts';
import { STATUS } from '../status.ts';
import { type Paint, painter } from '../style.ts';
import { readProgram, Session } from '../user/session.ts';
import { AFTER_ADDRESS, AFTER_EXIT, BEFORE_ADDRESS, BEFORE_EXIT, type Variant } from './exit-work.ts';
import { perCpuLines } from './per-cpu.ts';

const SHOWN_LINES = 3;
const MEMORY = 64 << 20;

/** Standard streams that keep what a program writes. */
class Captured implements Stdio {
  readonly #parts: Uint8Array[] = [];

  read(): Uint8Array {
    return new Uint8Array(0);
  }
  write(_stream: 1 | 2, bytes: Uint8Array): number {
    this.#parts.push(bytes.slice());
    return bytes.length;
  }
  get lines(): string[] {
    return Buffer.concat(this.#parts).toString('utf8').replace(/\n$/, '').split('\n');
  }
}

/** A program run before the reader's eyes: the command, what it printed, what it took. */
function runLines(folder: URL, name: string, paint: Paint): string[] {
  const path = `guest/user/${name}`;
  const program = readProgram(fileURLToPath(new URL(path, folder)), [], {
    engine: 'interpreter',
    argv0: path,
    memory: MEMORY,
    seed: 0,
    cpu: 'default',
  });
  const stdio = new Captured();
  const session = new Session(program, { stdio });
  const start = now();
  const end = session.run();
  const milliseconds = now() - start;
  const { lines } = stdio;
  const more = lines.length - SHOWN_LINES;
  return [
    paint('bold', `swapgs run ${path}`),
    ...lines.slice(0, SHOWN_LINES).map((line) => `  ${line}`),
    ...(more > 0 ? [`  … and ${more} more lines`] : []),
    `  ${paint('dim', `${describeEnd(end)}, ${session.machine.cpu.icount} instructions in ${milliseconds.toFixed(0)} ms`)}`,
  ];
}

/** `swapgs demo`. @param folder the package's. Returns the exit status. */
export function demo(folder: URL): number {
  const out = new Output(1);
  const paint = painter(1);
  const variant = (name: string, address: bigint, exit: number): Variant => ({
    address,
    bytes: readFile(fileURLToPath(new URL(`guest/bare/${name}.bin`, folder))),
    exit,
  });
  const before = variant('syscall_exit_work_a', BEFORE_ADDRESS, BEFORE_EXIT);
  const after = variant('syscall_exit_work_b', AFTER_ADDRESS, AFTER_EXIT);
  for (const line of perCpuLines(before, after, paint)) out.line(line);
  out.line(`\n${paint('bold', 'And whole programs, static Linux binaries as a compiler made them')}`);
  out.flush();
  for (const name of ['hello', 'floats']) {
    out.line('');
    for (const line of runLines(folder, name, paint)) out.line(line);
    out.flush();
  }
  return STATUS.ok;
}
