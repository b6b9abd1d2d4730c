import { SECOND } from '../clock.ts';
import { E, fail } from '../errno.ts';
import { RLIMIT } from '../limits.ts';
import type { Task } from '../task.ts';
import { ADDRESS, choice, flags, INT, OUT_HEX_BYTES, SIZE } from './args.ts';
import { row, type SyscallRow } from './row.ts';
import { IN_RLIMIT, OUT_RLIMIT, OUT_UTSNAME, timeBytes } from './structs.ts';

const RESOURCE = choice({
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
});

function getLimit(task: Task, resource: number, out: number): number {
  const { current, maximum } = task.process.limits.get(resource);
  task.user.write(out, new Uint8Array(BigUint64Array.of(current, maximum).buffer));
  return 0;
}

function setLimit(task: Task, resource: number, address: number, user = task.user): number {
  const view = user.view(address, 16);
  const limit = { current: view.getBigUint64(0, true), maximum: view.getBigUint64(8, true) };
  const { process } = task;
  process.limits.set(resource, limit, process.credentials.euid === 0);
  process.fds.limit = process.limits.soft(RLIMIT.NOFILE);
  return 0;
}

function prlimit(task: Task, pid: number, resource: number, next: number, old: number): number {
  const target = pid === 0 ? task.process : (task.kernel.processes.get(pid) ?? fail(E.ESRCH));
  const { current, maximum } = target.limits.get(resource);
  if (next !== 0) setLimit(target.main, resource, next, task.user);
  if (old !== 0) task.user.write(old, new Uint8Array(BigUint64Array.of(current, maximum).buffer));
  return 0;
}

/** What uname(2) says: fields of 65 bytes each. */
export const UTSNAME = ['Linux', 'swapgs', '6.18.0', '#1 SMP PREEMPT_DYNAMIC', 'x86_64', '(none)'] as const;
const UTS_FIELD = 65;

function uname(task: Task, out: number): number {
  const bytes = new Uint8Array(UTS_FIELD * UTSNAME.length);
  UTSNAME.forEach((text, index) => {
    bytes.set(new TextEncoder().encode(text), UTS_FIELD * index);
  });
  task.user.write(out, bytes);
  return 0;
}

function sysinfo(task: Task, out: number): number {
  const { memory } = task.kernel.machine;
  const view = new DataView(new ArrayBuffer(112));
  view.setBigInt64(0, task.kernel.clock.monotonic() / SECOND, true);
  view.setBigUint64(32, BigInt(memory.size), true);
  view.setBigUint64(40, BigInt(memory.framesLeft * 4096), true);
  view.setUint16(80, task.kernel.processes.size, true);
  view.setUint32(104, 1, true);
  task.user.write(out, new Uint8Array(view.buffer));
  return 0;
}

const RUSAGE = { RUSAGE_SELF: 0, RUSAGE_CHILDREN: -1, RUSAGE_THREAD: 1 } as const;

/** `struct rusage`: user time in nanoseconds, resident kilobytes. */
export function usageBytes(time: number, kilobytes: number): Uint8Array {
  const bytes = new Uint8Array(144);
  bytes.set(timeBytes(BigInt(time), 1000n), 0);
  new DataView(bytes.buffer).setBigInt64(32, BigInt(kilobytes), true);
  return bytes;
}

function getrusage(task: Task, who: number, out: number): number {
  if (!(Object.values(RUSAGE) as number[]).includes(who)) fail(E.EINVAL);
  const { process } = task;
  const time = { 0: process.cpuTime, [-1]: process.childrenTime, 1: task.instructions }[who]!;
  task.user.write(out, usageBytes(time, who === RUSAGE.RUSAGE_CHILDREN ? 0 : task.space.residentPages() * 4));
  return 0;
}

const GRND = { GRND_NONBLOCK: 1, GRND_RANDOM: 2, GRND_INSECURE: 4 } as const;
const MAX_RANDOM = 0x7fff_ffff;
const PIECE = 1 << 16;

function getrandom(task: Task, out: number, length: number, bits: number): number {
  if (bits & ~7 || (bits & GRND.GRND_RANDOM && bits & GRND.GRND_INSECURE)) fail(E.EINVAL);
  const wanted = Math.min(length, MAX_RANDOM);
  const room = task.user.span(out, wanted, true);
  if (room === 0 && wanted > 0) fail(E.EFAULT);
  for (let done = 0; done < room; done += PIECE) {
    task.user.write(out + done, task.kernel.random.bytes(Math.min(PIECE, room - done)));
  }
  return room;
}

export const SYSTEM: readonly SyscallRow[] = [
  row(63, 'uname', [OUT_UTSNAME], uname),
  row(97, 'getrlimit', [RESOURCE, OUT_RLIMIT], getLimit),
  row(98, 'getrusage', [choice(RUSAGE), ADDRESS], getrusage),
  row(99, 'sysinfo', [ADDRESS], sysinfo),
  row(160, 'setrlimit', [RESOURCE, IN_RLIMIT], (task, resource, address) => setLimit(task, resource, address)),
  row(302, 'prlimit64', [INT, RESOURCE, IN_RLIMIT, OUT_RLIMIT], prlimit),
  row(318, 'getrandom', [OUT_HEX_BYTES, SIZE, flags(GRND)], getrandom),
];
