import { signed } from '../../bits/width.ts';
import type { Node, Val } from '../../ir/nodes.ts';

/** Accesses of a block at constant distances from one base, which share one look-up of the page. */
export interface AccessGroup {
  /** The base, or null where the addresses are constants. */
  readonly base: Node | null;
  /** Offset of the lowest byte from the base, and how many bytes are spanned. */
  low: bigint;
  span: number;
  /** Some of them write. */
  write: boolean;
  /** How many accesses. */
  count: number;
}

/** An access as a member of its group. */
export interface Member {
  readonly group: AccessGroup;
  readonly offset: bigint;
}

/** Accesses further apart are looked up on their own. */
const WIDEST = 1024;

/** Base and constant offset of an address. */
function split(address: Node): [Node | null, bigint] {
  if (address.op === 'const') return [null, signed(address.attr.value!, 64)];
  const [a, b] = address.args;
  if (address.op === 'add' && b!.op === 'const') return [a!, signed(b!.attr.value!, 64)];
  return [address, 0n];
}

const isAccess = (node: Node): boolean => node.op === 'load' || node.op === 'store';

/** The group of each load and store of a block. */
export function groupAccesses(nodes: readonly Node[]): Map<Node, Member> {
  const members = new Map<Node, Member>();
  const groups = new Map<Node | null, AccessGroup[]>();
  for (const node of nodes) {
    if (!isAccess(node)) continue;
    const [base, offset] = split(node.args[0]!);
    const bytes = (node.op === 'load' ? node.w : (node.args[1] as Val).w) / 8;
    const write = node.op === 'store' || node.attr.intent === 'write';
    const end = offset + BigInt(bytes);
    const list = groups.get(base) ?? [];
    groups.set(base, list);
    let group = list.find((g) => {
      const low = offset < g.low ? offset : g.low;
      const high = end > g.low + BigInt(g.span) ? end : g.low + BigInt(g.span);
      return high - low <= WIDEST;
    });
    if (group === undefined) {
      group = { base, low: offset, span: bytes, write, count: 0 };
      list.push(group);
    } else {
      const high = end > group.low + BigInt(group.span) ? end : group.low + BigInt(group.span);
      if (offset < group.low) group.low = offset;
      group.span = Number(high - group.low);
      group.write ||= write;
    }
    group.count++;
    members.set(node, { group, offset });
  }
  return members;
}
