import type { Insn } from '../decode/insn.ts';
import { PAGE_SIZE } from './physical.ts';

/** Stores are checked against translated code in chunks of this many bytes. */
const CHUNK_SHIFT = 6;
const CHUNK = 1 << CHUNK_SHIFT;

/**
 * Which physical bytes have been decoded. A store to such a chunk tells the listener (the engine's cache) which bytes
 * change, so that the next instruction already sees them; data beside code costs one look-up.
 */
export class CodePages {
  readonly #chunks = new Map<number, Uint8Array>();
  readonly #listeners: ((physical: number, length: number) => void)[] = [];
  #arrival: (frame: number) => void = () => {};
  /** Vector of the exception that an instruction raises under the present mode, whatever it does; null: none. */
  refuse: (insn: Insn) => number | null = () => null;

  /** @param written called before decoded bytes change */
  connect(written: (physical: number, length: number) => void): void {
    this.#listeners.push(written);
  }

  /** @param arrival called when a frame receives its first code */
  onArrival(arrival: (frame: number) => void): void {
    this.#arrival = arrival;
  }

  hasCode(frame: number): boolean {
    return this.#chunks.has(frame);
  }

  /** Bytes at `physical` have been decoded; they may span two frames. */
  mark(physical: number, length: number): void {
    for (let at = physical; at < physical + length; at = (Math.floor(at / CHUNK) + 1) * CHUNK) {
      const frame = at - (at % PAGE_SIZE);
      let chunks = this.#chunks.get(frame);
      if (chunks === undefined) {
        chunks = new Uint8Array(PAGE_SIZE / CHUNK);
        this.#chunks.set(frame, chunks);
        this.#arrival(frame);
      }
      chunks[Math.floor((at % PAGE_SIZE) / CHUNK)] = 1;
    }
  }

  /** Bytes at `physical` are about to change, or just did. */
  written(physical: number, length: number): void {
    if (this.#chunks.size === 0) return;
    const end = physical + length;
    for (let frame = physical - (physical % PAGE_SIZE); frame < end; frame += PAGE_SIZE) {
      const chunks = this.#chunks.get(frame);
      if (chunks === undefined) continue;
      const first = Math.max(physical, frame);
      const last = Math.min(end, frame + PAGE_SIZE);
      if (marked(chunks, first, last)) for (const listener of this.#listeners) listener(first, last - first);
    }
  }

  /** Whether any of these bytes, within a frame, may have been decoded. */
  covers(physical: number, length: number): boolean {
    const chunks = this.#chunks.get(physical - (physical % PAGE_SIZE));
    return chunks !== undefined && marked(chunks, physical, physical + length);
  }

  /** What has been decoded counts no more, although no byte changed. */
  forget(): void {
    for (const frame of [...this.#chunks.keys()]) for (const listener of this.#listeners) listener(frame, PAGE_SIZE);
  }

  /** Nothing is decoded any more. */
  clear(): void {
    this.#chunks.clear();
  }
}

/** Whether one of the chunks from `first` to `end`, of one frame, is marked. */
function marked(chunks: Uint8Array, first: number, end: number): boolean {
  const last = ((end - 1) % PAGE_SIZE) >> CHUNK_SHIFT;
  for (let chunk = (first % PAGE_SIZE) >> CHUNK_SHIFT; chunk <= last; chunk++) if (chunks[chunk] !== 0) return true;
  return false;
}
