import { E, fail } from '../errno.ts';
import type { Task } from '../task.ts';
import { MADV, MAP, MREMAP, MS, PROT } from '../vm/flags.ts';
import { PAGE } from '../vm/layout.ts';
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

const MLOCK_ONFAULT = 1;
const MCL_ALL = 7;

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
      if (bits & MAP.ANONYMOUS) return task.space.mmap(address, length, prot, bits, null, 0);
      const file = task.fds.get(fd);
      if (length === 0) fail(E.EINVAL);
      const source = { backing: file.backing(), readable: file.readable, writable: file.writable };
      return task.space.mmap(address, length, prot, bits, source, offset);
    },
    'address',
  ),
  row(10, 'mprotect', [ADDRESS, SIZE, PROTECTION], (task, address, length, prot) => {
    task.space.mprotect(address, length, prot);
    return 0;
  }),
  row(11, 'munmap', [ADDRESS, SIZE], (task, address, length) => {
    task.space.munmap(address, length);
    return 0;
  }),
  row(12, 'brk', [PLACE], (task, address) => task.space.brk(address), 'address'),
  row(
    25,
    'mremap',
    [ADDRESS, SIZE, SIZE, flags(prefixed('MREMAP_', MREMAP)), PLACE],
    (task, address, oldLength, newLength, bits, newAddress) =>
      task.space.mremap(address, oldLength, newLength, bits, newAddress),
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
    task.space.madvise(address, length, advice);
    return 0;
  }),
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
