import type { Kernel } from '../kernel.ts';
import type { Process } from '../process.ts';
import { SIG } from '../signals/numbers.ts';
import { SIG_IGN, signalBit } from '../signals/state.ts';
import type { Task } from '../task.ts';

/** si_code of what the kernel itself sends. */
const SI_KERNEL = 0x80;

export const members = (kernel: Kernel, group: number): Process[] =>
  [...kernel.processes.values()].filter((process) => process.group === group && !process.dead);

/** Sends signals to every process of a group. */
export function signalGroup(kernel: Kernel, group: number, ...signals: number[]): void {
  for (const process of members(kernel, group))
    for (const signal of signals) kernel.signals.sendToProcess(process, { signal, code: SI_KERNEL });
}

/** Nobody outside a group, in its session, is a parent of one of it: no shell would let it go on (setpgid(2)). */
export function isOrphaned(kernel: Kernel, group: number): boolean {
  return members(kernel, group).every(
    ({ parent, session }) => parent === null || parent.dead || parent.group === group || parent.session !== session,
  );
}

/** A stopped group that this end has orphaned is let go, to end (Linux: kill_orphaned_pgrp). */
export function releaseOrphans(process: Process, children: readonly Process[]): void {
  const { kernel } = process;
  for (const group of new Set([process, ...children].map((one) => one.group)))
    if (isOrphaned(kernel, group) && members(kernel, group).some(({ stopped }) => stopped))
      signalGroup(kernel, group, SIG.HUP, SIG.CONT);
}

/** Whether a thread would not notice the signal. */
export function isDeaf(task: Task, signal: number): boolean {
  return (task.mask & signalBit(signal)) !== 0n || task.process.actions.get(signal).handler === SIG_IGN;
}
