import type { Attributes } from '../fs/inode.ts';
import { S_IF, S_IFMT } from '../fs/mode.ts';
import { RLIM_INFINITY } from '../limits.ts';
import { NSIG, signalName } from '../signals/numbers.ts';
import type { UserMemory } from '../user-memory.ts';
import { inStruct, outStruct, quote } from './args.ts';

/** The C structures of the x86-64 system calls: written for the guest, and shown as strace shows them. */

const SECOND = 1_000_000_000n;
const BLOCK = 512;
const BLOCK_SIZE = 4096;

export const STAT_SIZE = 144;

/** `struct stat` (arch/x86/include/uapi/asm/stat.h). */
export function statBytes(a: Attributes): Uint8Array {
  const view = new DataView(new ArrayBuffer(STAT_SIZE));
  view.setBigUint64(0, BigInt(a.dev), true);
  view.setBigUint64(8, BigInt(a.ino), true);
  view.setBigUint64(16, BigInt(a.nlink), true);
  view.setUint32(24, a.mode, true);
  view.setUint32(28, a.uid, true);
  view.setUint32(32, a.gid, true);
  view.setBigUint64(40, BigInt(a.rdev), true);
  view.setBigInt64(48, BigInt(a.size), true);
  view.setBigInt64(56, BigInt(a.blockSize ?? BLOCK_SIZE), true);
  view.setBigInt64(64, BigInt(a.blocks ?? Math.ceil(a.size / BLOCK)), true);
  for (const [at, time] of [
    [72, a.atime],
    [88, a.mtime],
    [104, a.ctime],
  ] as const) {
    view.setBigInt64(at, time / SECOND, true);
    view.setBigInt64(at + 8, time % SECOND, true);
  }
  return new Uint8Array(view.buffer);
}

/** All that statx(2) tells without being asked for more. */
const STATX_BASIC_STATS = 0x7ff;
const MINOR_MASK = 0xff;

/** `struct statx` (include/uapi/linux/stat.h). */
export function statxBytes(a: Attributes): Uint8Array {
  const view = new DataView(new ArrayBuffer(256));
  view.setUint32(0, STATX_BASIC_STATS, true);
  view.setUint32(4, a.blockSize ?? BLOCK_SIZE, true);
  view.setUint32(16, a.nlink, true);
  view.setUint32(20, a.uid, true);
  view.setUint32(24, a.gid, true);
  view.setUint16(28, a.mode, true);
  view.setBigUint64(32, BigInt(a.ino), true);
  view.setBigUint64(40, BigInt(a.size), true);
  view.setBigUint64(48, BigInt(a.blocks ?? Math.ceil(a.size / BLOCK)), true);
  for (const [at, time] of [
    [64, a.atime],
    [96, a.ctime],
    [112, a.mtime],
  ] as const) {
    view.setBigInt64(at, time / SECOND, true);
    view.setUint32(at + 8, Number(time % SECOND), true);
  }
  view.setUint32(128, a.rdev >> 8, true);
  view.setUint32(132, a.rdev & MINOR_MASK, true);
  view.setUint32(140, a.dev, true);
  return new Uint8Array(view.buffer);
}

const TYPE_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(S_IF).map(([name, type]) => [type, name === 'FIFO' ? 'S_IFIFO' : `S_IF${name}`]),
);

function modeText(mode: number): string {
  return `${TYPE_NAMES[mode & S_IFMT] ?? '0'}|0${(mode & 0o7777).toString(8)}`;
}

export const OUT_STAT = outStruct((address, user) => {
  const view = user.view(address, STAT_SIZE);
  const mode = view.getUint32(24, true);
  const type = mode & S_IFMT;
  const device = type === S_IF.CHR || type === S_IF.BLK;
  const rdev = Number(view.getBigUint64(40, true));
  const what = device
    ? `st_rdev=makedev(0x${(rdev >> 8).toString(16)}, 0x${(rdev & MINOR_MASK).toString(16)})`
    : `st_size=${view.getBigInt64(48, true)}`;
  return `{st_mode=${modeText(mode)}, ${what}, ...}`;
});

export const OUT_STATX = outStruct((address, user) => {
  const view = user.view(address, 256);
  return `{stx_mask=STATX_BASIC_STATS, stx_mode=${modeText(view.getUint16(28, true))}, stx_size=${view.getBigUint64(40, true)}, ...}`;
});

/** `struct timespec` or `struct timeval`: seconds and a fraction. */
export function timeBytes(nanoseconds: bigint, unit: 1n | 1000n = 1n): Uint8Array {
  let seconds = nanoseconds / SECOND;
  let rest = nanoseconds % SECOND;
  if (rest < 0n) {
    seconds -= 1n;
    rest += SECOND;
  }
  const view = new DataView(new ArrayBuffer(16));
  view.setBigInt64(0, seconds, true);
  view.setBigInt64(8, rest / unit, true);
  return new Uint8Array(view.buffer);
}

function timespecText(address: number, user: UserMemory): string {
  const view = user.view(address, 16);
  return `{tv_sec=${view.getBigInt64(0, true)}, tv_nsec=${view.getBigInt64(8, true)}}`;
}
function timevalText(address: number, user: UserMemory): string {
  const view = user.view(address, 16);
  return `{tv_sec=${view.getBigInt64(0, true)}, tv_usec=${view.getBigInt64(8, true)}}`;
}
export const IN_TIMESPEC = inStruct(timespecText);
export const OUT_TIMESPEC = outStruct(timespecText);
export const IN_TIMEVAL = inStruct(timevalText);
export const OUT_TIMEVAL = outStruct(timevalText);

function limitText(value: bigint): string {
  if (value === RLIM_INFINITY) return 'RLIM64_INFINITY';
  return value !== 0n && value % 1024n === 0n ? `${value / 1024n}*1024` : String(value);
}
function rlimitText(address: number, user: UserMemory): string {
  const view = user.view(address, 16);
  const [current, maximum] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
  return `{rlim_cur=${limitText(current)}, rlim_max=${limitText(maximum)}}`;
}
export const IN_RLIMIT = inStruct(rlimitText);
export const OUT_RLIMIT = outStruct(rlimitText);

export function sigsetText(address: number, user: UserMemory): string {
  const mask = user.u64(address);
  const names: readonly string[][] = [[], []];
  for (let signal = 1; signal <= NSIG; signal++)
    names[(mask >> BigInt(signal - 1)) & 1n ? 1 : 0]!.push(signalName(signal).replace(/^SIG/, ''));
  const [out, inside] = names as [string[], string[]];
  // strace writes a set of two thirds and more as its complement.
  return inside.length >= (NSIG * 2) / 3 ? `~[${out.join(' ')}]` : `[${inside.join(' ')}]`;
}
export const IN_SIGSET = inStruct(sigsetText);
export const OUT_SIGSET = outStruct(sigsetText);

const SA_NAMES: readonly (readonly [bigint, string])[] = [
  [0x0400_0000n, 'SA_RESTORER'],
  [0x0800_0000n, 'SA_ONSTACK'],
  [0x1000_0000n, 'SA_RESTART'],
  [0x4000_0000n, 'SA_NODEFER'],
  [0x8000_0000n, 'SA_RESETHAND'],
  [4n, 'SA_SIGINFO'],
  [2n, 'SA_NOCLDWAIT'],
  [1n, 'SA_NOCLDSTOP'],
];

function sigactionText(address: number, user: UserMemory): string {
  const handler = user.u64(address);
  const bits = user.u64(address + 8);
  const name = handler === 0n ? 'SIG_DFL' : handler === 1n ? 'SIG_IGN' : `0x${handler.toString(16)}`;
  const set = SA_NAMES.filter(([bit]) => bits & bit).map(([, text]) => text);
  const restorer = bits & 0x0400_0000n ? `, sa_restorer=0x${user.u64(address + 16).toString(16)}` : '';
  const mask = sigsetText(address + 24, user);
  return `{sa_handler=${name}, sa_mask=${mask}, sa_flags=${set.join('|') || '0'}${restorer}}`;
}
export const IN_SIGACTION = inStruct(sigactionText);
export const OUT_SIGACTION = outStruct(sigactionText);

/** One `struct iovec`. */
export interface IoVector {
  readonly address: number;
  readonly length: number;
}

export const IN_IOVEC = (countIndex: number) => ({
  ...inStruct(() => ''),
  show: (value: number, { user, args }: { user: UserMemory; args: readonly number[] }): string => {
    if (value === 0) return 'NULL';
    try {
      const parts: string[] = [];
      for (let i = 0; i < Math.min(args[countIndex]!, 16); i++) {
        const [base, length] = [user.word(value + 16 * i), user.word(value + 16 * i + 8)];
        const bytes = base === 0 ? 'NULL' : quote(user.read(base, Math.min(length, 32)));
        parts.push(`{iov_base=${bytes}${length > 32 ? '...' : ''}, iov_len=${length}}`);
      }
      return `[${parts.join(', ')}]`;
    } catch {
      return `0x${value.toString(16)}`;
    }
  },
});

const STACK_STATES: Readonly<Record<number, string>> = { 0: '0', 1: 'SS_ONSTACK', 2: 'SS_DISABLE' };

function stackText(address: number, user: UserMemory): string {
  const view = user.view(address, 24);
  const [base, state, size] = [view.getBigUint64(0, true), view.getUint32(8, true), view.getBigUint64(16, true)];
  const where = base === 0n ? 'NULL' : `0x${base.toString(16)}`;
  return `{ss_sp=${where}, ss_flags=${STACK_STATES[state] ?? `0x${state.toString(16)}`}, ss_size=${size}}`;
}
export const IN_STACK = inStruct(stackText);
export const OUT_STACK = outStruct(stackText);

/** A set of CPUs, as long as the result says. */
export const OUT_CPUS = outStruct((address, user, { result }) => {
  const cpus: number[] = [];
  user.read(address, result).forEach((byte, index) => {
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) cpus.push(8 * index + bit);
  });
  return `[${cpus.join(' ')}]`;
});

export const OUT_UTSNAME = outStruct((address, user) => {
  const text = (at: number): string => quote(user.cstring(address + at, 65));
  return `{sysname=${text(0)}, nodename=${text(65)}, ...}`;
});
