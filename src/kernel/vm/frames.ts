import { PAGE_SIZE, type PhysicalMemory } from '../../memory/physical.ts';
import { RAM } from '../../state/layout.ts';

/** Private frames that several address spaces share until one of them writes (Linux: the map count of a page). */
export class PrivateFrames {
  readonly #memory: PhysicalMemory;
  /** Users of the frames that have more than one. */
  readonly #users = new Map<number, number>();

  constructor(memory: PhysicalMemory) {
    this.#memory = memory;
  }

  isShared(frame: number): boolean {
    return this.#users.has(frame);
  }

  /** One user more. */
  share(frame: number): void {
    this.#users.set(frame, (this.#users.get(frame) ?? 1) + 1);
  }

  /** One user fewer; the last one frees it. */
  release(frame: number): void {
    const users = this.#users.get(frame);
    if (users === undefined) this.#memory.freeFrame(frame);
    else if (users === 2) this.#users.delete(frame);
    else this.#users.set(frame, users - 1);
  }

  /** A frame that only one user has: this one, or a copy. @throws OutOfMemory */
  own(frame: number): number {
    if (!this.isShared(frame)) return frame;
    const copy = this.#memory.allocateFrame();
    this.#memory.u8.copyWithin(RAM + copy, RAM + frame, RAM + frame + PAGE_SIZE);
    this.release(frame);
    return copy;
  }
}
