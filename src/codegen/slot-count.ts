import { RIP_REGISTER, SEGMENT_GS } from '../decode/stream.ts';
import { ACCESS } from '../decode/traits.ts';
import { Analyser } from './analyse.ts';
import { type Build, functionsOf } from './build.ts';
import { slotAddress, slotOf } from './count.ts';
import { CodegenError } from './error.ts';
import { isConstantAddress, type Reference } from './references.ts';

/** Accesses to one slot. */
export interface SlotCount {
  readonly slot: string;
  /** Offset in the segment where it is known. */
  readonly address: number | null;
  loads: number;
  stores: number;
  /** Loads by encoding, and the bytes of all. */
  absolute: number;
  ripRelative: number;
  bytes: number;
  /** Loads of the same place without a segment: a build for one CPU has no prefix. */
  plainLoads: number;
  /** The build defines it and never reads it: a compiler that sees a const object's initialiser leaves the reads out. */
  constantFolded: boolean;
  /** Functions that load it, the most first. */
  readonly functions: { readonly name: string; readonly loads: number }[];
}

/**
 * Counts the accesses to a slot by its resolved address, whichever encoding.
 * @param slot a symbol, `symbol+0x8`, or an address: `0x2ac80`; `fs:0x28` for `%fs`
 * @throws CodegenError where the build knows no such symbol
 */
export function countSlot(build: Build, slot: string): SlotCount {
  const fs = /^%?fs:/.test(slot);
  const plain = slot.replace(/^%?[fg]s:/, '');
  const numeric = /^-?(0x[0-9a-f]+|\d+)$/i.test(plain);
  const given = numeric ? signedNumber(plain) : undefined;
  const address =
    given ?? build.units.map((unit) => unit.addressOf(plain)).find((found) => found !== undefined) ?? null;
  const count: SlotCount = {
    slot: plain,
    address,
    loads: 0,
    stores: 0,
    absolute: 0,
    ripRelative: 0,
    bytes: 0,
    plainLoads: 0,
    constantFolded: false,
    functions: [],
  };
  const analyser = new Analyser({ percpuPrivate: false });
  const { stream } = analyser;
  let seen = false;
  for (const fn of functionsOf(build).concat(build.units.flatMap((unit) => unit.gaps ?? []))) {
    const { references } = analyser.decode(fn);
    const memoryOf: Reference[] = [];
    for (const reference of references) if (reference.field === 'memory') memoryOf[reference.insn] = reference;
    let own = 0;
    for (let n = 0; n < stream.count; n++) {
      const { access, memory } = stream.traits[n]!;
      if (memory < 0 || access === ACCESS.none || !isConstantAddress(stream, n)) continue;
      const segment = stream.segment[n]!;
      if (segment === 0 ? fs : fs === (segment === SEGMENT_GS)) continue;
      const here = fn.unit.kind === 'relocatable' && memoryOf[n] !== undefined;
      const name = here || segment !== 0 ? slotOf(fn, stream, n, memoryOf[n]).replace(/^fs:/, '') : '';
      const match = here ? name === plain : address === null ? name === plain : slotAddress(fn, stream, n) === address;
      if (!match) continue;
      seen = true;
      if (segment === 0) {
        if (access & ACCESS.read) count.plainLoads++;
        continue;
      }
      if (access & ACCESS.write) count.stores++;
      if ((access & ACCESS.read) === 0) continue;
      own++;
      count.loads++;
      count.bytes += stream.length[n]!;
      if (stream.base[n] === RIP_REGISTER) count.ripRelative++;
      else count.absolute++;
    }
    if (own > 0) count.functions.push({ name: fn.name, loads: own });
  }
  if (!seen && address === null && !build.units.some((unit) => unit.knows?.(plain))) {
    throw new CodegenError(`no symbol ${plain}; give one that it has, or an address as 0x2ac80`);
  }
  count.constantFolded = given === undefined && address !== null && count.loads === 0 && count.plainLoads === 0;
  count.functions.sort((a, b) => b.loads - a.loads || (a.name < b.name ? -1 : 1));
  return count;
}

/** Addresses are signed here; since Linux 6.15 those of per-CPU variables are a kernel's. */
const signedNumber = (text: string): number =>
  Number(BigInt.asIntN(64, text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text)));
