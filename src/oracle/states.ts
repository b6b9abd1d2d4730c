import type { Random } from '../bits/random.ts';
import type { Insn, MemoryOperand } from '../decode/insn.ts';
import { FLAG } from '../state/rflags.ts';
import { drawAvx512 } from './avx512.ts';
import type { MemoryPatch, OracleCase } from './case.ts';
import { CODE, DATA, READ_ONLY, regionOf } from './layout.ts';
import { drawArea, drawFxsave, drawX87Operand } from './x87-states.ts';

const CORNERS64 = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x100n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_fffen,
  0xffff_ffff_ffff_ffffn,
  0xffff_ffff_8000_0000n,
];
const CORNERS32 = [
  0, 0x8000_0000, 1, 0x8000_0001, 0x007f_ffff, 0x0080_0000, 0x7f7f_ffff, 0xff7f_ffff, 0x7f80_0000, 0xff80_0000,
  0x7fc0_0001, 0xffc0_1234, 0x7f80_0001, 0xffbf_ffff, 0x3f80_0000, 0xbf80_0000, 0x4b00_0000, 0x4f00_0000, 0xcf00_0000,
  0x5f00_0000, 0x3f00_0000,
];
const DOUBLES = [
  0n,
  1n << 63n,
  1n,
  0x000f_ffff_ffff_ffffn,
  0x0010_0000_0000_0000n,
  0x7fef_ffff_ffff_ffffn,
  0x7ff0_0000_0000_0000n,
  0xfff0_0000_0000_0000n,
  0x7ff8_0000_0000_0001n,
  0xfff8_0000_0000_1234n,
  0x7ff0_0000_0000_0001n,
  0x3ff0_0000_0000_0000n,
  0xbff0_0000_0000_0000n,
  0x41df_ffff_ffe0_0000n,
  0x41e0_0000_0000_0000n,
  0x43e0_0000_0000_0000n,
  0xc3e0_0000_0000_0000n,
  0x3fe0_0000_0000_0000n,
  0x4340_0000_0000_0000n,
];

/** A general-purpose value: corners, short and long random ones. */
export function value64(random: Random): bigint {
  const kind = random.below(8);
  if (kind < 3) return random.pick(CORNERS64);
  if (kind === 3) return random.u64() >> BigInt(random.below(64));
  return random.u64();
}

/** Ordinary doubles and singles as often as corners, so that arithmetic meets neither only NaNs nor only normals. */
export function value128(random: Random): bigint {
  const half = (): bigint => {
    switch (random.below(6)) {
      case 0:
        return random.pick(DOUBLES);
      case 1:
        return (BigInt(random.pick(CORNERS32)) << 32n) | BigInt(random.pick(CORNERS32));
      case 2: {
        const single = (): bigint =>
          BigInt(((random.below(2) << 31) | ((100 + random.below(56)) << 23) | random.below(1 << 23)) >>> 0);
        return (single() << 32n) | single();
      }
      case 3:
        return (BigInt(random.below(2)) << 63n) | (BigInt(1023 - 40 + random.below(80)) << 52n) | (random.u64() >> 12n);
      case 4:
        return value64(random);
      default:
        return random.u64();
    }
  };
  return half() | (half() << 64n);
}

const STRING_COMPARES = /^v?pcmp[ei]str/;
/** Bytes of few values, so that strings have common elements and ends. */
const ALPHABET = 0x83;

export function text128(random: Random): bigint {
  let bits = 0n;
  for (const byte of random.bytes(16)) bits = (bits << 8n) | BigInt(random.below(8) ? byte & ALPHABET : 0);
  return bits;
}

/** Indices of a gather: mostly near, now and then far away. */
function indices(random: Random, w: 32 | 64): bigint {
  let out = 0n;
  for (let at = 0n; at < 128n; at += BigInt(w)) {
    const index = random.below(24) ? BigInt(random.below(100) - 20) : random.u64();
    out |= BigInt.asUintN(w, index) << at;
  }
  return out;
}

/** Addresses to aim at: inside, at the edges of pages and regions, misaligned, read-only, unmapped, not canonical. */
function target(random: Random): bigint {
  switch (random.below(16)) {
    case 0:
      return DATA.base + 0x1000n - BigInt(random.below(17));
    case 1:
      return DATA.base + BigInt(DATA.size) - BigInt(random.below(17));
    case 2:
      return READ_ONLY.base + BigInt(random.below(64) * 8);
    case 3:
      return READ_ONLY.base + 0xff0n + BigInt(random.below(16));
    case 4:
      return random.pick([
        0n,
        0x8000_0000_0000_0000n,
        0x7fff_ffff_fff8n,
        0xffff_8000_0000_0000n,
        0xffff_ffff_ffff_fff0n,
        0x5000_0000n,
      ]);
    case 5:
    case 6:
      return DATA.base + BigInt(random.below(0x1f00));
    default:
      return DATA.base + 0x200n + BigInt(random.below(96) * 16);
  }
}

const STACK = DATA.base + 0x1800n;

/** Sets base or index so that the operand lies at `to`. */
function aim(gpr: bigint[], op: MemoryOperand, to: bigint, segmentBase: bigint, random: Random): void {
  let rest = to - op.displacement - segmentBase;
  if (op.index !== null && op.base !== null && typeof op.base === 'number' && op.index !== op.base) {
    gpr[op.index] = BigInt.asUintN(64, BigInt(random.below(64)) - 16n);
    rest -= gpr[op.index]! << BigInt(op.shift);
    gpr[op.base] = BigInt.asUintN(64, rest);
  } else if (typeof op.base === 'number') {
    if (op.index === op.base) rest /= 1n + (1n << BigInt(op.shift));
    gpr[op.base] = BigInt.asUintN(64, rest);
  } else if (op.index !== null) gpr[op.index] = BigInt.asUintN(64, rest >> BigInt(op.shift));
}

const XSAVE_AREA = /^(xsave(opt|c)?|xrstor)(64)?$/;
/** Where most areas of XSAVE lie: aligned, across two pages. */
const AREA = DATA.base + 0xe00n;

const STRINGS = new Set('movs cmps stos lods scas maskmovdqu maskmovq xlatb'.split(' '));

const IMPLIED_BY_RAX = new Set('clzero monitorx'.split(' '));

/** A case for one instruction: drawn registers, flags, vectors and memory, with its memory operands aimed. */
export function drawCase(insn: Insn, random: Random): OracleCase {
  const gpr = Array.from({ length: 16 }, () => value64(random));
  gpr[4] = STACK + BigInt(random.below(8) ? 0 : random.below(16));
  const operands: MemoryPatch[] = [];
  const segments = { fs: BigInt(random.below(4) * 16), gs: BigInt(random.below(4) * 8) };
  if (STRINGS.has(insn.mnemonic)) {
    for (const n of [3, 6, 7]) gpr[n] = target(random);
    if (insn.repeat !== null) gpr[1] = BigInt(random.below(20));
    if (insn.mnemonic === 'xlatb') gpr[3] = gpr[3]! - (gpr[0]! & 0xffn);
  }
  if (IMPLIED_BY_RAX.has(insn.mnemonic)) gpr[0] = target(random);
  for (const op of insn.operands) {
    if (op.kind !== 'mem') continue;
    const base = op.segment === null ? 0n : segments[op.segment];
    // Where the offset alone is not canonical CPUs differ in what they check; the linear address is what counts.
    const xsave = XSAVE_AREA.test(insn.mnemonic);
    const to = xsave && random.below(8) ? AREA : target(random);
    aim(gpr, op, base !== 0n && to >= 1n << 47n ? DATA.base : to, base, random);
    const content = xsave ? drawArea(random) : drawX87Operand(insn, op.width, random);
    if (xsave) [gpr[0], gpr[2]] = [BigInt(random.below(random.below(8) ? 8 : 32)), 0n];
    if (content !== null && regionOf(to, content.length) !== undefined) operands.push({ address: to, bytes: content });
    const by = insn.operands[1];
    if (
      insn.mnemonic.startsWith('bt') &&
      by?.kind === 'reg' &&
      by.register.n !== op.base &&
      by.register.n !== op.index &&
      random.below(4)
    )
      gpr[by.register.n] = BigInt.asUintN(64, BigInt(random.below(1024) - 512));
  }
  if (insn.mnemonic === 'leave') gpr[5] = STACK + 64n;
  if (insn.mnemonic === 'enter') gpr[5] = STACK + 128n;
  const xmm = Array.from({ length: 16 }, () => value128(random));
  const ymmHigh = Array.from({ length: 16 }, () => value128(random));
  for (const op of insn.operands)
    if (op.kind === 'mem' && op.vector !== null && op.vector.n < 16)
      for (const file of [xmm, ymmHigh])
        file[op.vector.n] = indices(random, /q(ps|pd|d|q)$/.test(insn.mnemonic) ? 64 : 32);
  const strings = STRING_COMPARES.test(insn.mnemonic);
  if (strings) for (const n of [0, 2]) gpr[n] = BigInt.asUintN(64, BigInt(random.below(40) - 20));
  const bytes = random.bytes(0x60 * 16 + 0x100);
  const memory: MemoryPatch[] = [
    {
      address: DATA.base + 0x200n,
      bytes: strings ? bytes.map((byte) => byte & ALPHABET) : seasoned(bytes, random),
    },
    { address: STACK, bytes: random.bytes(64) },
    { address: DATA.base + 0xfe0n, bytes: random.bytes(64) },
    { address: READ_ONLY.base, bytes: random.bytes(32) },
    ...operands,
  ];
  // A popped TF would trap behind the marker instead of showing the flags.
  if (insn.mnemonic === 'popf') memory.push({ address: gpr[4]! + 1n, bytes: Uint8Array.of(random.u32() & 0x8e) });
  const arithmetic = random.u32() & (FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF);
  const direction = random.below(6) === 0 ? FLAG.DF : 0;
  return {
    code: insn.bytes,
    codeAddress: random.below(16) === 0 ? CODE.base + 0x1000n - BigInt(random.below(16)) : CODE.base + 0x100n,
    gpr,
    rflags: 0x202 | arithmetic | direction,
    fsBase: segments.fs,
    gsBase: segments.gs,
    fxsave: drawFxsave(random),
    xmm: strings ? xmm.map(() => text128(random)) : xmm,
    ymmHigh,
    ...(/^(EVEX|VEX_K)|XSAVE|XRSTOR/i.test(insn.codeName) || random.below(8) === 0
      ? { avx512: drawAvx512(random, () => value128(random)) }
      : {}),
    mxcsr: drawMxcsr(random),
    memory,
  };
}

/** Half of the memory window holds floating-point values. */
export function seasoned(bytes: Uint8Array, random: Random): Uint8Array {
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    if (random.below(2)) continue;
    const v = value128(random);
    view.setBigUint64(at, BigInt.asUintN(64, v), true);
    view.setBigUint64(at + 8, v >> 64n, true);
  }
  return bytes;
}

/** Mostly the default with some sticky flags; sometimes other roundings, DAZ, FTZ and unmasked exceptions. */
export function drawMxcsr(random: Random): number {
  let mxcsr = 0x1f80 | (random.below(2) ? 0x20 : 0) | (random.below(4) ? 0 : random.below(64));
  if (random.below(3) === 0) mxcsr = (mxcsr & ~0x6000) | (random.below(4) << 13);
  if (random.below(6) === 0) mxcsr |= random.pick([0x40, 0x8000, 0x8040]);
  if (random.below(8) === 0) mxcsr &= ~(random.below(64) << 7);
  return mxcsr;
}
