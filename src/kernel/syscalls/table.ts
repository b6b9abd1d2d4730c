import { CLONING } from './clone.ts';
import { DESCRIPTORS } from './descriptors.ts';
import { DIRECTORIES } from './directories.ts';
import { EVENTS } from './events.ts';
import { FUTEXES } from './futex.ts';
import { IDENTITY } from './identity.ts';
import { IO } from './io.ts';
import { LOCKS } from './locks.ts';
import { MEMORY } from './memory.ts';
import { MESSAGES } from './messages.ts';
import { METADATA } from './metadata.ts';
import { POLLING } from './poll.ts';
import { PRIVILEGES } from './privileges.ts';
import { PROCESS } from './process.ts';
import { REMOTE } from './remote.ts';
import type { SyscallRow } from './row.ts';
import { RSEQ } from './rseq.ts';
import { SCHEDULING } from './scheduling.ts';
import { SIGNALS } from './signals.ts';
import { SOCKETS } from './sockets.ts';
import { SPLICING } from './splice.ts';
import { STUBS } from './stubs.ts';
import { SYSTEM } from './system.ts';
import { TIME } from './time.ts';
import { TIMERS } from './timers.ts';
import { WAITING } from './wait.ts';

/** Every implemented system call, by number. Dispatch, strace text and the list of what is covered come from here. */
export const SYSCALLS: ReadonlyMap<number, SyscallRow> = new Map(
  [
    IO,
    DESCRIPTORS,
    LOCKS,
    SPLICING,
    MESSAGES,
    SCHEDULING,
    PRIVILEGES,
    METADATA,
    DIRECTORIES,
    POLLING,
    MEMORY,
    PROCESS,
    REMOTE,
    RSEQ,
    IDENTITY,
    SYSTEM,
    SIGNALS,
    SOCKETS,
    FUTEXES,
    TIME,
    TIMERS,
    CLONING,
    EVENTS,
    WAITING,
    STUBS,
  ]
    .flat()
    .sort((a, b) => a.number - b.number)
    .map((row) => [row.number, row]),
);
