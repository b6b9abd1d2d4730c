import type { CpuState } from '../../state/cpu-state.ts';
import { FX, FXSAVE_BYTES, fxrstorImage } from '../../state/fxsave.ts';
import * as L from '../../state/layout.ts';
import {
  HEADER,
  inUse,
  LEGACY_BYTES,
  restoreImage,
  STATE_BIT,
  saveImage,
  standardSize,
  switchedOff,
} from '../../state/xsave.ts';
import { SysError } from '../errno.ts';
import { USER_CS, USER_SS } from '../exec.ts';
import type { Task } from '../task.ts';
import { TASK_SIZE } from '../vm/layout.ts';
import { infoBytes } from './info.ts';
import { type AltStack, SA, type SignalAction, type SignalInfo, SS, signalBit, UNBLOCKABLE } from './state.ts';

/** Bytes below RSP that a function may use without moving it (System V ABI). */
const RED_ZONE = 128;
const FRAME_SIZE = 440;
/** Offsets in the frame: `struct rt_sigframe` (arch/x86/include/asm/sigframe.h). */
const UCONTEXT = 8;
const INFO = 312;
/** Offsets in the ucontext. */
const UC = { flags: 0, link: 8, stack: 16, registers: 40, rip: 168, eflags: 176, selectors: 184, error: 192 } as const;
const UC_TRAP = { number: 200, oldMask: 208, cr2: 216, fpstate: 224, mask: 296 } as const;
/** Encoding numbers of the registers in the order of `struct sigcontext`. */
const ORDER = [8, 9, 10, 11, 12, 13, 14, 15, 7, 6, 5, 3, 2, 0, 1, 4] as const;
/** UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS. */
const UC_FLAGS = 7n;
/** Software-reserved bytes of the legacy region: `struct _fpx_sw_bytes`. */
const SW = { magic1: 464, extended: 468, features: 472, size: 480 } as const;
const MAGIC1 = 0x4650_5853;
const MAGIC2 = 0x4650_5845;
const MAGIC2_BYTES = 4;
/** What a handler may change of RFLAGS: AC OF DF TF SF ZF AF PF CF RF (FIX_EFLAGS). */
const CHANGEABLE = 0x5_0dd5;
/** DF, RF, TF. */
const CLEARED_FOR_HANDLER = 0x1_0500;
const RAX = 0;
const RDX = 2;
const RSP = 4;
const RSI = 6;
const RDI = 7;
const SELECTOR_CS = 1;
const SELECTOR_SS = 2;

/** State components that a frame holds: those that the thread can use. */
export function usableFeatures(cpu: CpuState): bigint {
  const all = STATE_BIT.x87 | STATE_BIT.sse | STATE_BIT.avx | STATE_BIT.avx512 | STATE_BIT.amx;
  return BigInt(cpu.view.getUint32(L.USABLE, true)) & all & ~switchedOff(cpu);
}

/** The XSAVE area of a frame, with the kernel's marks in it. */
export function floatImage(cpu: CpuState): Uint8Array {
  const requested = usableFeatures(cpu);
  const size = standardSize(requested);
  const present = inUse(cpu) & requested;
  const saved = saveImage(cpu, { requested, written: requested, compacted: false, mxcsr: true, wide: true });
  const image = new Uint8Array(size + MAGIC2_BYTES);
  image.set(saved.subarray(0, size));
  const view = new DataView(image.buffer);
  view.setUint32(SW.magic1, MAGIC1, true);
  view.setUint32(SW.extended, size + MAGIC2_BYTES, true);
  view.setBigUint64(SW.features, requested, true);
  view.setUint32(SW.size, size, true);
  // SSE counts as present so that MXCSR is always taken back.
  view.setBigUint64(HEADER.stateBv, present | STATE_BIT.x87 | STATE_BIT.sse, true);
  view.setUint32(size, MAGIC2, true);
  return image;
}

/** x87, SSE and what lies beyond as after a reset, MXCSR too (Linux: fpu__clear_user_states). */
function clearFloat(cpu: CpuState): void {
  const requested = usableFeatures(cpu);
  restoreImage(cpu, new Uint8Array(0), { requested, present: 0n, compacted: 0n, wide: true });
}

const onStack = ({ base, size, flags }: AltStack, rsp: number): boolean =>
  (flags & SS.AUTODISARM) === 0 && size > 0 && rsp > base && rsp - base <= size;

/**
 * Pushes the frame of a handler and enters it (Linux: x64_setup_rt_frame). The task's registers are loaded.
 * False: there is no room for it, or no way back from it; the process gets SIGSEGV instead.
 */
export function enterHandler(task: Task, info: SignalInfo, action: SignalAction): boolean {
  const { cpu } = task.kernel.machine;
  const flags = Number(action.flags);
  if ((flags & SA.RESTORER) === 0) return false;
  const { altStack } = task;
  const rsp = Number(cpu.gpr(RSP));
  const already = onStack(altStack, rsp);
  const switches = (flags & SA.ONSTACK) !== 0 && altStack.size > 0 && !already;
  const top = switches ? altStack.base + altStack.size : rsp - RED_ZONE;
  const image = floatImage(cpu);
  const fpstate = top - image.length - ((top - image.length) % 64);
  const below = fpstate - FRAME_SIZE;
  const frame = below - (((below % 16) + 16) % 16) - 8;
  if (frame < 0 || top > TASK_SIZE) return false;
  if ((switches || already) && frame <= altStack.base) return false;

  const bytes = new Uint8Array(FRAME_SIZE);
  const view = new DataView(bytes.buffer);
  const put = (at: number, value: bigint | number): void =>
    view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
  const uc = (at: number, value: bigint | number): void => put(UCONTEXT + at, value);
  put(0, action.restorer);
  uc(UC.flags, UC_FLAGS);
  uc(UC.stack, altStack.base);
  view.setUint32(UCONTEXT + UC.stack + 8, altStack.flags >>> 0, true);
  uc(UC.stack + 16, altStack.size);
  for (const [i, register] of ORDER.entries()) uc(UC.registers + 8 * i, cpu.gpr(register));
  uc(UC.rip, cpu.rip);
  uc(UC.eflags, cpu.rflags);
  view.setUint16(UCONTEXT + UC.selectors, cpu.selector(SELECTOR_CS), true);
  view.setUint16(UCONTEXT + UC.selectors + 6, cpu.selector(SELECTOR_SS), true);
  uc(UC.error, task.trap.errorCode);
  uc(UC_TRAP.number, task.trap.vector);
  const mask = task.savedMask ?? task.mask;
  uc(UC_TRAP.oldMask, mask);
  uc(UC_TRAP.cr2, task.trap.address);
  uc(UC_TRAP.fpstate, fpstate);
  uc(UC_TRAP.mask, mask);
  bytes.set(infoBytes(info), INFO);
  try {
    task.user.write(fpstate, image);
    task.user.write(frame, bytes);
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
  if (altStack.flags & SS.AUTODISARM) task.altStack = { base: 0, size: 0, flags: SS.DISABLE };

  cpu.setGpr(RAX, 0n);
  cpu.setGpr(RDI, BigInt(info.signal));
  cpu.setGpr(RSI, BigInt(frame + INFO));
  cpu.setGpr(RDX, BigInt(frame + UCONTEXT));
  cpu.setGpr(RSP, BigInt(frame));
  cpu.rip = action.handler;
  cpu.rflags = cpu.rflags & ~CLEARED_FOR_HANDLER;
  cpu.setFlatSegments(USER_CS, USER_SS, 3);
  clearFloat(cpu);
  task.savedMask = null;
  const own = flags & SA.NODEFER ? 0n : signalBit(info.signal);
  task.mask = (task.mask | action.mask | own) & ~UNBLOCKABLE;
  return true;
}

/** rt_sigreturn(2): takes everything back from the frame at RSP − 8. False: the frame cannot be read. */
export function leaveHandler(task: Task): boolean {
  const { cpu } = task.kernel.machine;
  const frame = Number(cpu.gpr(RSP)) - 8;
  try {
    const view = task.user.view(frame, INFO);
    const uc = (at: number): bigint => view.getBigUint64(UCONTEXT + at, true);
    task.mask = uc(UC_TRAP.mask) & ~UNBLOCKABLE;
    for (const [i, register] of ORDER.entries()) cpu.setGpr(register, uc(UC.registers + 8 * i));
    cpu.rip = uc(UC.rip);
    cpu.rflags = (cpu.rflags & ~CHANGEABLE) | (Number(uc(UC.eflags) & 0xffff_ffffn) & CHANGEABLE);
    cpu.setFlatSegments(USER_CS, USER_SS, 3);
    restoreFloat(task, Number(uc(UC_TRAP.fpstate)));
    restoreAltStack(task, view);
    return true;
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
}

/** A null pointer makes everything initial; marks that do not fit restore x87 and SSE only (fpu__restore_sig). */
function restoreFloat(task: Task, at: number): void {
  const { cpu } = task.kernel.machine;
  const all = usableFeatures(cpu);
  if (at === 0) return clearFloat(cpu);
  const legacy = task.user.view(at, FXSAVE_BYTES);
  const size = legacy.getUint32(SW.size, true);
  const extended = legacy.getUint32(SW.extended, true);
  const marked =
    legacy.getUint32(SW.magic1, true) === MAGIC1 &&
    size >= LEGACY_BYTES + 64 &&
    size <= standardSize(all) &&
    extended === size + MAGIC2_BYTES &&
    task.user.u32(at + size) === MAGIC2;
  const mxcsr = legacy.getUint32(FX.mxcsr, true);
  legacy.setUint32(FX.mxcsr, mxcsr & 0xffff, true);
  if (!marked) {
    fxrstorImage(cpu, new Uint8Array(legacy.buffer));
    return;
  }
  const image = task.user.read(at, standardSize(all));
  new DataView(image.buffer).setUint32(FX.mxcsr, mxcsr & 0xffff, true);
  const present = new DataView(image.buffer).getBigUint64(HEADER.stateBv, true);
  const requested = legacy.getBigUint64(SW.features, true) & all;
  restoreImage(cpu, image, { requested: all, present: present & requested, compacted: null, wide: true });
}

function restoreAltStack(task: Task, view: DataView): void {
  const at = UCONTEXT + UC.stack;
  const base = Number(view.getBigUint64(at, true));
  const flags = view.getUint32(at + 8, true);
  const size = Number(view.getBigUint64(at + 16, true));
  task.altStack = { base, size, flags };
}
