import { decode, decodeLegacy, decodeWithoutBitCounts } from '../decode/decode.ts';
import type { DecodeFailure, Insn, LegacyInsn } from '../decode/insn.ts';
import type { CpuProfile } from './profiles.ts';

/** Without BMI1 and LZCNT the F3 prefix means nothing: BSF and BSR (SDM 2B LZCNT, TZCNT). */
const isBitCount = ({ mnemonic }: Insn): boolean => mnemonic === 'tzcnt' || mnemonic === 'lzcnt';

const RECENT_BITS = 12;
const HASHED = 5;
const INT3 = 0xcc;

/** Of the first bytes at `at`; those behind the end count as INT3, which stands behind most code. */
function hash(bytes: Uint8Array, at: number): number {
  let h = 0;
  for (let n = 0; n < HASHED; n++) h = Math.imul(h, 0x0100_0193) ^ (bytes[at + n] ?? INT3);
  return Math.imul(h, 0x9e37_79b1) >>> (32 - RECENT_BITS);
}

function startsWith(bytes: Uint8Array, head: Uint8Array): boolean {
  if (bytes.length < head.length) return false;
  for (let n = 0; n < head.length; n++) if (bytes[n] !== head[n]) return false;
  return true;
}

/** Decodes as a CPU of a profile does: what it lacks is no instruction. */
export class Decoding {
  readonly #profile: CpuProfile;
  /** By iced's number of the encoding. */
  readonly #offered = new Map<number, boolean>();
  /** What has been decoded, by a hash of the bytes that it began with. */
  readonly #recent = new Array<Insn | undefined>(1 << RECENT_BITS).fill(undefined);

  constructor(profile: CpuProfile) {
    this.#profile = profile;
  }

  /** `insn` stands at `at` of the bytes: whoever fetches it need not decode it. */
  expect(bytes: Uint8Array, at: number, insn: Insn): void {
    if (this.#offers(insn)) this.#recent[hash(bytes, at)] = insn;
  }

  decode(bytes: Uint8Array): Insn | DecodeFailure {
    const slot = hash(bytes, 0);
    const recent = this.#recent[slot];
    if (recent !== undefined && startsWith(bytes, recent.bytes)) return recent;
    const insn = decode(bytes);
    if (typeof insn === 'string') return insn;
    if (this.#offers(insn)) {
      this.#recent[slot] = insn;
      return insn;
    }
    return isBitCount(insn) ? decodeWithoutBitCounts(bytes) : 'invalid';
  }

  /** The same of 16- and 32-bit code. */
  decodeLegacy(bytes: Uint8Array, bits: 16 | 32): LegacyInsn | DecodeFailure {
    const insn = decodeLegacy(bytes, bits);
    if (typeof insn === 'string' || this.#offers(insn)) return insn;
    return isBitCount(insn) ? decodeLegacy(bytes, bits, true) : 'invalid';
  }

  #offers({ code, features }: Insn): boolean {
    let offered = this.#offered.get(code);
    if (offered === undefined) {
      offered = features.every(this.#profile.has);
      this.#offered.set(code, offered);
    }
    return offered;
  }
}
