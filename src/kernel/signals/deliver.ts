import { ERESTART } from '../block.ts';
import { E } from '../errno.ts';
import { RESTART_SYSCALL } from '../syscalls/names.ts';
import type { Task } from '../task.ts';
import { enterHandler } from './frame.ts';
import { defaultAction, SIG } from './numbers.ts';
import { SA, SI, SIG_DFL, SIG_IGN, type SignalAction, type SignalInfo, signalBit, UNBLOCKABLE } from './state.ts';

const RAX = 0;
/** Bytes of the SYSCALL instruction. */
const SYSCALL_BYTES = 2n;

/**
 * The way back to user mode: delivers what is pending, and restarts or fails the call that a signal interrupted (Linux:
 * arch_do_signal_or_restart). The task's registers are loaded. The task may be over or stopped behind it.
 */
export function deliver(task: Task): void {
  const { process, kernel } = task;
  for (;;) {
    if (process.end !== null) return kernel.endTask(task);
    if (process.stopped) return kernel.park(task);
    const info = task.pending.take(~task.mask) ?? process.pending.take(~task.mask);
    if (info === undefined) break;
    const action = process.actions.get(info.signal);
    const fixed = (signalBit(info.signal) & UNBLOCKABLE) !== 0n;
    if (!fixed && action.handler === SIG_IGN) {
      kernel.strace?.signal(task, info);
      continue;
    }
    if (!fixed && action.handler !== SIG_DFL) {
      kernel.strace?.signal(task, info);
      handle(task, info, action);
      continue;
    }
    switch (defaultAction(info.signal)) {
      case 'ignore':
        continue;
      case 'stop':
        kernel.strace?.signal(task, info);
        kernel.stop(process, info.signal);
        continue;
      default:
        kernel.strace?.signal(task, info);
        process.dumped = defaultAction(info.signal) === 'core' && kernel.dumpCore(task, info);
        process.finish({
          kind: 'killed',
          signal: info.signal,
          code: info.code,
          address: info.address ?? 0n,
          fault: info.fault ?? null,
        });
    }
  }
  restartWithoutHandler(task);
  if (task.savedMask !== null) {
    task.mask = task.savedMask;
    task.savedMask = null;
    // What the old mask lets in is delivered now.
    if (task.deliverable !== 0n) deliver(task);
  }
}

function handle(task: Task, info: SignalInfo, action: SignalAction): void {
  const { process, kernel } = task;
  const { cpu } = kernel.machine;
  if (task.restartable >= 0) {
    const code = -Number(BigInt.asIntN(64, cpu.gpr(RAX)));
    if (code === ERESTART.NOINTR || (code === ERESTART.SYS && action.flags & BigInt(SA.RESTART))) again(task);
    else if (isRestart(code)) cpu.setGpr(RAX, BigInt.asUintN(64, BigInt(-E.EINTR)));
    task.restartable = -1;
  }
  if (Number(action.flags) & SA.RESETHAND) process.actions.once(info.signal);
  kernel.rseq.beforeSignal(task);
  if (process.end !== null) return;
  if (enterHandler(task, info, action)) return;
  // force_sigsegv: a SIGSEGV whose own frame fails kills.
  if (info.signal === SIG.SEGV) process.actions.reset(SIG.SEGV);
  kernel.signals.force(task, { signal: SIG.SEGV, code: SI.KERNEL, address: 0n });
}

function restartWithoutHandler(task: Task): void {
  if (task.restartable < 0) return;
  const { cpu } = task.kernel.machine;
  const code = -Number(BigInt.asIntN(64, cpu.gpr(RAX)));
  if (code === ERESTART.BLOCK) {
    cpu.setGpr(RAX, BigInt(RESTART_SYSCALL));
    cpu.rip -= SYSCALL_BYTES;
  } else if (isRestart(code)) again(task);
  task.restartable = -1;
}

function again(task: Task): void {
  const { cpu } = task.kernel.machine;
  cpu.setGpr(RAX, BigInt(task.restartable));
  cpu.rip -= SYSCALL_BYTES;
}

const isRestart = (code: number): boolean => (Object.values(ERESTART) as number[]).includes(code);
