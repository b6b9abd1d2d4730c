import type { Random } from '../bits/random.ts';
import { decode, MAX_INSN_LENGTH } from '../decode/decode.ts';
import type { Insn } from '../decode/insn.ts';
import type { Template } from '../decode/templates.ts';

/** What is known of the registers where an instruction is to stand: their values where those are below 2^31, else null. */
export type Known = readonly (number | null)[];

export interface Drawn {
  readonly insn: Insn;
  /** Where its RIP-relative operand lies. */
  readonly place?: bigint;
}

const CORNER_BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0f, 0x10, 0x1f, 0x20, 0x3f, 0x40] as const;
/** Encodings with a rounding of their own, or one that only suppresses exceptions. */
const OWN_ROUNDING = /_(er|sae)$/;
const TRIES = 6;
const REX_NEEDS_SIB = 4;
const NO_BASE = 5;
const POINTER = 0x1000;
const MAX_DISPLACEMENT = 0x7fff_ffff;

/** ModRM, SIB and displacement of a memory operand; the register numbers with their fourth bit. */
interface Address {
  readonly mod: number;
  readonly rm: number;
  readonly sib: number | null;
  readonly displacement: number;
  readonly displacementSize: 0 | 1 | 4;
  readonly x: number;
  readonly b: number;
  readonly place?: bigint;
}

function ripRelative(target: number): Address {
  const none = { sib: null, displacement: 0, displacementSize: 4, x: 0, b: 0 } as const;
  return { mod: 0, rm: NO_BASE, ...none, place: BigInt(target) };
}

/** Base (and index) so that the operand lies at `target`; null where no register helps. */
function aimed(target: number, known: Known, random: Random, vsib: boolean): Address | null {
  const start = random.below(16);
  let base = -1;
  for (let n = 0; n < 16 && base < 0; n++) {
    const candidate = (start + n) & 15;
    if (known[candidate] !== null && known[candidate]! >= POINTER) base = candidate;
  }
  if (base < 0 && !vsib) return null;
  let index = -1;
  const scale = random.below(4);
  if (vsib) index = random.below(16);
  else if (random.below(4) === 0)
    for (let n = 0; n < 16 && index < 0; n++) {
      const candidate = (start + n) & 15;
      if (candidate !== REX_NEEDS_SIB && known[candidate] !== null && known[candidate]! < POINTER) index = candidate;
    }
  const offset = vsib || index < 0 ? 0 : known[index]! * 2 ** scale;
  const displacement = target - (base < 0 ? 0 : known[base]!) - offset;
  if (Math.abs(displacement) > MAX_DISPLACEMENT) return null;
  const short = displacement >= -128 && displacement <= 127;
  const mod = base < 0 ? 0 : displacement === 0 && (base & 7) !== NO_BASE && random.below(2) ? 0 : short ? 1 : 2;
  const displacementSize = base < 0 ? 4 : mod === 0 ? 0 : mod === 1 ? 1 : 4;
  const low = base < 0 ? NO_BASE : base & 7;
  if (index < 0 && low !== REX_NEEDS_SIB)
    return { mod, rm: low, sib: null, displacement, displacementSize, x: 0, b: base >> 3 };
  const field = index < 0 ? REX_NEEDS_SIB : index & 7;
  const sib = (scale << 6) | (field << 3) | low;
  const b = base < 0 ? 0 : base >> 3;
  return { mod, rm: REX_NEEDS_SIB, sib, displacement, displacementSize, x: index < 0 ? 0 : index >> 3, b };
}

/** An absolute address of 32 bits: SIB without base and index. */
function absolute(target: number): Address {
  const sib = (REX_NEEDS_SIB << 3) | NO_BASE;
  return { mod: 0, rm: REX_NEEDS_SIB, sib, displacement: target, displacementSize: 4, x: 0, b: 0 };
}

/** Any bytes. */
function wild(random: Random): Address {
  const mod = random.below(3);
  const rm = random.below(8);
  const sib = rm === REX_NEEDS_SIB ? random.below(256) : null;
  const four = mod === 2 || (mod === 0 && (rm === NO_BASE || (sib !== null && (sib & 7) === NO_BASE)));
  const displacement = random.below(2) ? random.u32() | 0 : random.below(256) - 128;
  return {
    mod,
    rm,
    sib,
    displacement,
    displacementSize: four ? 4 : mod === 1 ? 1 : 0,
    x: random.below(2),
    b: random.below(2),
  };
}

function drawAddress(t: Template, known: Known, target: () => number, random: Random): Address {
  const kind = random.below(16);
  if (t.vsib) return aimed(target(), known, random, true) ?? wild(random);
  if (kind === 0) return wild(random);
  if (kind === 1) return ripRelative(target());
  if (kind === 2) return absolute(target());
  const to = target();
  return aimed(to, known, random, false) ?? (kind < 8 ? ripRelative(to) : absolute(to));
}

/**
 * An instance of an encoding with drawn operands, or null where some tries gave other encodings.
 * @param target draws the address of a memory operand
 */
export function drawInstance(t: Template, random: Random, known: Known, target: () => number): Drawn | null {
  const bytes = new Uint8Array(MAX_INSN_LENGTH);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const head: number[] = [];
    const memory = t.modrm === 'memory' || (t.modrm === 'any' && random.below(2) === 0);
    const address = memory ? drawAddress(t, known, target, random) : null;
    if (memory && random.below(24) === 0) head.push(random.pick([0x64, 0x65]));
    if (t.address67 || (memory && random.below(16) === 0) || random.below(48) === 0) head.push(0x67);
    if (t.lockable ? memory && random.below(6) === 0 : t.kind === 'legacy' && random.below(256) === 0) head.push(0xf0);
    if (t.repeatable && random.below(2)) head.push(random.pick([0xf2, 0xf3]));
    const registers = registersOf(t);
    const r = t.reg === null ? random.below(registers) : t.reg;
    const m = t.rm === null ? random.below(registers) : t.rm;
    const b = address !== null ? address.b : m >> 3;
    const x = address?.x ?? 0;
    if (t.kind === 'legacy') {
      if (t.size66) head.push(0x66);
      if (t.prefix) head.push(t.prefix);
      // Only some instructions have a REX prefix that they do not need.
      const wanted = (t.w ? 8 : 0) | (t.reg === null ? (r >> 3) << 2 : 0) | (x << 1) | b;
      const legacyRegisters = random.below(2) === 0 && !t.w && address === null;
      const rex = legacyRegisters ? 0 : wanted;
      if (rex !== 0 || random.below(24) === 0) head.push(0x40 | rex);
      head.push(...t.escape, ...t.opcode);
      if (t.opcodeRegister) head[head.length - 1]! |= random.below(8);
    } else pushVectorPrefix(head, t, random, r, x, b, address === null ? m : null);
    if (t.modrm !== 'none') {
      const low = address === null ? 0xc0 | (m & 7) : (address.mod << 6) | address.rm;
      head.push(low | ((r & 7) << 3));
      if (address !== null) {
        if (address.sib !== null) head.push(address.sib);
        for (let n = 0; n < address.displacementSize; n++) head.push((address.displacement >> (8 * n)) & 0xff);
      }
    }
    if (head.length > MAX_INSN_LENGTH) continue;
    bytes.set(head);
    const corners = random.below(2) === 0;
    for (let i = head.length; i < MAX_INSN_LENGTH; i++)
      bytes[i] = corners && random.below(2) ? random.pick(CORNER_BYTES) : random.u32();
    const insn = decode(bytes);
    if (typeof insn === 'string' || insn.code !== t.code) continue;
    return address?.place === undefined ? { insn } : { insn, place: address.place };
  }
  return null;
}

const registersOf = ({ tiles }: Template): number => (tiles ? 8 : 16);

/** VEX in three bytes, or EVEX; register numbers are stored inverted. `m`: the register in ModRM.rm, or null. */
function pushVectorPrefix(
  head: number[],
  t: Template,
  random: Random,
  r: number,
  x: number,
  b: number,
  m: number | null,
): void {
  const vvvv = t.vvvv ? random.below(registersOf(t)) : 0;
  const inverted = (15 - vvvv) << 3;
  const rr = t.reg === null ? ((r >> 3) & 1) ^ 1 : 1;
  const rxb = (rr << 7) | ((x ^ 1) << 6) | ((b ^ 1) << 5);
  if (t.kind === 'vex') {
    head.push(0xc4, rxb | t.map, (t.w ? 0x80 : 0) | inverted | (t.l << 2) | t.prefix, ...t.opcode);
    return;
  }
  const high = random.below(2);
  const upper = m !== null && random.below(2) ? 0 : 0x40;
  const p0 = (rxb & ~0x40) | (m === null ? rxb & 0x40 : upper) | (high << 4) | t.map;
  const mask = random.below(2) ? random.below(8) : 0;
  // Between registers the length field is the rounding of its own, and the bit is #UD where there is none; a rare thing, drawn often.
  const own = m === null ? random.below(4) === 0 : OWN_ROUNDING.test(t.codeName) && random.below(2) === 0;
  const l = own && m !== null ? random.below(4) : t.l;
  const vUpper = t.vvvv && random.below(3) === 0 ? 0 : 8;
  const p2 = (mask && random.below(2) ? 0x80 : 0) | (l << 5) | (own ? 0x10 : 0) | vUpper | mask;
  head.push(0x62, p0, (t.w ? 0x80 : 0) | inverted | 4 | t.prefix, p2, ...t.opcode);
  if (t.opcodeRegister) head[head.length - 1]! |= random.below(8);
}
