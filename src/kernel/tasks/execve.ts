import { EHDR_SIZE } from '../../elf/format.ts';
import type { ElfImage } from '../../elf/image.ts';
import { ACCESS } from '../credentials.ts';
import { E, fail } from '../errno.ts';
import { type Interpreter, load, RANDOM_BYTES, setEntryRegisters } from '../exec.ts';
import { type Inode, RegularInode } from '../fs/inode.ts';
import { type PathContext, requireAccess, resolveExisting } from '../fs/resolve.ts';
import type { Kernel } from '../kernel.ts';
import { SIG } from '../signals/numbers.ts';
import type { Task } from '../task.ts';
import { encodeName } from '../user-memory.ts';

/** Bytes of a file that decide how it is executed (BINPRM_BUF_SIZE). */
const HEAD = 256;
/** How often an interpreter may itself be a script. */
const MOST_INTERPRETERS = 5;
const NAME_LENGTH = 15;

/** `#!interpreter argument` of a script; null when it is none. */
function interpreterOf(bytes: Uint8Array): { readonly path: string; readonly argument: string | null } | null {
  if (bytes[0] !== 0x23 || bytes[1] !== 0x21) return null;
  const line = Buffer.from(bytes.subarray(2, HEAD)).toString('latin1').split('\n')[0]!.trim();
  const [, path, argument] = /^(\S+)(?:[ \t]+(.*))?$/.exec(line) ?? fail(E.ENOEXEC);
  return { path: path!, argument: argument ?? null };
}

/** Whether a process of the guest has a file open for writing. */
function isWritten(kernel: Kernel, inode: RegularInode): boolean {
  const { dev, ino } = inode.attributes();
  const same = (other: Inode | null): boolean => {
    if (!(other instanceof RegularInode) || other.dev !== dev) return false;
    return other === inode || other.attributes().ino === ino;
  };
  for (const { fds } of kernel.processes.values())
    for (const fd of fds.numbers()) {
      const file = fds.get(fd);
      if (file.writable && same(file.inode)) return true;
    }
  return false;
}

/** A program to execute, with the arguments that it will see. */
export interface Executable {
  readonly inode: Inode;
  readonly path: string;
  readonly image: ElfImage;
  readonly interpreter: Interpreter | null;
  readonly args: readonly string[];
}

/**
 * What loads a dynamic program, as its file names it; null for a static one.
 * @throws SysError ENOENT, EACCES …; ELIBBAD when it is no program, EIO when it is too short for one
 */
export function interpreterFor(kernel: Kernel, image: ElfImage, context: PathContext): Interpreter | null {
  const path = image.interpreter;
  if (path === null) return null;
  const file = resolveExisting(context, context.cwd, path, true);
  if (!(file instanceof RegularInode)) return fail(E.EACCES);
  requireAccess(file, ACCESS.EXEC, context.credentials);
  const { bytes, image: loader } = kernel.programs.read(file);
  return { path, file, image: loader ?? fail(bytes.length < EHDR_SIZE ? E.EIO : E.ELIBBAD) };
}

/**
 * Finds what a path executes: an ELF, or a script's interpreter.
 * @throws SysError ENOENT, EACCES, ENOEXEC, ELOOP …
 */
export function executableAt(task: Task, found: Inode, path: string, args: readonly string[]): Executable {
  let inode = found;
  let name = path;
  let argv = args;
  for (let depth = 0; ; depth++) {
    if (inode.isDirectory || !(inode instanceof RegularInode)) return fail(E.EACCES);
    requireAccess(inode, ACCESS.EXEC, task.process.credentials);
    if (isWritten(task.kernel, inode)) fail(E.ETXTBSY);
    const { bytes, image } = task.kernel.programs.read(inode);
    const script = interpreterOf(bytes);
    if (script === null) {
      if (image === null) return fail(E.ENOEXEC);
      const interpreter = interpreterFor(task.kernel, image, task.process.paths);
      return { inode, path: name, image, interpreter, args: argv };
    }
    if (depth >= MOST_INTERPRETERS) fail(E.ELOOP);
    argv = [script.path, ...(script.argument === null ? [] : [script.argument]), name, ...argv.slice(1)];
    name = script.path;
    inode = resolveExisting(task.process.paths, task.process.cwd, name, true);
  }
}

/**
 * execve(2) behind the point of no return: the other threads end, and the thread goes on in the new program. Its registers are
 * loaded.
 */
export function execute(task: Task, executable: Executable, env: readonly string[]): void {
  const { inode, path, image, args, interpreter } = executable;
  const { process, kernel } = task;
  kernel.endOtherThreads(task);
  // The word of set_tid_address belongs to the old memory.
  task.clearTid = 0;
  task.robustList = 0;
  task.rseq = null;
  task.rseqEvents = 0;
  task.altStack = { base: 0, size: 0, flags: 0 };
  task.savedMask = null;
  process.setSpace(process.newSpace());
  process.borrowsSpace = false;
  process.hasExecuted = true;
  if (process.fds.shared) {
    const own = process.fds.copy();
    process.fds.release();
    process.fds = own;
  }
  process.fds.closeForExec();
  process.actions = process.actions.afterExec();
  process.timers.deletePosix();
  process.barriers = 0;
  process.permittedStates = 0n;
  process.exitSignal = SIG.CHLD;
  process.program = { ...process.program, path, file: inode };
  task.name = (path.split('/').pop() ?? '').slice(0, NAME_LENGTH);
  const hwcap = kernel.machine.cpuid(1, 0)[3];
  const random = kernel.random.bytes(RANDOM_BYTES);
  const { entry, rsp } = load(process, image, args, env, { path, hwcap, random, interpreter });
  setEntryRegisters(kernel.machine.cpu, kernel.rootOf(task), entry, rsp);
  kernel.machine.flushTlb();
  kernel.changed = true;
}

/** Bytes of arguments and environment, as Linux counts them against its limit. */
export const vectorBytes = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + encodeName(text).length + 1 + 8, 0);
