import { E, fail } from '../errno.ts';
import { AF } from '../net/address.ts';
import { SOCK, type Socket } from '../net/socket.ts';
import type { Task } from '../task.ts';

/** getsockopt(2) and setsockopt(2). Most options are remembered and mean nothing inside one machine. */

const SOL = { SOCKET: 1, IP: 0, TCP: 6, UDP: 17, IPV6: 41 } as const;
const LEVELS: readonly number[] = Object.values(SOL);
const SO = {
  TYPE: 3,
  ERROR: 4,
  SNDBUF: 7,
  RCVBUF: 8,
  OOBINLINE: 10,
  LINGER: 13,
  PASSCRED: 16,
  PEERCRED: 17,
  RCVLOWAT: 18,
  RCVTIMEO: 20,
  SNDTIMEO: 21,
  ACCEPTCONN: 30,
  PROTOCOL: 38,
  DOMAIN: 39,
  RCVTIMEO_NEW: 66,
  SNDTIMEO_NEW: 67,
} as const;
/** The last option of the level SOCKET in Linux 6.x. */
const MOST_SO = 84;
const READ_ONLY: readonly number[] = [SO.TYPE, SO.ERROR, SO.PEERCRED, SO.ACCEPTCONN, SO.PROTOCOL, SO.DOMAIN];
const RECEIVE_TIMEOUTS: readonly number[] = [SO.RCVTIMEO, SO.RCVTIMEO_NEW];
const TIMEOUTS: readonly number[] = [SO.RCVTIMEO, SO.RCVTIMEO_NEW, SO.SNDTIMEO, SO.SNDTIMEO_NEW];
const BUFFER = { usual: 212_992, least: 4608, leastReceived: 2304 } as const;

/** What options are before anybody sets them, where that is not 0: by level and name. */
const DEFAULTS: Readonly<Record<string, number>> = {
  [`${SOL.SOCKET}:${SO.RCVLOWAT}`]: 1,
  [`${SOL.TCP}:2`]: 536,
  [`${SOL.TCP}:4`]: 7200,
  [`${SOL.TCP}:5`]: 75,
  [`${SOL.TCP}:6`]: 9,
  [`${SOL.TCP}:7`]: 6,
  [`${SOL.TCP}:12`]: 1,
  [`${SOL.IP}:2`]: 64,
  [`${SOL.IP}:10`]: 1,
  [`${SOL.IP}:33`]: 1,
  [`${SOL.IP}:34`]: 1,
};

const MICROSECOND = 1000n;
const SECOND = 1_000_000_000n;
const TIMEVAL_BYTES = 16;
const LINGER_BYTES = 8;

export function setOption(task: Task, socket: Socket, level: number, name: number, at: number, length: number): number {
  checkLevel(socket, level, E.ENOPROTOOPT);
  if (level === SOL.SOCKET && TIMEOUTS.includes(name)) return setTimeout(task, socket, name, at, length);
  if (length < 4) fail(E.EINVAL);
  const value = task.user.u32(at) | 0;
  if (level === SOL.SOCKET) checkName(socket, name, true);
  if (level === SOL.SOCKET && name === SO.LINGER) {
    if (length < LINGER_BYTES) fail(E.EINVAL);
    socket.options.set(LINGER_TIME, task.user.u32(at + 4) | 0);
  }
  if (level === SOL.SOCKET && name === SO.OOBINLINE) socket.urgentInline = value !== 0;
  if (level === SOL.SOCKET && name === SO.PASSCRED) socket.passesCredentials = value !== 0;
  socket.options.set(`${level}:${name}`, value);
  return 0;
}

const LINGER_TIME = 'linger time';

function checkLevel(socket: Socket, level: number, unknown: number): void {
  if (socket.family === AF.UNIX && level !== SOL.SOCKET) fail(E.EOPNOTSUPP);
  if (!LEVELS.includes(level)) fail(unknown);
}

function checkName(socket: Socket, name: number, sets: boolean): void {
  if (name <= 0 || name > MOST_SO || (sets && READ_ONLY.includes(name))) fail(E.ENOPROTOOPT);
  if (name === SO.PASSCRED && socket.family !== AF.UNIX) fail(E.EOPNOTSUPP);
}

/** @throws SysError EINVAL for half a structure, EDOM for more than a second of microseconds */
function setTimeout(task: Task, socket: Socket, name: number, at: number, length: number): number {
  if (length < TIMEVAL_BYTES) fail(E.EINVAL);
  const view = task.user.view(at, TIMEVAL_BYTES);
  const [seconds, micros] = [view.getBigInt64(0, true), view.getBigInt64(8, true)];
  if (micros < 0n || micros * MICROSECOND >= SECOND) fail(E.EDOM);
  const time = seconds < 0n ? 0n : seconds * SECOND + micros * MICROSECOND;
  if (RECEIVE_TIMEOUTS.includes(name)) socket.readTimeout = time;
  else socket.writeTimeout = time;
  return 0;
}

function bytesOf(socket: Socket, level: number, name: number): Uint8Array {
  const words = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);
  const key = `${level}:${name}`;
  const kept = socket.options.get(key);
  if (level !== SOL.SOCKET) return words(kept ?? DEFAULTS[key] ?? 0);
  checkName(socket, name, false);
  switch (name) {
    case SO.TYPE:
      return words(socket.type);
    case SO.DOMAIN:
      return words(socket.family);
    case SO.PROTOCOL:
      return words(socket.family === AF.UNIX ? 0 : socket.type === SOCK.STREAM ? SOL.TCP : SOL.UDP);
    case SO.ERROR: {
      const { error } = socket;
      socket.error = 0;
      return words(error);
    }
    case SO.ACCEPTCONN:
      return words(socket.backlog === null ? 0 : 1);
    case SO.SNDBUF:
      return words(kept === undefined ? BUFFER.usual : Math.max(BUFFER.least, 2 * kept));
    case SO.RCVBUF:
      return words(kept === undefined ? BUFFER.usual : Math.max(BUFFER.leastReceived, 2 * kept));
    case SO.LINGER:
      return words(kept === undefined || kept === 0 ? 0 : 1, socket.options.get(LINGER_TIME) ?? 0);
    case SO.PEERCRED:
      return words(socket.peer.pid, socket.peer.uid, socket.peer.gid);
    case SO.RCVTIMEO:
    case SO.RCVTIMEO_NEW:
      return timeval(socket.readTimeout);
    case SO.SNDTIMEO:
    case SO.SNDTIMEO_NEW:
      return timeval(socket.writeTimeout);
    default:
      return words(kept ?? DEFAULTS[key] ?? 0);
  }
}

const timeval = (time: bigint): Uint8Array =>
  new Uint8Array(BigInt64Array.of(time / SECOND, (time % SECOND) / MICROSECOND).buffer);

export function getOption(
  task: Task,
  socket: Socket,
  level: number,
  name: number,
  at: number,
  lengthAt: number,
): number {
  checkLevel(socket, level, E.EOPNOTSUPP);
  const room = task.user.u32(lengthAt) | 0;
  if (room < 0) fail(E.EINVAL);
  const bytes = bytesOf(socket, level, name).subarray(0, room);
  task.user.write(at, bytes);
  task.user.setU32(lengthAt, bytes.length);
  return 0;
}
