import { Code, Decoder, DecoderOptions, Instruction, OpKind, Register } from './iced.ts';
import { registerOf } from './registers.ts';
import { ACCESS, type CodeTraits, FLOW, traitsOf } from './traits.ts';

/** Numbers of base and index registers beside 0–15, the general-purpose ones in encoding order. */
export const NO_REGISTER = -1;
export const RIP_REGISTER = 16;
/** A vector register as an index (gathers). */
export const VECTOR_REGISTER = 32;

/** Segment overrides that matter in 64-bit mode, by number of the segment register. */
export const SEGMENT_FS = 4;
export const SEGMENT_GS = 5;

const PREFIX_FS = 0x64;
const PREFIX_GS = 0x65;
const PREFIX_LOCK = 0xf0;
/** REPNE, REP, operand and address size, and the segments that 64-bit mode ignores: CS, SS, DS, ES (SDM 1 3.3.7.1). */
const OTHER_PREFIXES = new Set([0xf2, 0xf3, 0x66, 0x67, 0x2e, 0x36, 0x3e, 0x26]);
/** 40h to 4Fh; one in front of another prefix means nothing. */
const REX = 0x40;
const FIRST_SIZE = 256;
const NOTHING: CodeTraits = {
  mnemonic: '(bad)',
  codeName: 'INVALID',
  flow: FLOW.stop,
  immediate: 0,
  widened: false,
  memory: -1,
  access: ACCESS.none,
  size: 0,
  written: [],
  implied: 0,
  stringReads: 0,
  stringWrites: 0,
};

/**
 * The instructions of one stretch of code in columns, which the next stretch uses again: tens of millions of instructions
 * go through without an object each. Offsets count from the first byte of the stretch.
 */
export class InsnStream {
  /** How many there are. */
  count = 0;
  at = new Int32Array(FIRST_SIZE);
  length = new Uint8Array(FIRST_SIZE);
  traits: CodeTraits[] = [];
  /** Where a near branch or call goes, as an offset; NaN for everything else. */
  target = new Float64Array(FIRST_SIZE);
  /** 0–15, `RIP_REGISTER`, `NO_REGISTER`. */
  base = new Int8Array(FIRST_SIZE);
  index = new Int8Array(FIRST_SIZE);
  scale = new Uint8Array(FIRST_SIZE);
  /** Signed. */
  displacement = new Float64Array(FIRST_SIZE);
  /** Bytes of the displacement in the encoding. */
  displacementSize = new Uint8Array(FIRST_SIZE);
  /** `SEGMENT_FS`, `SEGMENT_GS` or 0. */
  segment = new Uint8Array(FIRST_SIZE);
  /** Whether it has a LOCK prefix, or is locked without one (XCHG with memory). */
  locked = new Uint8Array(FIRST_SIZE);
  /** General-purpose registers that it may write, as bits in encoding order. */
  writes = new Uint16Array(FIRST_SIZE);
  readonly #instruction = new Instruction();
  bytes: Uint8Array = new Uint8Array(0);

  #grow(): void {
    const size = this.at.length * 2;
    const wider = <T extends { set(from: T): void }>(make: new (size: number) => T, old: T): T => {
      const column = new make(size);
      column.set(old);
      return column;
    };
    this.at = wider(Int32Array, this.at);
    this.length = wider(Uint8Array, this.length);
    this.target = wider(Float64Array, this.target);
    this.base = wider(Int8Array, this.base);
    this.index = wider(Int8Array, this.index);
    this.scale = wider(Uint8Array, this.scale);
    this.displacement = wider(Float64Array, this.displacement);
    this.displacementSize = wider(Uint8Array, this.displacementSize);
    this.segment = wider(Uint8Array, this.segment);
    this.locked = wider(Uint8Array, this.locked);
    this.writes = wider(Uint16Array, this.writes);
  }

  /** Decodes all of `bytes`, one byte at a time where they are no instructions. */
  decode(bytes: Uint8Array): void {
    this.count = 0;
    this.bytes = bytes;
    if (bytes.length === 0) return;
    const decoder = new Decoder(64, bytes, DecoderOptions.None);
    const i = this.#instruction;
    try {
      for (let at = 0; at < bytes.length; ) {
        decoder.decodeOut(i);
        at += this.#take(i, decoder, at);
        if (at < bytes.length && decoder.position !== at) decoder.position = at;
      }
    } finally {
      decoder.free();
    }
  }

  /** Files one instruction and tells its length. */
  #take(i: Instruction, decoder: Decoder, at: number): number {
    if (this.count === this.at.length) this.#grow();
    const n = this.count++;
    const code = i.code;
    const bytes = this.bytes;
    this.at[n] = at;
    this.target[n] = Number.NaN;
    this.base[n] = NO_REGISTER;
    this.index[n] = NO_REGISTER;
    this.scale[n] = 0;
    this.displacement[n] = 0;
    this.displacementSize[n] = 0;
    this.segment[n] = 0;
    this.locked[n] = 0;
    this.writes[n] = 0;
    if (code === Code.INVALID) {
      this.length[n] = 1;
      this.traits[n] = NOTHING;
      return 1;
    }
    const length = i.length;
    this.length[n] = length;
    const memoryForm = i.op0Kind === OpKind.Memory || i.op1Kind === OpKind.Memory || i.op2Kind === OpKind.Memory;
    const traits = traitsOf(i, decoder, code, memoryForm);
    this.traits[n] = traits;
    const { flow } = traits;
    if (flow === FLOW.jump || flow === FLOW.conditional || flow === FLOW.call) {
      this.target[n] = at + length + signedAt(bytes, at + length - traits.immediate, traits.immediate);
    }
    for (let p = at; p < at + length - 1; p++) {
      const byte = bytes[p]!;
      if (byte === PREFIX_LOCK) this.locked[n] = 1;
      else if (byte === PREFIX_GS) this.segment[n] = SEGMENT_GS;
      else if (byte === PREFIX_FS) this.segment[n] = SEGMENT_FS;
      else if (!OTHER_PREFIXES.has(byte) && byte >> 4 !== REX >> 4) break;
    }
    if (memoryForm) this.#memory(i, n, at + length - traits.immediate);
    let writes = traits.implied;
    for (const operand of traits.written) {
      if (i.opKind(operand) !== OpKind.Register) continue;
      const register = registerOf(i.opRegister(operand));
      if (register.file === 'gpr') writes |= 1 << register.n;
    }
    this.writes[n] = writes;
    return length;
  }

  #memory(i: Instruction, n: number, end: number): void {
    const base = i.memoryBase;
    const index = i.memoryIndex;
    const size = i.memoryDisplSize;
    this.base[n] =
      base === Register.None
        ? NO_REGISTER
        : base === Register.RIP || base === Register.EIP
          ? RIP_REGISTER
          : registerOf(base).n;
    if (index !== Register.None) {
      const register = registerOf(index);
      this.index[n] = register.file === 'vector' ? VECTOR_REGISTER : register.n;
      this.scale[n] = i.memoryIndexScale;
    }
    // iced tells the width of the address, not of the field, unless the field has one byte.
    const encoded = size <= 1 ? size : this.traits[n]!.codeName.includes('moffs') ? size : 4;
    this.displacementSize[n] = encoded;
    this.displacement[n] =
      encoded === 1 ? Number(BigInt.asIntN(64, i.memoryDisplacement)) : signedAt(this.bytes, end - encoded, encoded);
    if (this.traits[n]!.mnemonic === 'xchg') this.locked[n] = 1;
  }
}

/** A little-endian two's complement number of 0, 1, 2, 4 or 8 bytes. */
export function signedAt(bytes: Uint8Array, at: number, size: number): number {
  switch (size) {
    case 0:
      return 0;
    case 1:
      return (bytes[at]! << 24) >> 24;
    case 2:
      return ((bytes[at]! | (bytes[at + 1]! << 8)) << 16) >> 16;
    case 8: {
      const high = signedAt(bytes, at + 4, 4);
      return high * 2 ** 32 + (signedAt(bytes, at, 4) >>> 0);
    }
    default:
      return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  }
}
