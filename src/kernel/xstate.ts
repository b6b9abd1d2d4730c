import type { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { clearTiles, tileConfiguration } from '../state/tiles.ts';
import { STATE_BIT, standardSize } from '../state/xsave.ts';
import { SIGNAL_FRAME_SIZE } from './auxv.ts';
import { E, fail } from './errno.ts';
import type { FaultSignal } from './exceptions.ts';
import { SIG } from './signals/numbers.ts';
import type { Task } from './task.ts';

/**
 * State components that a process has to ask for (Linux: arch/x86/kernel/fpu/xstate.c): of those that there are, the tile data of AMX.
 * Each thread finds them switched off by IA32_XFD; the first use is #NM, and gets them where the process may have them.
 */
const ON_DEMAND = STATE_BIT.tileData;
/** Number of the component that arch_prctl(ARCH_REQ_XCOMP_PERM) takes; bits come one by one. */
const TILE_DATA = 18;
const MOST_COMPONENTS = 19;
/** An illegal instruction, as an opcode. */
const ILL_ILLOPC = 1;
/** What else lies on a stack for signals; and a frame without its floating-point state, with everything it may have to be moved by. */
const FRAME_OVERHEAD = 828;

/** Components that programs can have on this CPU. */
const supported = (cpu: CpuState): bigint => cpu.u64(L.XCR0) | STATE_BIT.x87 | STATE_BIT.sse;
/** Those that a process may use now. */
const permitted = (task: Task): bigint => {
  const all = supported(task.kernel.machine.cpu);
  return all & (~ON_DEMAND | task.process.permittedStates);
};
/** IA32_XFD of a thread that has used none of them. */
export const initialDisable = (cpu: CpuState): bigint => cpu.u64(L.XCR0) & ON_DEMAND;

/** State of a new program: no tiles are configured, and none may be used. */
export function resetTiles(cpu: CpuState): void {
  tileConfiguration(cpu).fill(0);
  clearTiles(cpu);
  cpu.setU64(L.XFD, initialDisable(cpu));
  cpu.setU64(L.XFD_ERR, 0n);
}

/** #NM of a thread whose registers are loaded (Linux: handle_xfd_event): null where it may go on, with what it wanted. */
export function useDisabled(task: Task): FaultSignal | null {
  const { cpu } = task.kernel.machine;
  const wanted = cpu.u64(L.XFD_ERR);
  cpu.setU64(L.XFD_ERR, 0n);
  if (wanted & ~permitted(task)) return { signal: SIG.ILL, code: ILL_ILLOPC, address: cpu.rip };
  cpu.setU64(L.XFD, cpu.u64(L.XFD) & ~wanted);
  return null;
}

/** Whether a stack for signals has room for the frames of a process that may use all it has asked for (sigaltstack_size_valid). */
export const holdsFrames = (task: Task, size: number): boolean =>
  task.process.permittedStates === 0n || size > FRAME_OVERHEAD + standardSize(permitted(task));

/** arch_prctl(ARCH_GET_XCOMP_SUPP), arch_prctl(ARCH_GET_XCOMP_PERM). */
export function tellStates(task: Task, address: number, all: boolean): number {
  task.user.setU64(address, all ? supported(task.kernel.machine.cpu) : permitted(task));
  return 0;
}

/** arch_prctl(ARCH_REQ_XCOMP_PERM): for the whole process, and what it forks; it cannot be taken back. */
export function requestState(task: Task, component: number): number {
  const { process, kernel } = task;
  if (component >= MOST_COMPONENTS) fail(E.EINVAL);
  if (component !== TILE_DATA || !(supported(kernel.machine.cpu) & ON_DEMAND)) fail(E.EOPNOTSUPP);
  if (process.permittedStates & ON_DEMAND) return 0;
  for (const { altStack } of process.tasks) if (altStack.size > 0 && altStack.size < SIGNAL_FRAME_SIZE) fail(E.ENOSPC);
  process.permittedStates |= ON_DEMAND;
  return 0;
}
