import { type Block, isEffect, mayLeave, type Node, type Place } from '../nodes.ts';

/** Bytes of the CPU state that a put or get touches; a record field's place is unknown. */
interface Extent {
  readonly from: number;
  readonly to: number;
}

const extent = (place: Place, width: number): Extent | null =>
  typeof place === 'number' ? { from: place, to: place + width / 8 } : null;

const covers = (outer: Extent, inner: Extent): boolean => outer.from <= inner.from && inner.to <= outer.to;
const overlaps = (a: Extent, b: Extent): boolean => a.from < b.to && b.from < a.to;

/**
 * Removes writes of registers and flags that a later write covers before anything can see them, and then the pure nodes that
 * nobody uses. Whatever may leave the instruction (a load, a store, a trap, a call) sees all of the state: a write before it stays.
 */
export function removeDeadStores(block: Block): Block {
  const kept = new Set<Node>();
  /** Walking backward: what will be overwritten before anybody looks. */
  let coveredPlaces: Extent[] = [];
  let coveredFlags = new Set<string>();
  for (const node of [...block.nodes].reverse()) {
    if (isObserver(node)) {
      coveredPlaces = [];
      coveredFlags = new Set();
    }
    if (node.op === 'putflag') {
      if (coveredFlags.has(node.attr.flag!)) continue;
      coveredFlags.add(node.attr.flag!);
    } else if (node.op === 'getflag') coveredFlags.delete(node.attr.flag!);
    else if (node.op === 'put') {
      const e = extent(node.attr.place!, node.args[0]!.w);
      if (e !== null && coveredPlaces.some((c) => covers(c, e))) continue;
      if (e !== null) coveredPlaces.push(e);
    } else if (node.op === 'get') {
      const e = extent(node.attr.place!, node.w);
      // A place from a record may be any register.
      coveredPlaces = e === null ? [] : coveredPlaces.filter((c) => !overlaps(c, e));
    }
    kept.add(node);
  }
  return { nodes: usedNodes(block.nodes.filter((node) => kept.has(node))) };
}

/** Control may leave here with the state as it stands. */
const isObserver = (node: Node): boolean =>
  mayLeave(node) || node.op === 'skipif' || node.op === 'again' || node.op === 'jump' || node.op === 'branch';

/** Drops pure nodes and reads of the state without a user. */
export function usedNodes(nodes: readonly Node[]): Node[] {
  const used = new Set<Node>();
  for (const node of [...nodes].reverse()) {
    const matters = isEffect(node) && node.op !== 'get' && node.op !== 'getflag';
    if (!matters && !used.has(node)) continue;
    used.add(node);
    for (const arg of node.args) used.add(arg);
  }
  return nodes.filter((node) => used.has(node));
}
