import { readImage } from '../../src/elf/image.ts';
import { errnoName } from '../../src/kernel/errno.ts';
import { Kernel, type KernelOptions } from '../../src/kernel/kernel.ts';
import { SYSCALLS } from '../../src/kernel/syscalls/table.ts';
import { encodeName } from '../../src/kernel/user-memory.ts';
import { Machine } from '../../src/machine/machine.ts';
import { elfFile } from './elf-file.ts';
import { TextStdio } from './run-program.ts';

const NUMBERS = new Map([...SYSCALLS.values()].map(({ name, number }) => [name, number]));
const ARGUMENTS = [7, 6, 2, 10, 8, 9];
const SCRATCH_SIZE = 1 << 20;

/** A process whose system calls are made by hand: registers are set, and the kernel does the call. */
export class SyscallBench {
  readonly machine: Machine;
  readonly kernel: Kernel;
  readonly stdio: TextStdio;
  readonly strace: string[] = [];
  readonly warnings: string[] = [];
  /** A megabyte of readable and writable memory, taken piece by piece by `text`, `bytes` and `room`. */
  readonly scratch: number;
  #next: number;

  constructor(
    options: KernelOptions & { readonly input?: string; readonly memory?: number; readonly cpu?: string } = {},
  ) {
    this.machine = new Machine({ syscall: true, memory: options.memory ?? 16 << 20, cpu: options.cpu ?? 'default' });
    this.stdio = new TextStdio(options.input);
    this.kernel = new Kernel(this.machine, {
      stdio: this.stdio,
      strace: (line) => this.strace.push(line),
      warn: (line) => this.warnings.push(line),
      ...options,
    });
    this.kernel.exec(readImage(elfFile()), ['test'], ['A=1']);
    this.scratch = this.call('mmap', 0, SCRATCH_SIZE, 3, 0x22, -1, 0) as number;
    this.#next = this.scratch;
  }

  get process() {
    return this.kernel.process!;
  }
  get user() {
    return this.process.user;
  }

  /** The result of a system call; an error as its name. */
  call(name: string, ...args: (number | bigint)[]): number | string {
    const number = NUMBERS.get(name);
    if (number === undefined) throw new Error(`no row for ${name}`);
    return this.number(number, ...args);
  }

  /** The same by number. */
  number(number: number, ...args: (number | bigint)[]): number | string {
    const { cpu } = this.machine;
    cpu.setGpr(0, BigInt(number));
    ARGUMENTS.forEach((register, index) => {
      cpu.setGpr(register, BigInt.asUintN(64, BigInt(args[index] ?? 0)));
    });
    this.kernel.syscall();
    const result = Number(BigInt.asIntN(64, cpu.gpr(0)));
    return result < 0 && result > -4096 ? errnoName(-result) : result;
  }

  /** Room for `size` bytes, zeroed, 16-aligned. */
  room(size: number): number {
    const at = this.#next;
    this.#next += (size + 15) & ~15;
    if (this.#next > this.scratch + SCRATCH_SIZE) throw new Error('scratch memory is used up');
    return at;
  }

  /** Where the next piece of scratch memory would be; `reset` gives back what was taken since. */
  mark(): number {
    return this.#next;
  }
  reset(mark: number): void {
    this.#next = mark;
  }

  bytes(bytes: Uint8Array): number {
    const at = this.room(bytes.length);
    this.user.write(at, bytes);
    return at;
  }

  /** A zero-terminated string. */
  text(text: string): number {
    return this.bytes(encodeName(`${text}\0`));
  }

  /** 64-bit words. */
  words(...values: (number | bigint)[]): number {
    return this.bytes(new Uint8Array(BigUint64Array.from(values, (v) => BigInt.asUintN(64, BigInt(v))).buffer));
  }

  /** What read(2) gives from a descriptor, as text. */
  readText(fd: number, length = 65536): string {
    const at = this.room(length);
    this.#next = at;
    const got = this.call('read', fd, at, length);
    if (typeof got === 'string') return got;
    return Buffer.from(this.user.read(at, got)).toString();
  }

  /** The whole of a file, or the error of opening it. */
  contents(path: string): string {
    const fd = this.call('open', this.text(path), 0, 0);
    if (typeof fd === 'string') return fd;
    const text = this.readText(fd);
    this.call('close', fd);
    return text;
  }
}
