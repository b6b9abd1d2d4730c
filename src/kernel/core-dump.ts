import { EHDR_SIZE, ELFCLASS64, ELFDATA2LSB, EM_X86_64, ET, PF_R, PF_W, PF_X, PHDR_SIZE, PT } from '../elf/format.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { FXSAVE_BYTES } from '../state/fxsave.ts';
import * as L from '../state/layout.ts';
import type { Process } from './process.ts';
import { floatImage, usableFeatures } from './signals/frame.ts';
import { infoBytes } from './signals/info.ts';
import type { SignalInfo } from './signals/state.ts';
import { timeBytes } from './syscalls/structs.ts';
import type { Task } from './task.ts';
import { encodeName } from './user-memory.ts';
import { PROT } from './vm/flags.ts';
import { PAGE, pageUp } from './vm/layout.ts';

/** A core file: what stands before the memory, how long it is, and the pages that hold anything; the rest is zero. */
export interface CoreDump {
  readonly head: Uint8Array;
  readonly size: number;
  readonly pages: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

/** Types of notes (include/uapi/linux/elf.h). */
const NT = {
  PRSTATUS: 1,
  FPREGSET: 2,
  PRPSINFO: 3,
  AUXV: 6,
  FILE: 0x4649_4c45,
  SIGINFO: 0x5349_4749,
  XSTATE: 0x202,
} as const;
/** Registers of `struct user_regs_struct` in its order, by encoding number; null is something else. */
const GENERAL = [15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7] as const;
/** Selectors by encoding number. */
const [ES, CS, SS, DS, FS, GS] = [0, 1, 2, 3, 4, 5];
const PRSTATUS_BYTES = 336;
const PRSTATUS_REGISTERS = 112;
const PRPSINFO_BYTES = 136;
const NAME_BYTES = 16;
const ARGUMENT_BYTES = 80;
/** Where the XSAVE area of a note tells its components: debuggers look there. */
const XSTATE_FEATURES = 464;
const MAGIC2_BYTES = 4;

function note(owner: string, type: number, data: Uint8Array): Uint8Array {
  const name = Buffer.from(`${owner}\0`);
  const padded = (length: number): number => (length + 3) & ~3;
  const bytes = new Uint8Array(12 + padded(name.length) + padded(data.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, name.length, true);
  view.setUint32(4, data.length, true);
  view.setUint32(8, type, true);
  bytes.set(name, 12);
  bytes.set(data, 12 + padded(name.length));
  return bytes;
}

/** The registers of a thread, wherever they are. */
function registersOf(task: Task): CpuState {
  task.kernel.saveRegisters(task);
  return task.registers.window();
}

function status(task: Task, cpu: CpuState, info: SignalInfo): Uint8Array {
  const { process } = task;
  const bytes = new Uint8Array(PRSTATUS_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, info.signal, true);
  view.setInt32(4, info.code, true);
  view.setInt16(12, info.signal, true);
  view.setBigUint64(16, task.pending.mask, true);
  view.setBigUint64(24, task.mask, true);
  for (const [i, value] of [task.tid, process.parentPid, process.group, process.session].entries())
    view.setInt32(32 + 4 * i, value, true);
  bytes.set(timeBytes(BigInt(task.instructions), 1000n), 48);
  const selector = (n: number): bigint => BigInt(cpu.selector(n));
  const all = [
    ...GENERAL.map((n) => cpu.gpr(n)),
    0xffff_ffff_ffff_ffffn,
    cpu.rip,
    selector(CS!),
    BigInt(cpu.rflags),
    cpu.gpr(4),
    selector(SS!),
    cpu.u64(L.FS_BASE),
    cpu.u64(L.GS_BASE),
    ...[DS, ES, FS, GS].map((n) => selector(n!)),
  ];
  for (const [i, value] of all.entries()) view.setBigUint64(PRSTATUS_REGISTERS + 8 * i, value, true);
  view.setInt32(PRSTATUS_BYTES - 8, 1, true);
  return bytes;
}

function processInfo(task: Task): Uint8Array {
  const { process } = task;
  const bytes = new Uint8Array(PRPSINFO_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[1] = 'R'.charCodeAt(0);
  view.setUint32(16, process.credentials.uid, true);
  view.setUint32(20, process.credentials.gid, true);
  for (const [i, value] of [process.pid, process.parentPid, process.group, process.session].entries())
    view.setInt32(24 + 4 * i, value, true);
  bytes.set(encodeName(task.name).subarray(0, NAME_BYTES - 1), 40);
  bytes.set(encodeName(process.program.args.join(' ')).subarray(0, ARGUMENT_BYTES - 1), 56);
  return bytes;
}

/** NT_FILE: which files are mapped where. */
function files(process: Process): Uint8Array {
  const mapped = process.space.areas.all.filter(({ backing }) => backing !== null);
  const words = [mapped.length, PAGE, ...mapped.flatMap(({ start, end, offset }) => [start, end, offset / PAGE])];
  const names = mapped.map(({ backing }) => Buffer.from(encodeName(`${backing!.label}\0`)));
  return Buffer.concat([new Uint8Array(BigUint64Array.from(words, BigInt).buffer), ...names]);
}

function threadNotes(task: Task, info: SignalInfo): Uint8Array[] {
  const cpu = registersOf(task);
  const image = floatImage(cpu);
  const xstate = image.slice(0, image.length - MAGIC2_BYTES);
  xstate.fill(0, XSTATE_FEATURES, FXSAVE_BYTES);
  new DataView(xstate.buffer).setBigUint64(XSTATE_FEATURES, usableFeatures(cpu), true);
  return [
    note('CORE', NT.PRSTATUS, status(task, cpu, info)),
    note('CORE', NT.FPREGSET, xstate.subarray(0, FXSAVE_BYTES)),
    note('LINUX', NT.XSTATE, xstate),
  ];
}

/**
 * The core file of a process that a signal ends, as gdb reads it (Linux: fs/binfmt_elf.c, elf_core_dump). The thread that got the
 * signal comes first.
 */
export function coreDump(task: Task, info: SignalInfo): CoreDump {
  const { process } = task;
  const others = [...process.tasks].filter((one) => one !== task);
  const [first, ...rest] = threadNotes(task, info);
  const notes = Buffer.concat([
    first!,
    note('CORE', NT.PRPSINFO, processInfo(task)),
    note('CORE', NT.SIGINFO, infoBytes(info)),
    note('CORE', NT.AUXV, process.program.auxv),
    note('CORE', NT.FILE, files(process)),
    ...rest,
    ...others.flatMap((one) => threadNotes(one, info)),
  ]);
  const areas = process.space.areas.all;
  const notesAt = EHDR_SIZE + PHDR_SIZE * (areas.length + 1);
  const memoryAt = pageUp(notesAt + notes.length);
  const head = new Uint8Array(memoryAt);
  const view = new DataView(head.buffer);
  head.set([0x7f, 0x45, 0x4c, 0x46, ELFCLASS64, ELFDATA2LSB, 1]);
  view.setUint16(16, ET.CORE, true);
  view.setUint16(18, EM_X86_64, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(32, BigInt(EHDR_SIZE), true);
  view.setUint16(52, EHDR_SIZE, true);
  view.setUint16(54, PHDR_SIZE, true);
  view.setUint16(56, areas.length + 1, true);
  const segment = (
    index: number,
    type: number,
    flags: number,
    offset: number,
    address: number,
    size: number,
    memory: number,
  ) => {
    const at = EHDR_SIZE + PHDR_SIZE * index;
    view.setUint32(at, type, true);
    view.setUint32(at + 4, flags, true);
    view.setBigUint64(at + 8, BigInt(offset), true);
    view.setBigUint64(at + 16, BigInt(address), true);
    view.setBigUint64(at + 32, BigInt(size), true);
    view.setBigUint64(at + 40, BigInt(memory), true);
    view.setBigUint64(at + 48, BigInt(type === PT.LOAD ? PAGE : 4), true);
  };
  segment(0, PT.NOTE, 0, notesAt, 0, notes.length, 0);
  head.set(notes, notesAt);
  const pages: { offset: number; bytes: Uint8Array }[] = [];
  let offset = memoryAt;
  for (const [i, { start, end, prot }] of areas.entries()) {
    const flags = (prot & PROT.READ ? PF_R : 0) | (prot & PROT.WRITE ? PF_W : 0) | (prot & PROT.EXEC ? PF_X : 0);
    const base = offset;
    let last = start;
    process.space.tables.forEach(start, end, (linear, frame) => {
      pages.push({ offset: base + (linear - start), bytes: process.space.memory.bytes(frame, PAGE).slice() });
      last = linear + PAGE;
    });
    // What lies behind the last page that was touched is not in the file: it is zero, or the program's.
    segment(i + 1, PT.LOAD, flags, base, start, last - start, end - start);
    offset += last - start;
  }
  return { head, size: offset, pages };
}
