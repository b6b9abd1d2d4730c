import { ElfError } from '../elf/error.ts';
import { PHDR_SIZE } from '../elf/format.ts';
import { checkMappable, type ElfImage, type Segment } from '../elf/image.ts';
import type { CpuState } from '../state/cpu-state.ts';
import {
  CR0,
  CR3,
  CR4,
  EFER,
  FS_BASE,
  GS_BASE,
  LSTAR,
  VECTOR,
  VECTOR_STRIDE,
  X87_CW,
  X87_SW,
  X87_TW,
} from '../state/layout.ts';
import { FIXED_ONE, FLAG } from '../state/rflags.ts';
import { AT_AUX, CLOCK_TICKS, HWCAP2_FSGSBASE, RSEQ_ALIGN, RSEQ_FEATURE_SIZE, SIGNAL_FRAME_SIZE } from './auxv.ts';
import { E, fail } from './errno.ts';
import type { Inode } from './fs/inode.ts';
import { RLIMIT } from './limits.ts';
import type { Process } from './process.ts';
import { buildStack, type StackContents, stackSize } from './stack.ts';
import type { Backing } from './vm/backing.ts';
import { MAP, PROT } from './vm/flags.ts';
import { PAGE, PIE_BASE, pageDown, pageUp, STACK_EXPAND, STACK_TOP } from './vm/layout.ts';
import { resetTiles } from './xstate.ts';

/** Bytes that AT_RANDOM points at. */
export const RANDOM_BYTES = 16;
/** Selectors of a 64-bit user process under Linux. */
export const USER_CS = 0x33;
export const USER_SS = 0x2b;

// Control registers as Linux leaves them for user code, as far as the machine has the features.
const CR0_USER = 0x8005_0033n; // PG AM WP NE ET MP PE
const CR4_USER = 0x1_06a0n; // FSGSBASE OSXMMEXCPT OSFXSR PGE PAE
const EFER_USER = 0xd01n; // NXE LMA LME SCE
const RSP = 4;
const SELECTOR_CS = 1;
const SELECTOR_SS = 2;
const X87_CW_INITIAL = 0x37f;
const X87_TW_EMPTY = 0xffff;
const MXCSR_INITIAL = 0x1f80;

export interface ExecOptions {
  /** Absolute path of the program inside the guest. */
  readonly path: string;
  /** CPUID.1:EDX, which AT_HWCAP shows. */
  readonly hwcap: number;
  /** 16 bytes for AT_RANDOM. */
  readonly random: Uint8Array;
  /** What a dynamic program asks for to load it; null for a static one. */
  readonly interpreter: Interpreter | null;
}

/** The program that loads a dynamic one: it is mapped too, and runs first. */
export interface Interpreter {
  readonly path: string;
  readonly file: Inode;
  readonly image: ElfImage;
}

/**
 * How far an image is moved from where it is linked, and where it ends then.
 * @throws ElfError when it does not fit a user process
 */
export function placeImage(image: ElfImage): { readonly bias: bigint; readonly end: bigint } {
  checkMappable(image);
  const first = image.segments[0]!;
  const last = image.segments.at(-1)!;
  const base = BigInt(PIE_BASE) - (BigInt(PIE_BASE) % image.alignment);
  const bias = image.pie ? base - (first.address - (first.address % BigInt(PAGE))) : 0n;
  const end = last.address + last.memorySize + bias;
  if (first.address + bias < BigInt(PAGE) || end > BigInt(STACK_TOP) - (256n << 20n)) {
    throw new ElfError(
      `segments from 0x${first.address.toString(16)} to 0x${end.toString(16)} do not fit a user process; link it below 0x7fffefff0000`,
    );
  }
  return { bias, end };
}

/**
 * Loads a program into a fresh process: segments, heap, stack (Linux: load_elf_binary). Without address randomisation:
 * every address is a function of the file, the arguments and the environment.
 * @throws ElfError for an image that does not fit a user process, SysError E2BIG for too many arguments
 */
export function load(
  process: Process,
  image: ElfImage,
  args: readonly string[],
  env: readonly string[],
  options: ExecOptions,
): { entry: number; rsp: number } {
  const { bias, end } = placeImage(image);
  const backing = imageBacking(image, process, options.path, process.program.file);
  for (const segment of image.segments) mapSegment(process, segment, Number(bias), backing);
  process.space.startHeap(Number(end));
  const interpreter = options.interpreter === null ? null : mapInterpreter(process, options.interpreter);

  const entry = Number(image.entry + bias);
  const { uid, euid, gid, egid } = process.credentials;
  const headers = image.programHeaderAddress;
  const contents: StackContents = {
    args,
    env,
    path: options.path,
    random: options.random,
    auxv: [
      [AT_AUX.SYSINFO_EHDR, process.kernel.vdso.map(process.space)],
      [AT_AUX.MINSIGSTKSZ, SIGNAL_FRAME_SIZE],
      [AT_AUX.HWCAP, options.hwcap >>> 0],
      [AT_AUX.PAGESZ, PAGE],
      [AT_AUX.CLKTCK, CLOCK_TICKS],
      [AT_AUX.PHDR, headers === null ? 0 : Number(headers + bias)],
      [AT_AUX.PHENT, PHDR_SIZE],
      [AT_AUX.PHNUM, image.programHeaderCount],
      [AT_AUX.BASE, interpreter?.base ?? 0],
      [AT_AUX.FLAGS, 0],
      [AT_AUX.ENTRY, entry],
      [AT_AUX.UID, uid],
      [AT_AUX.EUID, euid],
      [AT_AUX.GID, gid],
      [AT_AUX.EGID, egid],
      [AT_AUX.SECURE, 0],
      [AT_AUX.RANDOM, 0],
      [AT_AUX.HWCAP2, HWCAP2_FSGSBASE],
      [AT_AUX.EXECFN, 0],
      [AT_AUX.PLATFORM, 0],
      [AT_AUX.RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE],
      [AT_AUX.RSEQ_ALIGN, RSEQ_ALIGN],
    ],
  };
  const room = stackSize(contents, Math.min(process.limits.soft(RLIMIT.STACK) / 4, 6 << 20));
  process.space.mapArea({
    start: STACK_TOP - pageUp(room) - STACK_EXPAND,
    end: STACK_TOP,
    prot: PROT.READ | PROT.WRITE | (image.executableStack ? PROT.EXEC : 0),
    growsDown: true,
    backing: null,
    offset: 0,
    name: '[stack]',
  });
  const { rsp, auxv } = buildStack(process.user, contents);
  process.program = {
    ...process.program,
    args,
    environment: env,
    auxv: new Uint8Array(auxv),
    stackStart: rsp,
    entry,
  };
  return { entry: interpreter?.entry ?? entry, rsp };
}

/**
 * Maps an interpreter in one piece, below what is mapped already (Linux: load_elf_interp).
 * @throws SysError ENOMEM where it has no room
 */
function mapInterpreter(process: Process, { image, path, file }: Interpreter): { base: number; entry: number } {
  const first = pageDown(Number(image.segments[0]!.address));
  const last = image.segments.at(-1)!;
  const size = pageUp(Number(last.address + last.memorySize)) - first;
  const alignment = Number(image.alignment);
  let bias = 0;
  if (image.pie) {
    const room = process.space.areas.place(0, alignment > PAGE ? size + alignment : size);
    if (room < 0) fail(E.ENOMEM);
    bias = Math.ceil(room / alignment) * alignment - first;
  }
  const backing = imageBacking(image, process, path, file);
  for (const segment of image.segments) mapSegment(process, segment, bias, backing);
  return { base: bias, entry: Number(image.entry) + bias };
}

function imageBacking(image: ElfImage, process: Process, path: string, file: Inode | null): Backing {
  const attributes = file?.attributes();
  return {
    label: path,
    device: attributes?.dev ?? 0,
    inode: attributes?.ino ?? 0,
    size: image.bytes.length,
    frames: process.kernel.programs.framesOf(image),
    read(offset, into) {
      const part = image.bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
    sharedPages: () => {
      throw new Error('a program image is mapped privately');
    },
    retain: () => {},
    release: () => {},
  };
}

function mapSegment(process: Process, segment: Segment, bias: number, backing: Backing): void {
  const { space, user } = process;
  const address = Number(segment.address) + bias;
  const start = pageDown(address);
  const fileEnd = address + segment.fileSize;
  const end = pageUp(address + Number(segment.memorySize));
  const prot = (segment.read ? PROT.READ : 0) | (segment.write ? PROT.WRITE : 0) | (segment.execute ? PROT.EXEC : 0);
  const fixed = MAP.PRIVATE | MAP.FIXED;
  let mapped = start;
  if (segment.fileSize > 0) {
    const source = { backing, readable: true, writable: false };
    mapped = pageUp(fileEnd);
    space.mmap(start, mapped - start, prot, fixed, source, segment.offset - (address - start));
    // The rest of the last page belongs to the bss. A segment that cannot be written keeps what the file has there.
    const tail = Math.min(mapped, address + Number(segment.memorySize)) - fileEnd;
    if (tail > 0 && segment.write) user.clear(fileEnd, mapped - fileEnd);
  }
  if (end > mapped) space.mmap(mapped, end - mapped, prot, fixed | MAP.ANONYMOUS, null, 0);
}

/** Registers at entry: everything zero but RIP, RSP, RFLAGS, the selectors, and the floating-point control words. */
export function setEntryRegisters(cpu: CpuState, root: bigint, entry: number, rsp: number): void {
  for (let n = 0; n < 16; n++) cpu.setGpr(n, 0n);
  cpu.u8.fill(0, VECTOR, VECTOR + 32 * VECTOR_STRIDE);
  cpu.setGpr(RSP, BigInt(rsp));
  cpu.rip = BigInt(entry);
  cpu.rflags = FLAG.IF | FIXED_ONE;
  for (let n = 0; n < 6; n++) cpu.setSelector(n, 0);
  cpu.setSelector(SELECTOR_CS, USER_CS);
  cpu.setSelector(SELECTOR_SS, USER_SS);
  resetTiles(cpu);
  cpu.setU64(FS_BASE, 0n);
  cpu.setU64(GS_BASE, 0n);
  cpu.cpl = 3;
  cpu.mxcsr = MXCSR_INITIAL;
  cpu.view.setUint16(X87_CW, X87_CW_INITIAL, true);
  cpu.view.setUint16(X87_SW, 0, true);
  cpu.view.setUint16(X87_TW, X87_TW_EMPTY, true);
  cpu.setU64(CR0, CR0_USER);
  cpu.setU64(CR3, root);
  cpu.setU64(CR4, cpu.u64(CR4) | CR4_USER);
  cpu.setU64(EFER, EFER_USER);
  cpu.setU64(LSTAR, 0n);
}
