import type { Random } from '../bits/random.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { OPMASK, vectorAt } from '../state/layout.ts';
import { AVX512_BYTES } from './record.ts';

/** Where the pieces of `OracleCase.avx512` stand in the CPU's state, in their order: place and bytes. */
const PIECES: readonly (readonly [name: string, place: number, bytes: number])[] = [
  ...Array.from({ length: 8 }, (_, n) => [`k${n}`, OPMASK + 8 * n, 8] as const),
  ...Array.from({ length: 16 }, (_, n) => [`zmm${n} 511:256`, vectorAt(n) + 32, 32] as const),
  ...Array.from({ length: 16 }, (_, n) => [`zmm${n + 16}`, vectorAt(n + 16), 64] as const),
];

/** Loads the state of AVX-512, or clears it. */
export function setAvx512(cpu: CpuState, image: Uint8Array | undefined): void {
  let at = 0;
  for (const [, place, bytes] of PIECES) {
    if (image) cpu.u8.set(image.subarray(at, at + bytes), place);
    else cpu.u8.fill(0, place, place + bytes);
    at += bytes;
  }
}

/** Names of the registers, or parts of one, that are not as in the image, with both values, the highest byte first. */
export function avx512Differences(cpu: CpuState, image: Uint8Array): [name: string, ours: string, theirs: string][] {
  const out: [string, string, string][] = [];
  const text = (bytes: Uint8Array): string => `0x${Buffer.from(bytes.slice().reverse()).toString('hex')}`;
  let at = 0;
  for (const [name, place, bytes] of PIECES) {
    const [ours, theirs] = [cpu.u8.subarray(place, place + bytes), image.subarray(at, at + bytes)];
    if (Buffer.compare(ours, theirs)) out.push([name, text(ours), text(theirs)]);
    at += bytes;
  }
  return out;
}

/** The registers, or parts of one, that are not zero in an image, with their values. */
export function namedAvx512(image: Uint8Array): [name: string, value: bigint][] {
  const out: [string, bigint][] = [];
  let at = 0;
  for (const [name, , bytes] of PIECES) {
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(image[at + i]!);
    if (value !== 0n) out.push([name, value]);
    at += bytes;
  }
  return out;
}

/** Bits of a register or part of that name, or null. */
export const avx512Bits = (name: string): number | null => {
  const piece = PIECES.find(([known]) => known === name);
  return piece ? 8 * piece[2] : null;
};

/** An image with a register or part of one set. */
export function withAvx512(image: Uint8Array, name: string, value: bigint): Uint8Array {
  const out = image.slice();
  let at = 0;
  for (const [known, , bytes] of PIECES) {
    if (known === name) for (let i = 0; i < bytes; i++) out[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
    at += bytes;
  }
  return out;
}

/** State to start from: `vector` gives 128 bits. Opmasks are dense, sparse and random. */
export function drawAvx512(random: Random, vector: () => bigint): Uint8Array {
  const image = new Uint8Array(AVX512_BYTES);
  const view = new DataView(image.buffer);
  for (let n = 0; n < 8; n++) {
    const kind = random.below(6);
    const sparse = random.u64() & random.u64();
    view.setBigUint64(
      8 * n,
      kind === 0 ? 0n : kind === 1 ? (1n << 64n) - 1n : kind === 2 ? sparse : random.u64(),
      true,
    );
  }
  for (let at = 64; at < AVX512_BYTES; at += 16) {
    const value = vector();
    view.setBigUint64(at, BigInt.asUintN(64, value), true);
    view.setBigUint64(at + 8, value >> 64n, true);
  }
  return image;
}
