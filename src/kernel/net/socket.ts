import { Blocked } from '../block.ts';
import { E, fail } from '../errno.ts';
import { ANONYMOUS_DEV } from '../fs/anonymous.ts';
import type { Attributes } from '../fs/inode.ts';
import { O, POLL, S_IF } from '../fs/mode.ts';
import { OpenFile } from '../fs/open-file.ts';
import type { Task } from '../task.ts';
import { type Address, AF, isLocal, loopback, unnamed } from './address.ts';
import { CAPACITY, Channel, type Message } from './channel.ts';
import type { Network } from './network.ts';

export const SOCK = { STREAM: 1, DGRAM: 2, SEQPACKET: 5 } as const;
/** Bytes that UDP carries. */
const MOST_DATAGRAM = 65_507;
const SIOCATMARK = 0x8905;
const SIOCOUTQ = 0x5411;

export const SHUT = { RD: 0, WR: 1, RDWR: 2 } as const;

/** Who is at the other end (SO_PEERCRED). */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}
export const NOBODY: Peer = { pid: 0, uid: 0xffff_ffff, gid: 0xffff_ffff };

/** How one call receives. */
export interface Receiving {
  readonly length: number;
  readonly peek: boolean;
  /** False: an error instead of a wait, whatever the descriptor says. */
  readonly wait: boolean;
}

/** What was received. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly files: readonly OpenFile[];
  readonly from: Address | null;
  /** Who has sent it, where that is not the peer. */
  readonly sender?: Peer;
  /** Length of the whole message; more than there are bytes where it was cut. */
  readonly whole: number;
}

/** A socket inside the one machine: AF_UNIX, or the loopback of AF_INET and AF_INET6. */
export class Socket extends OpenFile {
  readonly family: number;
  readonly type: number;
  readonly network: Network;
  readonly owner: Peer;
  readonly #ino: number;
  local: Address;
  remote: Address | null = null;
  peer: Peer = NOBODY;
  /** Connections that wait for accept(2); null: it does not listen. */
  backlog: Socket[] | null = null;
  #most = 0;
  #arrivals = 0;
  /** What it receives, and where what it sends goes. */
  readonly incoming = new Channel();
  outgoing: Channel | null = null;
  bound = false;
  /** SO_ERROR; options by level and name that were set and mean nothing here. */
  error = 0;
  readonly options = new Map<string, number>();
  /** SO_OOBINLINE, SO_PASSCRED. */
  urgentInline = false;
  passesCredentials = false;
  /** A connection was made, and nobody was told yet. */
  #connecting = false;

  constructor(network: Network, family: number, type: number, ino: number, flags: number, owner: Peer) {
    super(`socket:[${ino}]`, O.RDWR | flags);
    this.network = network;
    this.family = family;
    this.type = type;
    this.#ino = ino;
    this.owner = owner;
    this.local = unnamed(family);
  }

  get #isStream(): boolean {
    return this.type === SOCK.STREAM;
  }
  get connected(): boolean {
    return this.outgoing !== null;
  }

  attributes(): Attributes {
    const time = { atime: 0n, mtime: 0n, ctime: 0n };
    return {
      dev: ANONYMOUS_DEV,
      ino: this.#ino,
      mode: S_IF.SOCK | 0o777,
      nlink: 1,
      uid: 0,
      gid: 0,
      rdev: 0,
      size: 0,
      ...time,
    };
  }

  /** Connects two sockets that are each other's peers (socketpair(2), accept(2)). */
  join(other: Socket): void {
    this.outgoing = other.incoming;
    other.outgoing = this.incoming;
    this.peer = other.owner;
    other.peer = this.owner;
    this.remote = other.local;
    other.remote = this.local;
  }

  listen(backlog: number): void {
    if (this.type === SOCK.DGRAM) fail(E.EOPNOTSUPP);
    if (this.connected) fail(E.EINVAL);
    if (!this.bound) {
      if (this.family === AF.UNIX) fail(E.EINVAL);
      this.network.bind(this, unnamed(this.family));
    }
    this.backlog ??= [];
    this.#most = Math.max(1, backlog);
  }

  /** connect(2) to whoever is bound there. @throws SysError ECONNREFUSED, EISCONN, ENETUNREACH …; Blocked */
  connect(address: Address, target: () => Socket | null): void {
    if (this.type === SOCK.DGRAM) {
      this.outgoing = null;
      this.remote = address.family === AF.UNSPEC ? null : address;
      if (this.remote !== null && this.family !== AF.UNIX && !this.bound) this.network.bind(this, unnamed(this.family));
      return;
    }
    if (this.backlog !== null) fail(E.EINVAL);
    if (address.family === AF.UNSPEC) return this.#disconnect();
    this.#failPending();
    if (this.#connecting) {
      this.#connecting = false;
      return;
    }
    if (this.connected) fail(E.EISCONN);
    if (!isLocal(address)) fail(E.ENETUNREACH);
    const listener = target();
    // A TCP connection takes a while: who does not wait hears later what became of it.
    const later = this.family !== AF.UNIX && this.nonblocking;
    if (listener === null || listener.backlog === null) {
      if (!later) return fail(E.ECONNREFUSED);
      this.error = E.ECONNREFUSED;
      return fail(E.EINPROGRESS);
    }
    if (listener.type !== this.type) fail(E.EPROTOTYPE);
    if (listener.backlog.length >= listener.#most) {
      if (this.nonblocking) fail(E.EAGAIN);
      throw new Blocked('room among the waiting connections', {
        ready: () => listener.backlog === null || listener.backlog.length < listener.#most,
      });
    }
    if (this.family !== AF.UNIX && !this.bound) this.network.bind(this, loopback(this.family, 0));
    const far = new Socket(this.network, this.family, this.type, this.network.inode(), 0, listener.owner);
    far.local = this.family === AF.UNIX ? listener.local : loopback(this.family, portOf(listener.local));
    this.join(far);
    listener.backlog.push(far);
    listener.#arrivals++;
    if (!later) return;
    this.#connecting = true;
    fail(E.EINPROGRESS);
  }

  /** connect(2) to nobody ends a connection. */
  #disconnect(): void {
    this.outgoing?.end();
    this.outgoing = null;
    this.remote = null;
  }

  /** Fails with what went wrong since the last call. */
  #failPending(): void {
    const { error } = this;
    this.error = 0;
    if (error !== 0) fail(error);
  }

  /** accept(2). @throws SysError EINVAL, EAGAIN; Blocked */
  accept(): Socket {
    const { backlog } = this;
    if (this.type === SOCK.DGRAM) fail(E.EOPNOTSUPP);
    if (backlog === null) return fail(E.EINVAL);
    const next = backlog.shift();
    if (next !== undefined) return next;
    if (this.nonblocking) fail(E.EAGAIN);
    throw new Blocked('a connection', { ready: () => backlog.length > 0 || this.backlog === null });
  }

  shutdown(how: number): void {
    if (!this.connected && this.type !== SOCK.DGRAM) fail(E.ENOTCONN);
    // Of a TCP connection that both sides have ended nothing is left.
    if (this.family !== AF.UNIX && this.incoming.ended && this.outgoing?.ended) fail(E.ENOTCONN);
    if (how === SHUT.RD || how === SHUT.RDWR) this.incoming.end();
    if (how === SHUT.WR || how === SHUT.RDWR) this.outgoing?.end();
  }

  /** Sends bytes, to `to` where a datagram names its receiver. Returns how many. */
  send(bytes: Uint8Array, files: readonly OpenFile[], to: Address | null, wait: boolean): number {
    this.#failPending();
    const target = this.#isStream || this.type === SOCK.SEQPACKET ? this.outgoing : this.#datagramTarget(to);
    if (target === null) {
      if (this.type === SOCK.DGRAM) return fail(E.EDESTADDRREQ);
      return fail(this.#isStream && this.family !== AF.UNIX ? E.EPIPE : E.ENOTCONN);
    }
    if (target.ended || target.refused) fail(this.type === SOCK.DGRAM ? E.ECONNREFUSED : E.EPIPE);
    const length = this.#isStream ? Math.min(bytes.length, target.room) : bytes.length;
    const most = this.family === AF.UNIX ? CAPACITY : MOST_DATAGRAM;
    if (!this.#isStream && bytes.length > most) fail(E.EMSGSIZE);
    if ((this.#isStream && length === 0 && bytes.length > 0) || (!this.#isStream && bytes.length > target.room)) {
      if (!wait || this.nonblocking) fail(E.EAGAIN);
      // Who fills a stream waits until a good part of it has been read.
      const needed = this.#isStream ? Math.min(bytes.length, CAPACITY / 4) : bytes.length;
      throw new Blocked('room in a socket', { ready: () => target.ended || target.refused || target.room >= needed });
    }
    const message: Message = {
      bytes: bytes.slice(0, length),
      files: files.map((file) => file.retain()),
      from: this.local,
      sender: this.owner,
    };
    target.put(message);
    return length;
  }

  /** Sends one byte out of band (MSG_OOB); one that was not read becomes part of the stream. */
  sendUrgent(byte: number): void {
    const target = this.outgoing ?? fail(E.ENOTCONN);
    if (target.ended || target.refused) fail(E.EPIPE);
    target.putUrgent({ bytes: Uint8Array.of(byte), files: [], from: this.local, sender: this.owner });
  }

  /** The byte out of band. @throws SysError EINVAL where none waits, or it stands in the stream; EAGAIN */
  receiveUrgent(peek: boolean): Uint8Array {
    if (this.type !== SOCK.STREAM) fail(E.EOPNOTSUPP);
    const { incoming } = this;
    if (this.urgentInline || incoming.urgent === null || incoming.urgentRead) return fail(E.EINVAL);
    if (!peek) incoming.urgentRead = true;
    return incoming.urgent.bytes;
  }

  #datagramTarget(to: Address | null): Channel | null {
    if (to === null && this.outgoing !== null) return this.outgoing;
    const address = to ?? this.remote;
    if (address === null) return null;
    if (!isLocal(address)) fail(E.ENETUNREACH);
    if (this.family !== AF.UNIX && !this.bound) this.network.bind(this, loopback(this.family, 0));
    const target = this.network.find(address, this.type);
    // UDP to nobody is lost; a name that nobody has is an error.
    if (target === null) {
      if (this.family === AF.UNIX) return fail(E.ECONNREFUSED);
      // Who is connected hears of it at the next call.
      if (to === null) this.error = E.ECONNREFUSED;
      return new Channel();
    }
    return target.incoming;
  }

  /** Receives what there is. */
  receive({ length, peek, wait }: Receiving): Received {
    const channel = this.incoming;
    if (!this.connected && this.type !== SOCK.DGRAM && !channel.ended)
      fail(this.backlog === null ? E.ENOTCONN : E.EINVAL);
    if (channel.messages.length === 0) this.#failPending();
    channel.skipUrgent(this.urgentInline);
    const empty = (): boolean =>
      channel.messages.length === 0 || (channel.atMark && !this.urgentInline && channel.messages.length === 1);
    if (empty()) {
      if (channel.ended) return { bytes: new Uint8Array(0), files: [], from: null, whole: 0 };
      if (!wait || this.nonblocking) fail(E.EAGAIN);
      throw new Blocked('data in a socket', { ready: () => !empty() || channel.ended });
    }
    if (this.#isStream) {
      const { bytes, files } = channel.takeBytes(length, peek);
      return { bytes, files, from: null, whole: bytes.length };
    }
    const message = channel.takeMessage(peek)!;
    const { bytes, files, from, sender } = message;
    return { bytes: bytes.subarray(0, length), files, from, sender, whole: bytes.length };
  }

  override read(length: number): Uint8Array {
    if (length === 0) return new Uint8Array(0);
    const { bytes, files } = this.receive({ length, peek: false, wait: true });
    // Files that nobody asks for are closed.
    for (const file of files) file.release();
    return bytes;
  }
  override write(bytes: Uint8Array): number {
    return this.send(bytes, [], null, true);
  }
  override available(): number {
    return this.#isStream ? this.incoming.size : (this.incoming.messages[0]?.bytes.length ?? 0);
  }
  override control(task: Task, request: number, argument: number): number {
    switch (request) {
      case SIOCATMARK:
        task.user.setU32(argument, this.incoming.atMark ? 1 : 0);
        return 0;
      case SIOCOUTQ:
        task.user.setU32(argument, this.family === AF.UNIX ? (this.outgoing?.size ?? 0) : 0);
        return 0;
      default:
        return super.control(task, request, argument);
    }
  }
  override seek(): number {
    return fail(E.ESPIPE);
  }
  override get activity(): number {
    return this.incoming.arrived + this.#arrivals + (this.outgoing?.taken ?? 0);
  }
  override poll(): number {
    if (this.backlog !== null) return this.backlog.length > 0 ? POLL.IN | POLL.RDNORM : 0;
    const { incoming, outgoing } = this;
    let events = this.error === 0 ? 0 : POLL.ERR | POLL.IN | POLL.RDNORM;
    if (incoming.messages.length > 0 || incoming.ended) events |= POLL.IN | POLL.RDNORM;
    if (incoming.urgent !== null && !incoming.urgentRead && !this.urgentInline) {
      events |= POLL.PRI;
      if (incoming.messages.length === 1 && incoming.atMark) events &= ~(POLL.IN | POLL.RDNORM);
    }
    if (incoming.ended) events |= POLL.RDHUP;
    if (this.type === SOCK.DGRAM) return events | POLL.OUT | POLL.WRNORM;
    if (outgoing === null) return events | POLL.OUT | POLL.HUP;
    if (outgoing.ended || outgoing.refused || outgoing.room > CAPACITY / 2) events |= POLL.OUT | POLL.WRNORM;
    if (incoming.ended && (outgoing.ended || outgoing.refused)) events |= POLL.HUP;
    return events;
  }
  protected override closed(): void {
    this.network.unbind(this);
    this.incoming.refuse();
    this.outgoing?.end();
    for (const waiting of this.backlog ?? []) waiting.retain().release();
    this.backlog = null;
  }
}

const portOf = (address: Address): number => ('port' in address ? address.port : 0);
