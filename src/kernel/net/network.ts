import { E, fail } from '../errno.ts';
import { type Address, AF, isLocal } from './address.ts';
import type { Socket } from './socket.ts';

const FIRST_EPHEMERAL = 32_768;
const LAST_EPHEMERAL = 60_999;

/** Who is bound to which address: the machine's loopback, and AF_UNIX names. Nothing leads out of the machine. */
export class Network {
  /** By `inet:TYPE:PORT`, and by `unix:NAME` or the number of a socket's file. */
  readonly #bound = new Map<string, Socket>();
  readonly #keys = new Map<Socket, string>();
  readonly inode: () => number;
  #nextPort = FIRST_EPHEMERAL;

  constructor(inode: () => number) {
    this.inode = inode;
  }

  /** Binds an Internet socket, to any free port where the address has none. @throws SysError EADDRINUSE, EADDRNOTAVAIL, EINVAL */
  bind(socket: Socket, address: Address): void {
    if (socket.bound) fail(E.EINVAL);
    if (address.family !== AF.INET && address.family !== AF.INET6) return fail(E.EAFNOSUPPORT);
    if (!isLocal(address)) fail(E.EADDRNOTAVAIL);
    const port = address.port === 0 ? this.#freePort(socket.type) : address.port;
    const key = `inet:${socket.type}:${port}`;
    if (this.#bound.has(key)) fail(E.EADDRINUSE);
    this.#enter(socket, key, { ...address, port });
  }

  /** Binds an AF_UNIX socket to a name, or to the file that was made for it. @throws SysError EADDRINUSE, EINVAL */
  bindUnix(socket: Socket, key: string, address: Address): void {
    if (socket.bound) fail(E.EINVAL);
    if (this.#bound.has(`unix:${key}`)) fail(E.EADDRINUSE);
    this.#enter(socket, `unix:${key}`, address);
  }

  #enter(socket: Socket, key: string, address: Address): void {
    socket.local = address;
    socket.bound = true;
    this.#bound.set(key, socket);
    this.#keys.set(socket, key);
  }

  #freePort(type: number): number {
    for (let tries = FIRST_EPHEMERAL; tries <= LAST_EPHEMERAL; tries++) {
      const port = this.#nextPort;
      this.#nextPort = port === LAST_EPHEMERAL ? FIRST_EPHEMERAL : port + 1;
      if (!this.#bound.has(`inet:${type}:${port}`)) return port;
    }
    return fail(E.EADDRNOTAVAIL);
  }

  /** Who is bound to an Internet address. */
  find(address: Address, type: number): Socket | null {
    if (address.family === AF.UNIX) return this.findUnix(address.name);
    if (!('port' in address)) return null;
    return this.#bound.get(`inet:${type}:${address.port}`) ?? null;
  }

  findUnix(key: string): Socket | null {
    return this.#bound.get(`unix:${key}`) ?? null;
  }

  unbind(socket: Socket): void {
    const key = this.#keys.get(socket);
    if (key === undefined) return;
    this.#keys.delete(socket);
    this.#bound.delete(key);
  }
}
