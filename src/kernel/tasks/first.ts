import type { ElfImage } from '../../elf/image.ts';
import { credentials } from '../credentials.ts';
import { SysError } from '../errno.ts';
import { type Interpreter, load, RANDOM_BYTES, setEntryRegisters } from '../exec.ts';
import { Directory } from '../fs/inode.ts';
import { baseName } from '../fs/open.ts';
import { resolve } from '../fs/resolve.ts';
import { type Stdio, StdioFile } from '../fs/stdio.ts';
import type { Kernel } from '../kernel.ts';
import { type PathState, Process } from '../process.ts';
import { type Console, ConsoleLink } from '../tty/console.ts';
import { interpreterFor } from './execve.ts';

/** The interpreter of the first program is not there: one line that says which. */
export class NoInterpreter extends Error {
  override readonly name = 'NoInterpreter';
  /** Path that the program asks for. */
  readonly path: string;

  constructor(path: string) {
    super(`this program is dynamic, and its interpreter ${path} cannot be executed`);
    this.path = path;
  }
}

export interface FirstProgram {
  readonly image: ElfImage;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Absolute path inside the guest; it is put there unless something stands there. */
  readonly path: string;
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly stdio: Stdio;
  /** A terminal in place of the three streams. */
  readonly console: Console | null;
}

/**
 * Makes the first process, ready to run at its entry.
 * @throws ElfError when the image does not fit, NoInterpreter, SysError E2BIG, OutOfMemory
 */
export function startFirst(kernel: Kernel, program: FirstProgram): Process {
  const { image, args, env, path, cwd, uid, gid, stdio, console } = program;
  const { root } = kernel.namespace;
  const anyone = { root, cwd: root, credentials: credentials(0, 0) };
  const directory = resolve(anyone, root, cwd, true).inode;
  const paths: PathState = { root, cwd: directory instanceof Directory ? directory : root, umask: 0o022 };
  const process = new Process(kernel, {
    pid: kernel.newPid(),
    parent: null,
    paths,
    credentials: credentials(uid, gid),
  });
  kernel.namespace.install(path, image.bytes);
  const file = resolve(anyone, root, path, true).inode;
  process.program = { ...process.program, path, file };
  if (file !== null) kernel.programs.remember(file, image);
  process.main.name = baseName(path).slice(0, 15);
  if (console !== null) {
    const { terminal, file } = kernel.terminals.attach(process);
    for (let fd = 0; fd < 3; fd++) process.fds.add(file);
    kernel.outside.link = new ConsoleLink(kernel, console, terminal);
  } else {
    const input = new StdioFile(stdio, 0);
    kernel.outside.input = input;
    for (const file of [input, new StdioFile(stdio, 1), new StdioFile(stdio, 2)]) process.fds.add(file);
  }
  const random = kernel.random.bytes(RANDOM_BYTES);
  const hwcap = kernel.machine.cpuid(1, 0)[3];
  const interpreter = interpreterOf(kernel, image, process);
  const { entry, rsp } = load(process, image, args, env, { path, hwcap, random, interpreter });
  setEntryRegisters(kernel.machine.cpu, kernel.rootOf(process.main), entry, rsp);
  return process;
}

function interpreterOf(kernel: Kernel, image: ElfImage, process: Process): Interpreter | null {
  try {
    return interpreterFor(kernel, image, process.paths);
  } catch (error) {
    if (error instanceof SysError) throw new NoInterpreter(image.interpreter!);
    throw error;
  }
}
