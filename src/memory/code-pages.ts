import { PAGE_SIZE } from './physical.ts';

/** Stores are checked against translated code in chunks of this many bytes. */
const CHUNK = 64;

/**
 * Which physical bytes have been decoded. A store to such a chunk tells the listener (the engine's cache) which bytes
 * change, so that the next instruction already sees them; data beside code costs one look-up.
 */
export class CodePages {
  readonly #chunks = new Map<number, Uint8Array>();
  #listener: (physical: number, length: number) => void = () => {};
  #arrival: (frame: number) => void = () => {};

  /** @param written called before decoded bytes change  @param arrival called when a frame receives its first code */
  connect(written: (physical: number, length: number) => void): void {
    this.#listener = written;
  }

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
      for (let at = first; at < last; at = (Math.floor(at / CHUNK) + 1) * CHUNK)
        if (chunks[Math.floor((at % PAGE_SIZE) / CHUNK)]) {
          this.#listener(first, last - first);
          break;
        }
    }
  }

  /** Nothing is decoded any more. */
  clear(): void {
    this.#chunks.clear();
  }
}
