import { PAGE_SIZE, type PhysicalMemory } from '../memory/physical.ts';
import type { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { tileConfiguration, tileData } from '../state/tiles.ts';

/** Rounds of MurmurHash3 in two lanes of 32 bits (Appleby, public domain): fast, and a stable 64-bit result. */
class Hash {
  #a = 0x9368_e53c;
  #b = 0x586d_cd20;

  word(value: number): void {
    let k = Math.imul(value, 0xcc9e_2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b87_3593);
    this.#a = Math.imul(((this.#a ^ k) << 13) | ((this.#a ^ k) >>> 19), 5) + 0xe654_6b64;
    let m = Math.imul(value, 0x239b_961b);
    m = Math.imul((m << 16) | (m >>> 16), 0xab0e_9789);
    this.#b = Math.imul(((this.#b ^ m) << 17) | ((this.#b ^ m) >>> 15), 5) + 0x561c_cd1b;
    this.#a = (this.#a + this.#b) | 0;
  }

  words(values: Uint32Array): void {
    for (let i = 0; i < values.length; i++) this.word(values[i]!);
  }

  u64(value: bigint): void {
    this.word(Number(value & 0xffff_ffffn));
    this.word(Number(value >> 32n));
  }

  digest(): string {
    const finish = (h: number): string => {
      let x = h ^ (h >>> 16);
      x = Math.imul(x, 0x85eb_ca6b);
      x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35);
      return ((x ^ (x >>> 16)) >>> 0).toString(16).padStart(8, '0');
    };
    return finish(this.#a) + finish(this.#b ^ this.#a);
  }
}

/** Parts of the CPU's state that hold the same bytes whichever engine ran; RFLAGS is hashed as the architecture shows it. */
export const ARCHITECTURAL: readonly (readonly [from: number, to: number])[] = [
  [L.GPR, L.ZF_SLOT],
  [L.FS_BASE, L.ZERO],
  [L.CR0, L.SYSTEM_END],
  [L.VECTOR, L.FP_RAISED],
  [L.X87_CW, L.OPMASK + 8 * 8],
];

/** Whether a frame, given as its words, holds anything. */
function isBlank(words: Uint32Array): boolean {
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  return true;
}

interface Hashed {
  readonly cpu: CpuState;
  readonly memory: PhysicalMemory;
}

function addCpu(hash: Hash, { cpu, memory }: Hashed): void {
  for (const [from, to] of ARCHITECTURAL) hash.words(new Uint32Array(memory.u8.buffer, from, (to - from) / 4));
  hash.word(cpu.rflags);
  hash.u64(BigInt(cpu.icount));
  addTiles(hash, cpu);
}

/** Tiles, and who may use them, where there is something: without them a hash is what it is on a CPU that has none. */
function addTiles(hash: Hash, cpu: CpuState): void {
  for (const [kind, bytes] of [
    tileConfiguration(cpu),
    cpu.u8.subarray(L.XFD, L.XFD_ERR + 8),
    tileData(cpu),
  ].entries()) {
    if (bytes === null) continue;
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    if (isBlank(words)) continue;
    hash.word(kind);
    hash.words(words);
  }
}

function addMemory(hash: Hash, memory: PhysicalMemory): void {
  const words = new Uint32Array(memory.u8.buffer, L.RAM, memory.size / 4);
  const perFrame = PAGE_SIZE / 4;
  for (const frame of memory.touchedFrames()) {
    const held = words.subarray(frame / 4, frame / 4 + perFrame);
    if (isBlank(held)) continue;
    hash.word(frame / PAGE_SIZE);
    hash.words(held);
  }
}

/**
 * A hash of the machine as the architecture shows it: registers, control and debug registers, segment selectors and bases, XMM,
 * MXCSR, x87, the instruction count, and guest RAM. 16 hexadecimal digits, the same after the same instructions on every
 * engine and every host. What a CPU caches (translations, decoded code) is not part of it, and neither is RAM that holds zeros.
 */
export function stateHash(machine: Hashed): string {
  const hash = new Hash();
  addCpu(hash, machine);
  addMemory(hash, machine.memory);
  return hash.digest();
}

/** The same of a CPU alone, where several share a memory. */
export function cpuHash(machine: Hashed): string {
  const hash = new Hash();
  addCpu(hash, machine);
  return hash.digest();
}

/** The same of guest RAM alone. */
export function memoryHash(memory: PhysicalMemory): string {
  const hash = new Hash();
  addMemory(hash, memory);
  return hash.digest();
}
