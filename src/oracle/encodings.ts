import type { Random } from '../bits/random.ts';
import { decode, MAX_INSN_LENGTH } from '../decode/decode.ts';
import type { Insn } from '../decode/insn.ts';

/** How to make instances of one encoding: everything up to the opcode; ModRM, SIB, displacement and immediates are drawn. */
export interface Encoding {
  readonly code: number;
  readonly codeName: string;
  readonly mnemonic: string;
  /** Legacy prefix and escape bytes in front of the opcode; a REX prefix, if any, is drawn behind the first part. */
  readonly prefix: readonly number[];
  readonly rexW: boolean;
  readonly opcode: readonly number[];
  /** ModRM bytes seen to give this encoding. */
  readonly modrm: readonly number[];
}

const MANDATORY: readonly (readonly number[])[] = [
  [],
  [0x66],
  [0xf2],
  [0xf3],
  [0x66, 0xf2],
  [0x66, 0xf3],
  [0x67],
  [0x67, 0x66],
  [0x67, 0xf3],
];
const EVEX = 0x62;
/** EVEX, and VEX of three and of two bytes. */
const VECTOR_PREFIXES: ReadonlySet<number> = new Set([EVEX, 0xc4, 0xc5]);
/** Two registers as the destination: some instructions want it unlike the sources. */
const EVEX_MODRM = [0xc1, 0x41, 0xd1, 0x51] as const;
/** 0F, 0F 38, 0F 3A, and the two of AVX512-FP16 (SDM 2A 2.7.1). */
const EVEX_MAPS = [1, 2, 3, 5, 6] as const;
const ESCAPES: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];

/** Every encoding that the decoder finds in the legacy and VEX opcode maps and that `wanted` accepts, one entry a Code. */
export function findEncodings(wanted: (insn: Insn) => boolean): Encoding[] {
  const found = new Map<number, { encoding: Encoding; modrm: Set<number> }>();
  const bytes = new Uint8Array(MAX_INSN_LENGTH);
  const consider = (
    prefix: readonly number[],
    rexW: boolean,
    opcode: readonly number[],
    samples: readonly number[] = MODRM_SAMPLES,
  ): void => {
    for (const modrm of samples) {
      const head = [...prefix, ...(rexW ? [0x48] : []), ...opcode];
      bytes.fill(0x11);
      bytes.set(head);
      bytes[head.length] = modrm;
      const insn = decode(bytes);
      if (typeof insn === 'string' || insn.length < head.length || !wanted(insn)) continue;
      const known = found.get(insn.code);
      if (known === undefined) {
        const { code, codeName, mnemonic } = insn;
        const set = new Set([modrm]);
        found.set(code, { encoding: { code, codeName, mnemonic, prefix, rexW, opcode, modrm: [] }, modrm: set });
      } else if (same(known.encoding, prefix, rexW, opcode)) known.modrm.add(modrm);
      if (insn.length === head.length) break;
    }
  };
  for (const map of ESCAPES)
    for (let opcode = 0; opcode < 256; opcode++) {
      if (map.length === 0 && VECTOR_PREFIXES.has(opcode)) continue;
      for (const mandatory of MANDATORY)
        for (const rexW of [false, true]) {
          const head = [...map, opcode];
          consider(mandatory, rexW, head, BY_MODRM.test(head.join(' ')) ? EVERY_MODRM : MODRM_SAMPLES);
        }
    }
  for (let map = 1; map <= 3; map++)
    for (let opcode = 0; opcode < 256; opcode++)
      for (let pp = 0; pp < 4; pp++)
        // VEX.vvvv is RBX here; the instances draw their own.
        for (const w of [0, 0x80])
          for (const vvvv of [0x78, 0x60])
            for (const l of [0, 4]) consider([], false, [0xc4, 0xe0 | map, w | vvvv | l | pp, opcode]);
  for (const map of EVEX_MAPS)
    for (let opcode = 0; opcode < 256; opcode++)
      for (let pp = 0; pp < 4; pp++)
        for (const w of [0, 0x80])
          for (const l of [0, 0x20, 0x40]) {
            const shifts = map === 1 && opcode >= 0x71 && opcode <= 0x73;
            const samples = shifts ? MODRM_SAMPLES : EVEX_MODRM;
            consider([], false, [EVEX, 0xf0 | map, w | 0x7c | pp, 8 | l, opcode], samples);
            // Gathers and scatters have a mask and an index.
            if (map === 2) consider([], false, [EVEX, 0xf0 | map, w | 0x7c | pp, 9 | l, opcode], [0x0c]);
          }
  return [...found.values()].map(({ encoding, modrm }) => ({ ...encoding, modrm: [...modrm] }));
}

/** Opcodes of which each ModRM byte of two registers may be an instruction of its own: the x87, 0F 01, 0F AE, 0F 1E. */
const BY_MODRM = /^(21[6-9]|22[0-3]|15 (1|174|30))$/;

/** All register fields with a register, a plain base, a SIB and a displacement. */
const MODRM_SAMPLES: readonly number[] = [0xc0, 0xc3, 0x03, 0x43, 0x84].flatMap((low) =>
  [0, 1, 2, 3, 4, 5, 6, 7].map((reg) => low | (reg << 3)),
);

const EVERY_MODRM: readonly number[] = [...MODRM_SAMPLES, ...Array.from({ length: 64 }, (_, low) => 0xc0 | low)];

const same = (e: Encoding, prefix: readonly number[], rexW: boolean, opcode: readonly number[]): boolean =>
  e.rexW === rexW && String(e.prefix) === String(prefix) && String(e.opcode) === String(opcode);

const CORNER_BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff] as const;

/** An instance of the encoding with drawn operands, or null after some tries that gave others. */
export function drawInsn(e: Encoding, random: Random): Insn | null {
  const bytes = new Uint8Array(MAX_INSN_LENGTH);
  for (let attempt = 0; attempt < 20; attempt++) {
    const head: number[] = [];
    const evex = e.opcode[0] === EVEX && e.opcode.length === 5;
    const vex = evex || (e.opcode[0] === 0xc4 && e.opcode.length === 4);
    if (random.below(24) === 0) head.push(random.pick([0x64, 0x65]));
    if (random.below(32) === 0) head.push(0x67);
    if (!vex && random.below(12) === 0) head.push(0xf0);
    head.push(...e.prefix);
    // A prefix that is not mandatory repeats string instructions.
    if (!vex && e.opcode.length === 1 && random.below(6) === 0) head.push(random.pick([0xf2, 0xf3]));
    if (evex) {
      const [, p0, p1, p2, opcode] = e.opcode as [number, number, number, number, number];
      const vvvv = random.below(2) ? (p1 & 0x87) | (random.below(16) << 3) : p1;
      const control = (p2 & 0x60) | (random.below(4) ? 8 : 0) | (random.below(3) ? random.below(8) : 0);
      const own = (random.below(4) ? 0 : 0x10) | (random.below(3) ? 0 : 0x80);
      const rounding = own & 0x10 && random.below(2) ? random.below(4) << 5 : control & 0x60;
      head.push(EVEX, (p0 & 7) | (random.below(16) << 4), vvvv, (control & 0x1f) | own | rounding, opcode);
    } else if (vex) {
      const [vexByte, rxbm, wvp, opcode] = e.opcode as [number, number, number, number];
      const control = random.below(2) ? (wvp & 0x87) | (random.below(16) << 3) : wvp;
      head.push(vexByte, (random.below(8) << 5) | (rxbm & 0x1f), control, opcode);
    } else {
      if (e.rexW) head.push(0x48 | random.below(8));
      else if (random.below(3) === 0) head.push(0x40 | random.below(8));
      head.push(...e.opcode);
    }
    bytes.set(random.bytes(MAX_INSN_LENGTH));
    bytes.set(head);
    const seed = random.pick(e.modrm);
    bytes[head.length] =
      seed >= 0xc0
        ? 0xc0 | (seed & 0x38) | random.below(8)
        : (seed & 0x38) | random.pick([0, 0x40, 0x80]) | random.below(8);
    if (e.modrm.length === 1) bytes[head.length] = random.below(2) ? seed : random.u32() & 0xff;
    const corners = random.below(2) === 0;
    for (let i = head.length + 1; corners && i < MAX_INSN_LENGTH; i++)
      if (random.below(2)) bytes[i] = random.pick(CORNER_BYTES);
    const insn = decode(bytes);
    if (typeof insn !== 'string' && insn.code === e.code) return insn;
  }
  return null;
}
