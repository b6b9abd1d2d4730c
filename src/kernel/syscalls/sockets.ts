import { Blocked } from '../block.ts';
import { ACCESS } from '../credentials.ts';
import { E, fail, SysError } from '../errno.ts';
import { MemorySpecial } from '../fs/memory.ts';
import { O, S_IF } from '../fs/mode.ts';
import type { OpenFile } from '../fs/open-file.ts';
import { requireAccess, resolve, resolveExisting } from '../fs/resolve.ts';
import { type Address, AF, addressBytes, parseAddress } from '../net/address.ts';
import { type Peer, type Received, SHUT, SOCK, Socket } from '../net/socket.ts';
import type { Task } from '../task.ts';
import { within } from '../wait.ts';
import { ADDRESS, choice, FD, type FlagNames, flags, INT, inBytes, OUT_BYTES, SIZE, UINT } from './args.ts';
import { withSigpipe } from './broken-pipe.ts';
import { requireFree } from './paths.ts';
import { row, type SyscallRow } from './row.ts';
import { getOption, setOption } from './socket-options.ts';

const TYPE_BITS = O.NONBLOCK | O.CLOEXEC;
const FAMILIES: readonly number[] = [AF.UNIX, AF.INET, AF.INET6];
/** SOCK_MAX is one more. */
const MOST_TYPE = 10;
const TYPES: readonly number[] = Object.values(SOCK);
const MSG = {
  OOB: 1,
  PEEK: 2,
  TRUNC: 0x20,
  CTRUNC: 8,
  DONTWAIT: 0x40,
  WAITALL: 0x100,
  NOSIGNAL: 0x4000,
  CMSG_CLOEXEC: 0x4000_0000,
} as const;

const ownerOf = ({ process }: Task): Peer => {
  const { euid, egid } = process.credentials;
  return { pid: process.pid, uid: euid, gid: egid };
};

function make(task: Task, family: number, kind: number, protocol: number): Socket {
  const type = kind & ~TYPE_BITS;
  if (!FAMILIES.includes(family)) fail(E.EAFNOSUPPORT);
  // Raw sockets and other families lead to a network that is not there.
  if (type > MOST_TYPE) fail(E.EINVAL);
  if (!TYPES.includes(type)) fail(type === 3 ? E.EPERM : E.EPROTONOSUPPORT);
  if (family !== AF.UNIX && type === SOCK.SEQPACKET) fail(E.EPROTONOSUPPORT);
  const natural = type === SOCK.STREAM ? 6 : 17;
  if (protocol !== 0 && (family === AF.UNIX ? protocol !== AF.UNIX : protocol !== natural)) fail(E.EPROTONOSUPPORT);
  const { net } = task.kernel;
  return new Socket(net, family, type, net.inode(), kind & O.NONBLOCK, ownerOf(task));
}

/** @throws SysError EBADF, ENOTSOCK */
function socketAt(task: Task, fd: number): Socket {
  const file = task.fds.get(fd);
  return file instanceof Socket ? file : fail(E.ENOTSOCK);
}

const MOST_ADDRESS = 128;
const SOCKADDR_IN = 16;

function addressAt(task: Task, at: number, length: number, family: number): Address {
  if (length < 0 || length > MOST_ADDRESS) fail(E.EINVAL);
  return parseAddress(task.user.read(at, length), family);
}

/** Gives an address back: cut to the room there is, with its whole length. */
function tell(task: Task, address: Address | null, at: number, lengthAt: number): void {
  if (at === 0 || lengthAt === 0) return;
  const room = task.user.u32(lengthAt) | 0;
  if (room < 0) fail(E.EINVAL);
  const bytes = address === null ? new Uint8Array(0) : addressBytes(address);
  task.user.write(at, bytes.subarray(0, room));
  task.user.setU32(lengthAt, bytes.length);
}

/** The socket behind an AF_UNIX path or abstract name, or an Internet address. @throws SysError ENOENT, ECONNREFUSED, EACCES */
function bearer(task: Task, address: Address, type: number): Socket | null {
  if (address.family !== AF.UNIX || address.name === '' || address.name.startsWith('\0'))
    return task.kernel.net.find(address, type);
  const inode = resolveExisting(task.process.paths, task.process.cwd, address.name, true);
  requireAccess(inode, ACCESS.WRITE, task.process.credentials);
  const { dev, ino } = inode.attributes();
  return task.kernel.net.findUnix(`${dev}:${ino}`);
}

function bind(task: Task, fd: number, at: number, length: number): number {
  const socket = socketAt(task, fd);
  if (socket.family === AF.INET && length < SOCKADDR_IN) fail(E.EINVAL);
  const address = addressAt(task, at, length, socket.family);
  if (address.family === AF.UNSPEC) fail(socket.family === AF.UNIX ? E.EINVAL : E.EAFNOSUPPORT);
  const { net } = task.kernel;
  if (address.family !== AF.UNIX) {
    net.bind(socket, address);
    return 0;
  }
  if (address.name === '') {
    if (socket.bound) return 0;
    net.bindUnix(socket, `\0auto${net.inode()}`, {
      family: AF.UNIX,
      name: `\0${net.inode().toString(16).padStart(5, '0')}`,
    });
    return 0;
  }
  if (address.name.startsWith('\0')) {
    net.bindUnix(socket, address.name, address);
    return 0;
  }
  const { process } = task;
  const place = resolve(process.paths, process.cwd, address.name, false);
  if (place.inode !== null) fail(E.EADDRINUSE);
  if (socket.bound) fail(E.EINVAL);
  requireFree(task, place);
  const inode = place.directory.mknod(place.name, S_IF.SOCK | (0o777 & ~process.umask));
  if (!(inode instanceof MemorySpecial)) return fail(E.EPERM);
  const { dev, ino } = inode.attributes();
  net.bindUnix(socket, `${dev}:${ino}`, address);
  return 0;
}

function connect(task: Task, fd: number, at: number, length: number): number {
  const socket = socketAt(task, fd);
  const address = addressAt(task, at, length, socket.family);
  if (socket.type === SOCK.DGRAM && address.family === AF.UNIX) {
    const found = bearer(task, address, socket.type) ?? fail(E.ECONNREFUSED);
    if (found.type !== socket.type) fail(E.EPROTOTYPE);
  }
  return within(task, socket.writeTimeout, E.EINPROGRESS, () => {
    socket.connect(address, () => bearer(task, address, socket.type));
    return 0;
  });
}

function accept(task: Task, fd: number, at: number, lengthAt: number, bits: number): number {
  if (bits & ~TYPE_BITS) fail(E.EINVAL);
  const listener = socketAt(task, fd);
  const socket = within(task, listener.readTimeout, E.EAGAIN, () => listener.accept());
  socket.flags |= bits & O.NONBLOCK;
  const number = task.fds.add(socket, (bits & O.CLOEXEC) !== 0);
  tell(task, socket.remote, at, lengthAt);
  return number;
}

/** Sends, and raises SIGPIPE where Linux does. */
function send(
  task: Task,
  fd: number,
  bytes: Uint8Array,
  files: readonly OpenFile[],
  bits: number,
  to: Address | null,
): number {
  const socket = socketAt(task, fd);
  if (to !== null && to.family !== AF.UNSPEC && socket.type !== SOCK.DGRAM)
    fail(socket.connected ? E.EISCONN : E.EOPNOTSUPP);
  const urgent = (bits & MSG.OOB) !== 0;
  if (urgent && socket.type !== SOCK.STREAM) fail(E.EOPNOTSUPP);
  const step = (): number => sendTo(task, socket, urgent ? bytes.subarray(0, -1) : bytes, files, bits, to);
  return withSigpipe(
    task,
    () => {
      const sent = urgent && bytes.length === 1 ? 0 : within(task, socket.writeTimeout, E.EAGAIN, step);
      if (!urgent || bytes.length === 0) return sent;
      socket.sendUrgent(bytes.at(-1)!);
      return sent + 1;
    },
    (bits & MSG.NOSIGNAL) !== 0,
  );
}

function sendTo(
  task: Task,
  socket: Socket,
  bytes: Uint8Array,
  files: readonly OpenFile[],
  bits: number,
  to: Address | null,
): number {
  if (to !== null && to.family === AF.UNIX) {
    // A path is looked up as the caller sees it.
    const found = bearer(task, to, socket.type) ?? fail(E.ECONNREFUSED);
    if (found.type !== socket.type) fail(E.EPROTOTYPE);
    return sendOn(socket, bytes, files, bits, found);
  }
  const target = to?.family === AF.UNSPEC ? null : to;
  if (target === null && socket.type === SOCK.DGRAM && socket.remote?.family === AF.UNIX && !socket.connected)
    return sendOn(socket, bytes, files, bits, bearer(task, socket.remote, socket.type) ?? fail(E.ECONNREFUSED));
  const wait = (bits & MSG.DONTWAIT) === 0;
  if (socket.type !== SOCK.STREAM || !wait || socket.nonblocking) return socket.send(bytes, files, target, wait);
  return sendWhole(task, socket, bytes, files);
}

/** A stream that may wait takes everything; what a signal or an error cuts short is told by its length. */
function sendWhole(task: Task, socket: Socket, bytes: Uint8Array, files: readonly OpenFile[]): number {
  let done = task.resumed === null ? 0 : task.progress;
  do {
    try {
      done += socket.send(bytes.subarray(done), done === 0 ? files : [], null, true);
    } catch (error) {
      if (done > 0 && error instanceof SysError) return done;
      if (!(error instanceof Blocked)) throw error;
      if (done > 0 && task.resumed?.timedOut) return done;
      task.progress = done;
      throw new Blocked(error.wait.reason, done > 0 ? { ...error.wait, interrupted: () => done } : error.wait);
    }
  } while (done < bytes.length);
  return done;
}

/** A datagram to a socket that was found by its path. */
function sendOn(socket: Socket, bytes: Uint8Array, files: readonly OpenFile[], bits: number, target: Socket): number {
  const before = socket.outgoing;
  socket.outgoing = target.incoming;
  try {
    return socket.send(bytes, files, null, (bits & MSG.DONTWAIT) === 0);
  } finally {
    socket.outgoing = before;
  }
}

function sendto(
  task: Task,
  fd: number,
  at: number,
  length: number,
  bits: number,
  to: number,
  toLength: number,
): number {
  const { family } = socketAt(task, fd);
  const address = to === 0 ? null : addressAt(task, to, toLength, family);
  return send(task, fd, task.user.read(at, Math.min(length, MOST_BYTES)), [], bits, address);
}

const MOST_BYTES = 1 << 24;

/** A sender without a name is told as none. */
const isNameless = (address: Address | null): boolean => address?.family === AF.UNIX && address.name === '';

/** Where received bytes go. */
type Vectors = readonly { readonly address: number; readonly length: number }[];

/** Lays bytes into vectors, from byte `offset` of them on. */
function scatter(task: Task, vectors: Vectors, offset: number, bytes: Uint8Array): void {
  let begin = 0;
  for (const { address, length } of vectors) {
    const from = Math.max(0, offset - begin);
    const done = begin + from - offset;
    if (from < length && done < bytes.length)
      task.user.write(address + from, bytes.subarray(done, done + length - from));
    begin += length;
  }
}

/** Receives into vectors. MSG_WAITALL goes on until all is there; what was there before a wait is told where it ends early. */
function receive(task: Task, socket: Socket, vectors: Vectors, bits: number): Received & { readonly done: number } {
  const room = Math.min(
    MOST_BYTES,
    vectors.reduce((sum, { length }) => sum + length, 0),
  );
  if (bits & MSG.OOB) {
    const bytes = socket.receiveUrgent((bits & MSG.PEEK) !== 0).subarray(0, room);
    scatter(task, vectors, 0, bytes);
    return { bytes, files: [], from: null, whole: 1, done: bytes.length };
  }
  const peek = (bits & MSG.PEEK) !== 0;
  const wait = (bits & MSG.DONTWAIT) === 0;
  const all = (bits & MSG.WAITALL) !== 0 && !peek && socket.type === SOCK.STREAM;
  let done = task.resumed === null ? 0 : task.progress;
  task.progress = 0;
  for (;;) {
    try {
      const step = (): Received => socket.receive({ length: room - done, peek, wait });
      const got = done > 0 && task.resumed?.timedOut ? step() : within(task, socket.readTimeout, E.EAGAIN, step);
      scatter(task, vectors, done, got.bytes);
      done += got.bytes.length;
      if (!all || done >= room || got.bytes.length === 0 || got.files.length > 0) return { ...got, done };
    } catch (error) {
      const none = { bytes: new Uint8Array(0), files: [], from: null, whole: done, done };
      if (done > 0 && error instanceof SysError) return none;
      if (done === 0 || !(error instanceof Blocked)) throw error;
      if (task.resumed?.timedOut) return none;
      task.progress = done;
      throw new Blocked(error.wait.reason, { ...error.wait, interrupted: () => done });
    }
  }
}

function recvfrom(
  task: Task,
  fd: number,
  at: number,
  length: number,
  bits: number,
  from: number,
  fromLength: number,
): number {
  const socket = socketAt(task, fd);
  const got = receive(task, socket, [{ address: at, length }], bits);
  for (const file of got.files) file.release();
  tell(task, isNameless(got.from) ? null : got.from, from, fromLength);
  return bits & MSG.TRUNC && socket.type !== SOCK.STREAM ? got.whole : got.done;
}

/** `struct msghdr`: name, name length, vectors, their count, control, its length, flags. */
const MSGHDR_BYTES = 56;
const CMSG_HEADER = 16;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;
const CREDENTIAL_BYTES = 12;
const MOST_FILES = 253;
const IOV_MAX = 1024;
const alignUp = (length: number): number => (length + 7) & ~7;

interface MessageHeader {
  readonly name: number;
  readonly nameLength: number;
  readonly vectors: readonly { readonly address: number; readonly length: number }[];
  readonly control: number;
  readonly controlLength: number;
}

function headerAt(task: Task, at: number): MessageHeader {
  const { user } = task;
  const view = user.view(at, MSGHDR_BYTES);
  const count = Number(view.getBigUint64(24, true));
  if (count > IOV_MAX) fail(E.EMSGSIZE);
  const vector = user.word(at + 16);
  const vectors = Array.from({ length: count }, (_, i) => ({
    address: user.word(vector + 16 * i),
    length: Number(user.u64(vector + 16 * i + 8)),
  }));
  return {
    name: user.word(at),
    nameLength: view.getInt32(8, true),
    vectors,
    control: user.word(at + 32),
    controlLength: Number(view.getBigUint64(40, true)),
  };
}

/** Open files that the control messages name. */
function filesOf(task: Task, { control, controlLength }: MessageHeader): OpenFile[] {
  const files: OpenFile[] = [];
  for (let at = control; control !== 0 && at + CMSG_HEADER <= control + controlLength; ) {
    const view = task.user.view(at, CMSG_HEADER);
    const length = Number(view.getBigUint64(0, true));
    if (length < CMSG_HEADER || at + length > control + controlLength) fail(E.EINVAL);
    if (view.getInt32(8, true) === SOL_SOCKET && view.getInt32(12, true) === SCM_RIGHTS) {
      const count = (length - CMSG_HEADER) >> 2;
      if (files.length + count > MOST_FILES) fail(E.EINVAL);
      for (let i = 0; i < count; i++) files.push(task.fds.get(task.user.u32(at + CMSG_HEADER + 4 * i) | 0));
    }
    at += alignUp(length);
  }
  return files;
}

export function sendmsg(task: Task, fd: number, at: number, bits: number): number {
  const socket = socketAt(task, fd);
  const header = headerAt(task, at);
  const to = header.name === 0 ? null : addressAt(task, header.name, header.nameLength, socket.family);
  const files = filesOf(task, header);
  if (files.length > 0 && socket.family !== AF.UNIX) fail(E.EINVAL);
  const bytes = Buffer.concat(header.vectors.map(({ address, length }) => task.user.read(address, length)));
  return send(task, fd, bytes, files, bits, to);
}

export function recvmsg(task: Task, fd: number, at: number, bits: number): number {
  const header = headerAt(task, at);
  const socket = socketAt(task, fd);
  const got = receive(task, socket, header.vectors, bits);
  let told = socket.type !== SOCK.STREAM && got.whole > got.bytes.length ? MSG.TRUNC : 0;
  if (bits & MSG.CMSG_CLOEXEC) told |= MSG.CMSG_CLOEXEC;
  let used = 0;
  if (socket.passesCredentials && header.control !== 0) {
    // SCM_CREDENTIALS: who has sent it.
    used = CMSG_HEADER + CREDENTIAL_BYTES;
    if (header.controlLength < used) {
      told |= MSG.CTRUNC;
      used = 0;
    } else {
      const { pid, uid, gid } = got.sender ?? socket.peer;
      const words = Uint32Array.of(used, 0, SOL_SOCKET, SCM_CREDENTIALS, pid, uid, gid);
      task.user.write(header.control, new Uint8Array(words.buffer));
      used = Math.min(alignUp(used), header.controlLength);
    }
  }
  if (got.files.length > 0) {
    const control = header.control + used;
    const left = header.control === 0 ? 0 : header.controlLength - used;
    const fits = Math.max(0, Math.floor((left - CMSG_HEADER) / 4));
    if (fits < got.files.length) told |= MSG.CTRUNC;
    const numbers = got.files.slice(0, fits).map((file) => task.fds.add(file, (bits & MSG.CMSG_CLOEXEC) !== 0));
    if (!(bits & MSG.PEEK)) for (const file of got.files) file.release();
    if (numbers.length > 0) {
      const length = CMSG_HEADER + 4 * numbers.length;
      task.user.setU64(control, length);
      task.user.setU32(control + 8, SOL_SOCKET);
      task.user.setU32(control + 12, SCM_RIGHTS);
      for (const [i, number] of numbers.entries()) task.user.setU32(control + CMSG_HEADER + 4 * i, number);
      used += Math.min(alignUp(length), left);
    }
  }
  const name = got.from === null || isNameless(got.from) ? new Uint8Array(0) : addressBytes(got.from);
  if (header.name !== 0) {
    task.user.write(header.name, name.subarray(0, header.nameLength));
    task.user.setU32(at + 8, name.length);
  }
  task.user.setU64(at + 40, used);
  task.user.setU32(at + 48, told);
  return bits & MSG.TRUNC && socket.type !== SOCK.STREAM ? got.whole : got.done;
}

function socketpair(task: Task, family: number, kind: number, protocol: number, out: number): number {
  const pair = [make(task, family, kind, protocol), make(task, family, kind, protocol)] as const;
  if (family !== AF.UNIX) fail(E.EOPNOTSUPP);
  pair[0].join(pair[1]);
  const closes = (kind & O.CLOEXEC) !== 0;
  const numbers = pair.map((socket) => task.fds.add(socket, closes));
  task.user.write(out, new Uint8Array(Int32Array.from(numbers).buffer));
  return 0;
}

const FAMILY_NAMES = choice({ AF_UNIX: 1, AF_INET: 2, AF_INET6: 10, AF_NETLINK: 16, AF_PACKET: 17 });
const TYPE_NAMES: FlagNames = {
  SOCK_CLOEXEC: O.CLOEXEC,
  SOCK_NONBLOCK: O.NONBLOCK,
  SOCK_SEQPACKET: 5,
  SOCK_RAW: 3,
  SOCK_DGRAM: 2,
  SOCK_STREAM: 1,
};
const KIND = flags(TYPE_NAMES);
const MSG_NAMES = flags({
  '0': 0,
  ...Object.fromEntries(Object.entries(MSG).map(([name, bit]) => [`MSG_${name}`, bit])),
});

export const SOCKETS: readonly SyscallRow[] = [
  row(41, 'socket', [FAMILY_NAMES, KIND, INT], (task, family, kind, protocol) =>
    task.fds.add(make(task, family, kind, protocol), (kind & O.CLOEXEC) !== 0),
  ),
  row(42, 'connect', [FD, ADDRESS, INT], connect),
  row(43, 'accept', [FD, ADDRESS, ADDRESS], (task, fd, at, lengthAt) => accept(task, fd, at, lengthAt, 0)),
  row(44, 'sendto', [FD, inBytes(2), SIZE, MSG_NAMES, ADDRESS, INT], sendto),
  row(45, 'recvfrom', [FD, OUT_BYTES, SIZE, MSG_NAMES, ADDRESS, ADDRESS], recvfrom),
  row(46, 'sendmsg', [FD, ADDRESS, MSG_NAMES], sendmsg),
  row(47, 'recvmsg', [FD, ADDRESS, MSG_NAMES], recvmsg),
  row(48, 'shutdown', [FD, choice({ SHUT_RD: 0, SHUT_WR: 1, SHUT_RDWR: 2 })], (task, fd, how) => {
    const socket = socketAt(task, fd);
    if (how < SHUT.RD || how > SHUT.RDWR) fail(E.EINVAL);
    socket.shutdown(how);
    return 0;
  }),
  row(49, 'bind', [FD, ADDRESS, INT], bind),
  row(50, 'listen', [FD, INT], (task, fd, backlog) => {
    socketAt(task, fd).listen(backlog);
    return 0;
  }),
  row(51, 'getsockname', [FD, ADDRESS, ADDRESS], (task, fd, at, lengthAt) => {
    tell(task, socketAt(task, fd).local, at, lengthAt);
    return 0;
  }),
  row(52, 'getpeername', [FD, ADDRESS, ADDRESS], (task, fd, at, lengthAt) => {
    const { remote } = socketAt(task, fd);
    tell(task, remote ?? fail(E.ENOTCONN), at, lengthAt);
    return 0;
  }),
  row(53, 'socketpair', [FAMILY_NAMES, KIND, INT, ADDRESS], socketpair),
  row(54, 'setsockopt', [FD, INT, INT, ADDRESS, INT], (task, fd, level, name, at, length) =>
    setOption(task, socketAt(task, fd), level, name, at, length),
  ),
  row(55, 'getsockopt', [FD, INT, INT, ADDRESS, ADDRESS], (task, fd, level, name, at, lengthAt) =>
    getOption(task, socketAt(task, fd), level, name, at, lengthAt),
  ),
  row(288, 'accept4', [FD, ADDRESS, ADDRESS, UINT], accept),
];
