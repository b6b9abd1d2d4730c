import { E, fail } from '../errno.ts';
import { SEAL } from '../fs/mode.ts';
import type { Task } from '../task.ts';
import { MADV, MAP, MREMAP, MS, PROT } from '../vm/flags.ts';
import { PAGE, pageUp } from '../vm/layout.ts';
import {
  ADDRESS,
  type ArgKind,
  choice,
  FD,
  type FlagNames,
  flags,
  flagText,
  HEX,
  INT,
  OUT_BYTES,
  PLACE,
  SIZE,
  UINT,
} from './args.ts';
import { row, type SyscallRow } from './row.ts';

const prefixed = (prefix: string, table: Readonly<Record<string, number>>): FlagNames =>
  Object.fromEntries(Object.entries(table).map(([name, bits]) => [`${prefix}${name}`, bits]));

const PROTECTION = flags({ PROT_NONE: 0, ...prefixed('PROT_', PROT) });

const { SHARED, PRIVATE, SHARED_VALIDATE, TYPE, ...MAP_BITS } = MAP;
const MAP_FLAGS: ArgKind = {
  decode: HEX.decode,
  show: (value) => {
    const type = value & TYPE;
    const names: Readonly<Record<number, string>> = {
      [SHARED]: 'MAP_SHARED',
      [PRIVATE]: 'MAP_PRIVATE',
      [SHARED_VALIDATE]: 'MAP_SHARED_VALIDATE',
    };
    const rest = value & ~TYPE;
    return (names[type] ?? `0x${type.toString(16)}`) + (rest ? `|${flagText(rest, prefixed('MAP_', MAP_BITS))}` : '');
  },
};

/** All that mmap(2) knows: MAP_SHARED_VALIDATE refuses the rest. */
const MAP_KNOWN = Object.values(MAP).reduce((all: number, bit) => all | bit, 0);
/** Where files end at the latest. */
const MAX_OFFSET = 2 ** 63;

const MLOCK_ONFAULT = 1;
const MCL_ALL = 7;

/** @throws SysError EPERM where mseal(2) has settled what is mapped there */
function requireUnsealed(task: Task, start: number, length: number): void {
  if (task.space.areas.overlapping(start, start + pageUp(length)).some(({ sealed }) => sealed)) fail(E.EPERM);
}

/** Advice that loses what memory holds. */
const DISCARDS: readonly number[] = [MADV.DONTNEED, MADV.FREE, MADV.REMOVE, MADV.DONTFORK, MADV.WIPEONFORK];

function seal(task: Task, start: number, length: number, bits: number): number {
  if (bits !== 0 || start % PAGE !== 0) fail(E.EINVAL);
  const end = start + pageUp(length);
  if (length === 0) return 0;
  task.space.checkMapped(start, end - start);
  for (const area of task.space.areas.carve(start, end)) area.sealed = true;
  return 0;
}

/** Memory is never swapped, so locking only checks its range. */
function lock(task: Task, address: number, length: number): number {
  if (length > 0) task.space.checkMapped(address, length);
  return 0;
}

export const MEMORY: readonly SyscallRow[] = [
  row(
    9,
    'mmap',
    [PLACE, SIZE, PROTECTION, MAP_FLAGS, FD, HEX],
    (task, address, length, prot, bits, fd, offset) => {
      if (offset % PAGE !== 0) fail(E.EINVAL);
      if (bits & MAP.FIXED) requireUnsealed(task, address, length);
      if (bits & MAP.ANONYMOUS) return task.space.mmap(address, length, prot, bits, null, 0);
      const file = task.fds.get(fd);
      if (length === 0) fail(E.EINVAL);
      if ((bits & MAP.TYPE) === MAP.SHARED_VALIDATE && bits & ~MAP_KNOWN) fail(E.EOPNOTSUPP);
      if (offset + length > MAX_OFFSET) fail(E.EOVERFLOW);
      const sealed = ((file.seals ?? 0) & (SEAL.WRITE | SEAL.FUTURE_WRITE)) !== 0;
      if (sealed && bits & MAP.SHARED && prot & PROT.WRITE) fail(E.EPERM);
      const source = { backing: file.backing(), readable: file.readable, writable: file.writable && !sealed };
      return task.space.mmap(address, length, prot, bits, source, offset);
    },
    'address',
  ),
  row(10, 'mprotect', [ADDRESS, SIZE, PROTECTION], (task, address, length, prot) => {
    requireUnsealed(task, address, length);
    task.space.mprotect(address, length, prot);
    return 0;
  }),
  row(11, 'munmap', [ADDRESS, SIZE], (task, address, length) => {
    requireUnsealed(task, address, length);
    task.space.munmap(address, length);
    return 0;
  }),
  row(12, 'brk', [PLACE], (task, address) => task.space.brk(address), 'address'),
  row(
    25,
    'mremap',
    [ADDRESS, SIZE, SIZE, flags(prefixed('MREMAP_', MREMAP)), PLACE],
    (task, address, oldLength, newLength, bits, newAddress) => {
      requireUnsealed(task, address, oldLength);
      if (bits & MREMAP.FIXED) requireUnsealed(task, newAddress, newLength);
      return task.space.mremap(address, oldLength, newLength, bits, newAddress);
    },
    'address',
  ),
  row(26, 'msync', [ADDRESS, SIZE, flags(prefixed('MS_', MS))], (task, address, length, bits) => {
    task.space.msync(address, length, bits);
    return 0;
  }),
  row(27, 'mincore', [ADDRESS, SIZE, OUT_BYTES], (task, address, length, vector) => {
    task.user.write(vector, task.space.mincore(address, length));
    return 0;
  }),
  row(28, 'madvise', [ADDRESS, SIZE, choice(prefixed('MADV_', MADV))], (task, address, length, advice) => {
    if (DISCARDS.includes(advice)) requireUnsealed(task, address, length);
    task.space.madvise(address, length, advice);
    return 0;
  }),
  // Linux emulates it too: the pages are where they belong already, or there is no such mapping.
  row(216, 'remap_file_pages', [ADDRESS, SIZE, PROTECTION, SIZE, HEX], (task, address, length, prot, page, bits) => {
    const area = task.space.areas.at(address);
    if (prot !== 0 || bits & ~MAP.NONBLOCK || area === undefined || area.shared === null) return fail(E.EINVAL);
    const offset = area.offset + (address - area.start);
    return offset === page * PAGE && address + length <= area.end ? 0 : fail(E.EINVAL);
  }),
  row(462, 'mseal', [ADDRESS, SIZE, UINT], seal),
  row(149, 'mlock', [ADDRESS, SIZE], (task, address, length) => lock(task, address, length)),
  row(150, 'munlock', [ADDRESS, SIZE], (task, address, length) => lock(task, address, length)),
  row(151, 'mlockall', [INT], (_task, bits) => {
    if (bits === 0 || bits & ~MCL_ALL) fail(E.EINVAL);
    return 0;
  }),
  row(152, 'munlockall', [], () => 0),
  row(325, 'mlock2', [ADDRESS, SIZE, UINT], (task, address, length, bits) => {
    if (bits & ~MLOCK_ONFAULT) fail(E.EINVAL);
    return lock(task, address, length);
  }),
];
