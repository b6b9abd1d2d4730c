import { decode, decodeLegacy, decodeWithoutBitCounts } from '../decode/decode.ts';
import type { DecodeFailure, Insn, LegacyInsn } from '../decode/insn.ts';
import type { CpuProfile } from './profiles.ts';

/** Without BMI1 and LZCNT the F3 prefix means nothing: BSF and BSR (SDM 2B LZCNT, TZCNT). */
const isBitCount = ({ mnemonic }: Insn): boolean => mnemonic === 'tzcnt' || mnemonic === 'lzcnt';

/** Decodes as a CPU of a profile does: what it lacks is no instruction. */
export class Decoding {
  readonly #profile: CpuProfile;
  /** By iced's number of the encoding. */
  readonly #offered = new Map<number, boolean>();

  constructor(profile: CpuProfile) {
    this.#profile = profile;
  }

  decode(bytes: Uint8Array): Insn | DecodeFailure {
    const insn = decode(bytes);
    if (typeof insn === 'string' || this.#offers(insn)) return insn;
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
