import { InsnStream } from '../decode/stream.ts';
import type { CodeFunction } from './build.ts';
import { countFunction } from './count.ts';
import type { Assumptions } from './locations.ts';
import type { Metrics } from './metrics.ts';
import { placeKey, type Reference, referencesOf } from './references.ts';
import { findReloads, type ReloadResult } from './reloads.ts';
import { type PatchSite, sitesOf } from './sites.ts';

/** What is kept of every function: numbers, and three hashes that tell what two of them have in common. */
export interface Analysis {
  readonly fn: CodeFunction;
  readonly metrics: Metrics;
  /** Of all bytes; of all but the fields that refer elsewhere; of what those fields refer to. */
  readonly exact: number;
  readonly masked: number;
  readonly referred: number;
  /** Of its mnemonics in any order, without those that a step of normalisation may leave out or exchange. */
  readonly mnemonics: number;
}

const INT3 = 0xcc;
const FNV_PRIME = 0x0100_0193;
const FNV_BASIS = 0x811c_9dc5;
const SECOND_PRIME = 0x85eb_ca6b;

/** A hash of 53 bits, byte by byte. */
class Hash {
  #low = FNV_BASIS;
  #high = FNV_BASIS ^ SECOND_PRIME;

  add(byte: number): void {
    this.#low = Math.imul(this.#low ^ byte, FNV_PRIME);
    this.#high = Math.imul(this.#high ^ byte, SECOND_PRIME) + 1;
    this.#high ^= this.#high >>> 13;
  }

  text(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      this.add(unit & 0xff);
      if (unit > 0xff) this.add(unit >>> 8);
    }
    this.add(0x1ff);
  }

  get value(): number {
    return (this.#high & 0x1f_ffff) * 2 ** 32 + (this.#low >>> 0);
  }
}

/** Looks at functions one after the other, by one set of columns. */
export class Analyser {
  readonly stream = new InsnStream();
  readonly #assume: Assumptions;

  constructor(assume: Assumptions) {
    this.#assume = assume;
  }

  /** Decodes a function; the columns hold it until the next one. Padding behind code whose end is a guess is no part of it. */
  decode(fn: CodeFunction): { readonly references: readonly Reference[]; readonly sites: readonly PatchSite[] } {
    const { stream } = this;
    const bytes = fn.unit.bytesOf(fn);
    stream.decode(bytes);
    if (!fn.exact) {
      while (stream.count > 1 && isPadding(stream, stream.count - 1)) stream.count--;
      const last = stream.count - 1;
      stream.bytes = bytes.subarray(0, stream.at[last]! + stream.length[last]!);
    }
    return { references: referencesOf(fn, stream), sites: sitesOf(fn) };
  }

  analyse(fn: CodeFunction): Analysis {
    const { stream } = this;
    const { references, sites } = this.decode(fn);
    const metrics = countFunction(fn, stream, references);
    metrics.reloads = findReloads(fn, stream, references, this.#assume, false).counts;
    const exact = new Hash();
    const masked = new Hash();
    const referred = new Hash();
    const { bytes } = stream;
    for (const site of sites) referred.text(`${site.key} ${site.target}`);
    let at = 0;
    for (const { at: from, size, place, own } of references) {
      for (; at < from && at < bytes.length; at++) {
        exact.add(bytes[at]!);
        masked.add(bytes[at]!);
      }
      for (; at < from + size && at < bytes.length; at++) exact.add(bytes[at]!);
      referred.text(own === null ? placeKey(place) : `.+${own}`);
      if (place.table !== undefined) referred.text(place.table.join(' '));
    }
    for (; at < bytes.length; at++) {
      exact.add(bytes[at]!);
      masked.add(bytes[at]!);
    }
    return {
      fn,
      metrics,
      exact: exact.value,
      masked: masked.value,
      referred: referred.value,
      mnemonics: mnemonicSum(stream),
    };
  }

  /** The reloads of a function, with paths. */
  reloads(fn: CodeFunction): ReloadResult {
    const { references } = this.decode(fn);
    return findReloads(fn, this.stream, references, this.#assume, true);
  }
}

const EXCHANGED = new Set(['nop', 'int3', 'endbr64', 'call', 'jmp', 'ret']);
const mnemonicHashes = new Map<string, number>();

function mnemonicHash(mnemonic: string): number {
  let hash = mnemonicHashes.get(mnemonic);
  if (hash === undefined) {
    const text = new Hash();
    text.text(mnemonic);
    hash = EXCHANGED.has(mnemonic) ? 0 : text.value % 0xffff_ffff;
    mnemonicHashes.set(mnemonic, hash);
  }
  return hash;
}

/** A sum: fewer than two million instructions of 32 bits each are exact. */
function mnemonicSum(stream: InsnStream): number {
  let sum = 0;
  for (let n = 0; n < stream.count; n++) sum += mnemonicHash(stream.traits[n]!.mnemonic);
  return sum;
}

function isPadding(stream: InsnStream, n: number): boolean {
  const { mnemonic } = stream.traits[n]!;
  return mnemonic === 'nop' || mnemonic === 'int3' || stream.bytes[stream.at[n]!] === INT3 || mnemonic === '(bad)';
}
