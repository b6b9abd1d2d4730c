import { Random } from '../bits/random.ts';
import type { CodePages } from './code-pages.ts';
import type { PhysicalMemory } from './physical.ts';

/** Bytes that are kept or forgotten together. Smaller than an instruction: it may be seen half old, half new. */
const CHUNK = 4;
/** One fetch in so many forgets a chunk that it has used. */
const FORGETS = 8;

/** An instruction that was fetched with bytes that memory has no more. */
export interface StaleCode {
  readonly cpu: number;
  readonly rip: bigint;
  /** As executed, and as memory has them. */
  readonly executed: Uint8Array;
  readonly memory: Uint8Array;
  /** Some of its bytes are from before a change and others from behind it: no instruction that ever was. */
  readonly mixed: boolean;
}

/** What a chunk held, up to a write. */
interface Past {
  readonly until: number;
  readonly bytes: Uint8Array;
}

/** What all CPUs' caches share: what code was before it was written over. Time counts the writes. */
export class CodeWrites {
  readonly #memory: PhysicalMemory;
  readonly #past = new Map<number, Past[]>();
  #now = 0;

  constructor(memory: PhysicalMemory, code: CodePages) {
    this.#memory = memory;
    code.connect((physical, length) => {
      this.#now++;
      for (let at = physical - (physical % CHUNK); at < physical + length; at += CHUNK) {
        const past = this.#past.get(at) ?? [];
        past.push({ until: this.#now, bytes: memory.bytes(at, CHUNK).slice() });
        this.#past.set(at, past);
      }
    });
  }

  get now(): number {
    return this.#now;
  }

  /** What a chunk held at a time. */
  at(chunk: number, time: number): Uint8Array {
    return this.#past.get(chunk)?.find(({ until }) => until > time)?.bytes ?? this.#memory.bytes(chunk, CHUNK);
  }
}

/**
 * What a CPU may still execute after somebody else has written over it: bytes as they were when they were first fetched, until a
 * serializing instruction (SDM 3A 9.1.3). Now and then some are fetched anew before, as a CPU may at any time; a seed decides.
 */
export class InstructionCache {
  readonly #cpu: number;
  readonly #random: Random;
  readonly #memory: PhysicalMemory;
  readonly #code: CodePages;
  readonly #writes: CodeWrites;
  readonly #report: (found: StaleCode) => void;
  readonly #chunks = new Map<number, { readonly bytes: Uint8Array; readonly filled: number }>();

  constructor(
    cpu: number,
    seed: number,
    memory: PhysicalMemory,
    code: CodePages,
    writes: CodeWrites,
    report: (found: StaleCode) => void,
  ) {
    this.#cpu = cpu;
    this.#random = new Random(seed);
    this.#memory = memory;
    this.#code = code;
    this.#writes = writes;
    this.#report = report;
  }

  /** Bytes at a physical address, within a frame, as this CPU sees them. */
  bytes(physical: number, length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let at = physical - (physical % CHUNK); at < physical + length; at += CHUNK) {
      const { bytes } = this.#chunk(at);
      for (let i = 0; i < CHUNK; i++) {
        const to = at + i - physical;
        if (to >= 0 && to < length) out[to] = bytes[i]!;
      }
    }
    return out;
  }

  #chunk(at: number) {
    let chunk = this.#chunks.get(at);
    if (chunk === undefined) {
      this.#code.mark(at, CHUNK);
      chunk = { bytes: this.#memory.bytes(at, CHUNK).slice(), filled: this.#writes.now };
      this.#chunks.set(at, chunk);
    }
    return chunk;
  }

  /** Bytes at a physical address are about to be executed; reports where they are not those of memory. */
  executed(rip: bigint, physical: number, bytes: Uint8Array): void {
    const first = physical - (physical % CHUNK);
    const chunks: number[] = [];
    for (let at = first; at < physical + bytes.length; at += CHUNK) chunks.push(at);
    const memory = this.#memory.bytes(physical, bytes.length).slice();
    if (bytes.some((byte, i) => byte !== memory[i]))
      this.#report({ cpu: this.#cpu, rip, executed: bytes, memory, mixed: this.#isMixed(physical, bytes, chunks) });
    if (this.#random.below(FORGETS) === 0) this.#chunks.delete(chunks[this.#random.below(chunks.length)]!);
  }

  /** There was no time at which memory held all of it. */
  #isMixed(physical: number, executed: Uint8Array, chunks: readonly number[]): boolean {
    const first = Math.min(...chunks.map((at) => this.#chunk(at).filled));
    for (let time = first; time <= this.#writes.now; time++) {
      const held = chunks.flatMap((at) => [...this.#writes.at(at, time)]).slice(physical - chunks[0]!);
      if (executed.every((byte, i) => byte === held[i])) return false;
    }
    return true;
  }

  /** This CPU has written over its own code: it sees that itself. */
  drop(physical: number, length: number): void {
    for (let at = physical - (physical % CHUNK); at < physical + length; at += CHUNK) this.#chunks.delete(at);
  }

  /** A serializing instruction: nothing that was fetched before counts. */
  serialize(): void {
    this.#chunks.clear();
  }
}
