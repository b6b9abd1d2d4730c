import { SECOND } from './clock.ts';
import type { ProcessInfo, SystemInfo } from './fs/proc.ts';
import type { GuestMachine } from './guest-machine.ts';
import type { Kernel } from './kernel.ts';
import type { Process } from './process.ts';
import { UTSNAME } from './syscalls/system.ts';
import { encodeName } from './user-memory.ts';
import { PROT } from './vm/flags.ts';
import { PAGE } from './vm/layout.ts';

/** Column where /proc/self/maps writes the path. */
const MAPS_PATH_COLUMN = 73;

function maps(process: Process): string {
  const lines = process.space.areas.all.map((area) => {
    const range = [area.start, area.end].map((address) => address.toString(16).padStart(8, '0')).join('-');
    const rights =
      (area.prot & PROT.READ ? 'r' : '-') +
      (area.prot & PROT.WRITE ? 'w' : '-') +
      (area.prot & PROT.EXEC ? 'x' : '-') +
      (area.shared === null ? 'p' : 's');
    const offset = area.backing === null ? 0 : area.offset;
    const device = `00:${(area.backing?.device ?? 0).toString(16).padStart(2, '0')}`;
    const head = `${range} ${rights} ${offset.toString(16).padStart(8, '0')} ${device} ${area.backing?.inode ?? 0} `;
    const path = area.backing?.label ?? area.name;
    return path === '' ? head : head.padEnd(MAPS_PATH_COLUMN) + path;
  });
  return lines.map((line) => `${line}\n`).join('');
}

const comm = (process: Process): string => process.main.name;
const zeroTerminated = (texts: readonly string[]): Uint8Array =>
  Buffer.concat(texts.map((text) => encodeName(`${text}\0`)));

const STATES = { R: 'R (running)', S: 'S (sleeping)', T: 'T (stopped)', Z: 'Z (zombie)' } as const;

/** What a process does, as ps(1) shows it. */
function stateLetter(process: Process): keyof typeof STATES {
  if (process.dead) return 'Z';
  if (process.stopped) return 'T';
  return process.main.state === 'blocked' ? 'S' : 'R';
}

/** Fields of /proc/[pid]/stat in order (proc(5)); what means nothing here is 0. */
function stat(process: Process): string {
  const ticks = Math.floor(process.cpuTime / 1e7);
  const { space } = process;
  const fields = new Array<number | string>(52).fill(0);
  fields[0] = process.pid;
  fields[1] = `(${comm(process)})`;
  fields[2] = stateLetter(process);
  fields[3] = process.parentPid;
  fields[4] = process.group;
  fields[5] = process.session;
  fields[7] = -1;
  fields[13] = ticks;
  fields[17] = 20;
  fields[19] = process.tasks.size;
  fields[22] = space.totalBytes;
  fields[23] = space.residentPages();
  fields[24] = '18446744073709551615';
  fields[27] = process.program.stackStart;
  fields[37] = 17;
  fields[46] = space.heapStart;
  return `${fields.join(' ')}\n`;
}

function statm(process: Process): string {
  const pages = process.space.totalBytes / PAGE;
  return `${pages} ${process.space.residentPages()} 0 0 0 ${pages} 0\n`;
}

function status(process: Process): string {
  const { uid, euid, suid, gid, egid, sgid, groups } = process.credentials;
  const kilobytes = (pages: number): string => `${String(pages * 4).padStart(8)} kB`;
  const mask = (bits: bigint): string => bits.toString(16).padStart(16, '0');
  return [
    `Name:\t${comm(process)}`,
    `Umask:\t0${process.umask.toString(8).padStart(3, '0')}`,
    `State:\t${STATES[stateLetter(process)]}`,
    `Tgid:\t${process.pid}`,
    `Pid:\t${process.pid}`,
    `PPid:\t${process.parentPid}`,
    'TracerPid:\t0',
    `Uid:\t${uid}\t${euid}\t${suid}\t${euid}`,
    `Gid:\t${gid}\t${egid}\t${sgid}\t${egid}`,
    `Groups:\t${groups.join(' ')} `,
    `VmSize:\t${kilobytes(process.space.totalBytes / PAGE)}`,
    `VmRSS:\t${kilobytes(process.space.residentPages())}`,
    `Threads:\t${process.tasks.size}`,
    `SigPnd:\t${mask(process.main.pending.mask)}`,
    `SigBlk:\t${mask(process.main.mask)}`,
    'Cpus_allowed:\t1',
    'Cpus_allowed_list:\t0',
    '',
  ].join('\n');
}

/** What /proc tells of `process`. */
export function processInfo(process: Process): ProcessInfo {
  return {
    pid: process.pid,
    get fds() {
      return process.fds;
    },
    dead: () => process.dead,
    tasks: () => [...process.tasks].map(({ tid, name }) => ({ tid, name })),
    comm: () => comm(process),
    get exePath() {
      return process.program.path;
    },
    get exe() {
      return process.program.file;
    },
    get cwd() {
      return process.cwd;
    },
    cmdline: () => zeroTerminated(process.program.args),
    environ: () => zeroTerminated(process.program.environment),
    auxv: () => process.program.auxv,
    maps: () => maps(process),
    memory: () => process.user,
    stat: () => stat(process),
    statm: () => statm(process),
    status: () => status(process),
  };
}

/** Names of the CPUID.1:EDX bits as /proc/cpuinfo writes them. */
// biome-ignore format: a table
const FLAGS_EDX = [
  'fpu', 'vme', 'de', 'pse', 'tsc', 'msr', 'pae', 'mce', 'cx8', 'apic', '', 'sep', 'mtrr', 'pge', 'mca', 'cmov',
  'pat', 'pse36', 'pn', 'clflush', '', 'dts', 'acpi', 'mmx', 'fxsr', 'sse', 'sse2', 'ss', 'ht', 'tm', 'ia64', 'pbe',
];

function cpuinfo(machine: GuestMachine, cpus: number): string {
  const [, , , edx] = machine.cpuid(1, 0);
  const flags = FLAGS_EDX.filter((name, bit) => name !== '' && (edx >>> bit) & 1);
  const text = (cpu: number): string =>
    `processor\t: ${cpu}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel name\t: swapgs x86-64 virtual CPU\nflags\t\t: ${flags.join(' ')} lm nx syscall\n\n`;
  return Array.from({ length: cpus }, (_, cpu) => text(cpu)).join('');
}

/** What /proc tells of the machine. */
export function systemInfo(kernel: Kernel): SystemInfo {
  const infos = new WeakMap<Process, ProcessInfo>();
  const infoOf = (process: Process): ProcessInfo => {
    let info = infos.get(process);
    if (info === undefined) {
      info = processInfo(process);
      infos.set(process, info);
    }
    return info;
  };
  return {
    current() {
      return kernel.current === null ? null : infoOf(kernel.current.process);
    },
    processes: () => [...kernel.processes.values()].map(infoOf),
    meminfo() {
      const { memory } = kernel.machine;
      const line = (name: string, bytes: number): string =>
        `${`${name}:`.padEnd(16)}${String(bytes >> 10).padStart(8)} kB\n`;
      const free = memory.framesLeft * PAGE;
      return line('MemTotal', memory.size) + line('MemFree', free) + line('MemAvailable', free);
    },
    cpuinfo: () => cpuinfo(kernel.machine, kernel.cpus.count),
    uptime() {
      const seconds = (Number(kernel.clock.monotonic() / (SECOND / 100n)) / 100).toFixed(2);
      return `${seconds} 0.00\n`;
    },
    version: () => `${UTSNAME[0]} version ${UTSNAME[2]} (swapgs) ${UTSNAME[3]}\n`,
  };
}
