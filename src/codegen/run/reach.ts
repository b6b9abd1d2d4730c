import type { CodeImage } from './image.ts';

/** Which objects of an image an access counts from, and which it hits: an index out of bounds leads from one to another. */
export class Reach {
  readonly #hit = new Set<string>();
  readonly #strayed = new Set<string>();

  /** Notes an access. @param anchors numbers that its operand is the sum of: one of them may be the address of an object */
  note(image: CodeImage, anchors: readonly bigint[], place: bigint): void {
    const hit = image.symbolAt(place);
    if (hit === null) return;
    const name = `${hit.symbol}+${hit.offset}`;
    this.#hit.add(name);
    const from = anchors.flatMap((anchor) => image.symbolAt(anchor)?.symbol ?? []);
    if (from.length > 0 && !from.includes(hit.symbol)) this.#strayed.add(name);
  }

  /**
   * Whether something was hit from another object that `other` has not hit at all. Both builds may count from outside of an object that they
   * mean, but then they hit the same of it.
   */
  straysFrom(other: Reach): boolean {
    for (const name of this.#strayed) if (!other.#hit.has(name)) return true;
    return false;
  }
}
