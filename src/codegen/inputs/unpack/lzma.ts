import { DamagedError } from './damaged.ts';
import type { Output } from './output.ts';

// LZMA as the LZMA specification (LZMA SDK, lzma-specification.txt) has it. The names of the tables are its own.

const BITS_MODEL_TOTAL = 11;
const MOVE_BITS = 5;
const PROB_INIT = 1 << (BITS_MODEL_TOTAL - 1);
const RANGE_TOP = 1 << 24;
/** Range coder: a byte that is zero, and the first four of the code. */
const RANGE_START = 5;

const STATES = 12;
/** Below it the last packet was a literal. */
const LITERAL_STATES = 7;
const POS_STATES_MAX = 16;
const LITERAL_SIZE = 0x300;
const MATCH_MIN = 2;
const LEN_LOW = 8;
const LEN_MID = 8;
const LEN_TREE = 2 + POS_STATES_MAX * (LEN_LOW + LEN_MID) + 256;
const DIST_SLOT_BITS = 6;
const DIST_STATES = 4;
const ALIGN_BITS = 4;
const START_POS_MODEL = 4;
const END_POS_MODEL = 14;
const FULL_DISTANCES = 1 << (END_POS_MODEL >> 1);
/** The distance that marks the end of a stream. */
const END_MARKER = 0xffffffff;
/** lc + 9·(lp + 5·pb) is below it. */
const PROPERTIES = 9 * 5 * 5;

const IS_MATCH = 0;
const IS_REP = IS_MATCH + STATES * POS_STATES_MAX;
const IS_REP_G0 = IS_REP + STATES;
const IS_REP_G1 = IS_REP_G0 + STATES;
const IS_REP_G2 = IS_REP_G1 + STATES;
const IS_REP0_LONG = IS_REP_G2 + STATES;
const DIST_SLOT = IS_REP0_LONG + STATES * POS_STATES_MAX;
const DIST_SPECIAL = DIST_SLOT + (DIST_STATES << DIST_SLOT_BITS);
const DIST_ALIGN = DIST_SPECIAL + FULL_DISTANCES;
const MATCH_LEN = DIST_ALIGN + (1 << ALIGN_BITS);
const REP_LEN = MATCH_LEN + LEN_TREE;
const LITERAL = REP_LEN + LEN_TREE;

/** A decoder of LZMA packets, whose state outlives a chunk of LZMA2. */
export class LzmaDecoder {
  readonly #out: Output;
  #probs = new Uint16Array(LITERAL);
  #lc = 0;
  #literalPosMask = 0;
  #posMask = 0;
  #state = 0;
  readonly #reps = new Uint32Array(4);
  /** Where the dictionary begins in the output. */
  #dictionary = 0;
  #input: Uint8Array = new Uint8Array();
  #at = 0;
  #end = 0;
  #range = 0;
  #code = 0;

  constructor(out: Output) {
    this.#out = out;
  }

  /** Sets lc, lp and pb from their byte, and resets the state. @throws DamagedError */
  setProperties(byte: number): void {
    if (byte >= PROPERTIES) throw new DamagedError();
    this.#lc = byte % 9;
    const lp = Math.trunc(byte / 9) % 5;
    this.#literalPosMask = (1 << lp) - 1;
    this.#posMask = (1 << Math.trunc(byte / 45)) - 1;
    this.#probs = new Uint16Array(LITERAL + (LITERAL_SIZE << (this.#lc + lp)));
    this.resetState();
  }

  /** Probabilities, state and distances as at the beginning. */
  resetState(): void {
    this.#probs.fill(PROB_INIT);
    this.#state = 0;
    this.#reps.fill(0);
  }

  /** Forgets what has been written: no match leads behind here. */
  resetDictionary(): void {
    this.#dictionary = this.#out.length;
  }

  /**
   * Decodes packets from `input[at, end)` until `size` bytes are written, or, where `size` is null, up to the marker at the end.
   * @throws DamagedError
   */
  decode(input: Uint8Array, at: number, end: number, size: number | null): void {
    if (end - at < RANGE_START || input[at] !== 0) throw new DamagedError();
    this.#input = input;
    this.#at = at + RANGE_START;
    this.#end = end;
    this.#range = 0xffffffff;
    this.#code = ((input[at + 1]! << 24) | (input[at + 2]! << 16) | (input[at + 3]! << 8) | input[at + 4]!) >>> 0;
    const out = this.#out;
    const until = size === null ? Number.POSITIVE_INFINITY : out.length + size;
    if (size !== null) out.reserve(size);
    while (out.length < until) {
      const position = (out.length - this.#dictionary) & this.#posMask;
      if (this.#bit(IS_MATCH + this.#state * POS_STATES_MAX + position) === 0) {
        this.#literal();
      } else if (!this.#match(position, until)) {
        if (size !== null) throw new DamagedError();
        return;
      }
    }
  }

  #bit(index: number): number {
    const prob = this.#probs[index]!;
    const bound = Math.imul(this.#range >>> BITS_MODEL_TOTAL, prob) >>> 0;
    let bit: number;
    if (this.#code < bound) {
      this.#range = bound;
      this.#probs[index] = prob + (((1 << BITS_MODEL_TOTAL) - prob) >> MOVE_BITS);
      bit = 0;
    } else {
      this.#range -= bound;
      this.#code -= bound;
      this.#probs[index] = prob - (prob >> MOVE_BITS);
      bit = 1;
    }
    if (this.#range < RANGE_TOP) this.#normalize();
    return bit;
  }

  #normalize(): void {
    // The last packet of a chunk may ask for one byte more than is needed.
    if (this.#at > this.#end) throw new DamagedError();
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | (this.#at < this.#end ? this.#input[this.#at]! : 0)) >>> 0;
    this.#at++;
  }

  #direct(count: number): number {
    let result = 0;
    for (let i = 0; i < count; i++) {
      this.#range >>>= 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit !== 0) this.#code -= this.#range;
      result = ((result << 1) | bit) >>> 0;
      if (this.#range < RANGE_TOP) this.#normalize();
    }
    return result;
  }

  #tree(base: number, bits: number): number {
    let node = 1;
    for (let i = 0; i < bits; i++) node = (node << 1) | this.#bit(base + node);
    return node - (1 << bits);
  }

  #reverseTree(base: number, bits: number): number {
    let node = 1;
    let result = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(base + node);
      node = (node << 1) | bit;
      result |= bit << i;
    }
    return result;
  }

  #literal(): void {
    const out = this.#out;
    const written = out.length - this.#dictionary;
    const before = written === 0 ? 0 : out.bytes[out.length - 1]!;
    const context = ((written & this.#literalPosMask) << this.#lc) + (before >> (8 - this.#lc));
    const base = LITERAL + LITERAL_SIZE * context;
    let symbol = 1;
    if (this.#state >= LITERAL_STATES) {
      // Behind a match: the byte that the last distance leads to is a guess, as long as its bits are right.
      let guess = this.#byteAt(this.#reps[0]!);
      do {
        const guessed = (guess >> 7) & 1;
        guess <<= 1;
        const bit = this.#bit(base + ((1 + guessed) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (bit !== guessed) break;
      } while (symbol < 0x100);
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(base + symbol);
    out.reserve(1);
    out.bytes[out.length++] = symbol & 0xff;
    const state = this.#state;
    this.#state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
  }

  #byteAt(distance: number): number {
    const from = this.#out.length - distance - 1;
    if (from < this.#dictionary) throw new DamagedError();
    return this.#out.bytes[from]!;
  }

  #length(base: number, position: number): number {
    if (this.#bit(base) === 0) return this.#tree(base + 2 + position * LEN_LOW, 3);
    if (this.#bit(base + 1) === 0) {
      return LEN_LOW + this.#tree(base + 2 + POS_STATES_MAX * LEN_LOW + position * LEN_MID, 3);
    }
    return LEN_LOW + LEN_MID + this.#tree(base + 2 + POS_STATES_MAX * (LEN_LOW + LEN_MID), 8);
  }

  #distance(length: number): number {
    const slot = this.#tree(DIST_SLOT + (Math.min(length, DIST_STATES - 1) << DIST_SLOT_BITS), DIST_SLOT_BITS);
    if (slot < START_POS_MODEL) return slot;
    const bits = (slot >> 1) - 1;
    const high = ((2 | (slot & 1)) << bits) >>> 0;
    if (slot < END_POS_MODEL) return high + this.#reverseTree(DIST_SPECIAL + high - slot, bits);
    return high + ((this.#direct(bits - ALIGN_BITS) << ALIGN_BITS) >>> 0) + this.#reverseTree(DIST_ALIGN, ALIGN_BITS);
  }

  /** A match of any kind; false for the marker at the end. */
  #match(position: number, until: number): boolean {
    const state = this.#state;
    const reps = this.#reps;
    let length: number;
    if (this.#bit(IS_REP + state) === 0) {
      length = this.#length(MATCH_LEN, position);
      this.#state = state < LITERAL_STATES ? 7 : 10;
      const distance = this.#distance(length);
      if (distance === END_MARKER) return false;
      reps.copyWithin(1, 0, 3);
      reps[0] = distance;
    } else {
      if (this.#bit(IS_REP_G0 + state) === 0) {
        if (this.#bit(IS_REP0_LONG + state * POS_STATES_MAX + position) === 0) {
          this.#state = state < LITERAL_STATES ? 9 : 11;
          this.#copy(reps[0]!, 1, until);
          return true;
        }
      } else {
        const which = this.#bit(IS_REP_G1 + state) === 0 ? 1 : this.#bit(IS_REP_G2 + state) === 0 ? 2 : 3;
        const distance = reps[which]!;
        reps.copyWithin(1, 0, which);
        reps[0] = distance;
      }
      length = this.#length(REP_LEN, position);
      this.#state = state < LITERAL_STATES ? 8 : 11;
    }
    this.#copy(reps[0]!, length + MATCH_MIN, until);
    return true;
  }

  #copy(distance: number, length: number, until: number): void {
    const out = this.#out;
    let from = out.length - distance - 1;
    if (from < this.#dictionary || out.length + length > until) throw new DamagedError();
    out.reserve(length);
    const bytes = out.bytes;
    let to = out.length;
    // Byte by byte: a match may overlap what it writes.
    for (const end = to + length; to < end; ) bytes[to++] = bytes[from++]!;
    out.length = to;
  }
}

/** Bytes of the header of a .lzma file: properties, size of the dictionary, size of the result. */
const ALONE_HEADER = 13;

/** Unpacks a .lzma file («LZMA alone») behind what `out` has. @throws DamagedError */
export function unpackLzma(bytes: Uint8Array, out: Output): void {
  if (bytes.length < ALONE_HEADER) throw new DamagedError();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const low = view.getUint32(5, true);
  const high = view.getUint32(9, true);
  const unknown = low === 0xffffffff && high === 0xffffffff;
  const decoder = new LzmaDecoder(out);
  decoder.resetDictionary();
  decoder.setProperties(bytes[0]!);
  decoder.decode(bytes, ALONE_HEADER, bytes.length, unknown ? null : high * 2 ** 32 + low);
}
