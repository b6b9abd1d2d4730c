import { SysError } from '../errno.ts';
import type { SyscallRow } from '../syscalls/row.ts';
import { SYSCALLS } from '../syscalls/table.ts';
import type { Task } from '../task.ts';

/** The page of entry points from before the vDSO: gettimeofday, time and getcpu, 1 KiB apart. */
const BASE = 0xffff_ffff_ff60_0000n;
const ENTRIES: ReadonlyMap<bigint, number> = new Map([
  [BASE, 96],
  [BASE + 0x400n, 201],
  [BASE + 0x800n, 309],
]);
const RAX = 0;
const RSP = 4;
const ARGUMENTS = [7, 6, 2];

/**
 * A call of an old entry point, which nothing is mapped at: the kernel does it and returns to the caller (Linux:
 * emulate_vsyscall). False: it is none.
 */
export function vsyscall(task: Task, address: bigint): boolean {
  const number = ENTRIES.get(address);
  if (number === undefined) return false;
  const { cpu } = task.kernel.machine;
  const row: SyscallRow = SYSCALLS.get(number)!;
  try {
    const caller = task.user.u64(Number(cpu.gpr(RSP)));
    const args = row.args.map(({ decode }, index) => decode(cpu.gpr(ARGUMENTS[index]!)));
    const result = row.run(task, ...args);
    cpu.setGpr(RAX, BigInt.asUintN(64, BigInt(result)));
    cpu.rip = caller;
    cpu.setGpr(RSP, cpu.gpr(RSP) + 8n);
    return true;
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
}
