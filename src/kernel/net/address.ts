import { E, fail } from '../errno.ts';
import { decodeName, encodeName } from '../user-memory.ts';

export const AF = { UNSPEC: 0, UNIX: 1, INET: 2, INET6: 10 } as const;

/** A socket's address. Ports of 0 and empty names are none. */
export type Address =
  | { readonly family: typeof AF.UNSPEC }
  /** A path, or a name behind a zero byte that is in no file system. */
  | { readonly family: typeof AF.UNIX; readonly name: string }
  | { readonly family: typeof AF.INET; readonly host: readonly number[]; readonly port: number }
  | { readonly family: typeof AF.INET6; readonly host: readonly number[]; readonly port: number };

const SUN_PATH = 108;
const FAMILY_BYTES = 2;
const INET_BYTES = 16;
const INET6_BYTES = 28;
const zeros = (count: number): number[] => new Array<number>(count).fill(0);

/** The unnamed address of a family. */
export function unnamed(family: number): Address {
  if (family === AF.INET) return { family: AF.INET, host: zeros(4), port: 0 };
  if (family === AF.INET6) return { family: AF.INET6, host: zeros(16), port: 0 };
  return { family: AF.UNIX, name: '' };
}

/** Reads a `struct sockaddr`. @throws SysError EINVAL, EAFNOSUPPORT */
export function parseAddress(bytes: Uint8Array, family: number): Address {
  if (bytes.length < FAMILY_BYTES) fail(E.EINVAL);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const given = view.getUint16(0, true);
  if (given === AF.UNSPEC) return { family: AF.UNSPEC };
  if (given !== family) fail(family === AF.UNIX ? E.EINVAL : E.EAFNOSUPPORT);
  switch (given) {
    case AF.UNIX: {
      if (bytes.length > FAMILY_BYTES + SUN_PATH) fail(E.EINVAL);
      const path = bytes.subarray(FAMILY_BYTES);
      // An abstract name is all its bytes; a path ends at its zero.
      if (path[0] === 0) return { family: AF.UNIX, name: decodeName(path) };
      const end = path.indexOf(0);
      return { family: AF.UNIX, name: decodeName(path.subarray(0, end < 0 ? path.length : end)) };
    }
    case AF.INET:
      if (bytes.length < INET_BYTES) fail(E.EINVAL);
      return { family: AF.INET, port: view.getUint16(2), host: [...bytes.subarray(4, 8)] };
    case AF.INET6:
      if (bytes.length < INET6_BYTES - 4) fail(E.EINVAL);
      return { family: AF.INET6, port: view.getUint16(2), host: [...bytes.subarray(8, 24)] };
    default:
      return fail(E.EAFNOSUPPORT);
  }
}

/** The bytes of a `struct sockaddr`. */
export function addressBytes(address: Address): Uint8Array {
  switch (address.family) {
    case AF.UNSPEC:
      return new Uint8Array(FAMILY_BYTES);
    case AF.UNIX: {
      const name = encodeName(address.name);
      const ends = name.length > 0 && name[0] !== 0 ? 1 : 0;
      const bytes = new Uint8Array(FAMILY_BYTES + name.length + ends);
      bytes[0] = AF.UNIX;
      bytes.set(name, FAMILY_BYTES);
      return bytes;
    }
    default: {
      const v6 = address.family === AF.INET6;
      const view = new DataView(new ArrayBuffer(v6 ? INET6_BYTES : INET_BYTES));
      view.setUint16(0, address.family, true);
      view.setUint16(2, address.port);
      for (const [i, byte] of address.host.entries()) view.setUint8((v6 ? 8 : 4) + i, byte);
      return new Uint8Array(view.buffer);
    }
  }
}

const LOOPBACK6 = [...zeros(15), 1];

/** Whether an address is this machine: 127.0.0.0/8, ::1, or none in particular. There is no other network. */
export function isLocal(address: Address): boolean {
  if (address.family === AF.INET) return address.host[0] === 127 || address.host.every((byte) => byte === 0);
  if (address.family === AF.INET6)
    return address.host.every((byte) => byte === 0) || address.host.every((byte, i) => byte === LOOPBACK6[i]);
  return true;
}

/** The loopback address of a family with a port. */
export function loopback(family: number, port: number): Address {
  return family === AF.INET
    ? { family: AF.INET, host: [127, 0, 0, 1], port }
    : { family: AF.INET6, host: LOOPBACK6, port };
}
