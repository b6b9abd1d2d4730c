import { type CodeSource, type Placed, traitsOf } from './code.ts';

/** A straight run of instructions of a region. */
export interface CodeBlock {
  readonly index: number;
  readonly start: bigint;
  readonly insns: readonly Placed[];
}

/** Guest code that is compiled together. */
export interface CodeRegion {
  readonly blocks: readonly CodeBlock[];
  readonly byStart: ReadonlyMap<bigint, CodeBlock>;
  /** What it was gathered for. */
  readonly heads: readonly bigint[];
  /** Where it is entered, by number. */
  readonly entries: readonly bigint[];
  /** Where an indirect branch that ends a block may go to within the region, by the block's start. */
  readonly targets: ReadonlyMap<bigint, readonly bigint[]>;
}

export interface Limits {
  readonly insns: number;
  readonly blockInsns: number;
  readonly pages: number;
  /** Return sites that one return is compared with. */
  readonly returns: number;
}

export const LIMITS: Limits = { insns: 800, blockInsns: 48, pages: 12, returns: 8 };

const PAGE = 0xfffn;

/** Whether a region jumps through a register or memory, as a switch or a threaded interpreter does. */
export const jumpsIndirectly = ({ blocks }: CodeRegion): boolean =>
  blocks.some(({ insns }) => {
    const { insn } = insns.at(-1)!;
    const [op] = insn.operands;
    return insn.mnemonic === 'jmp' && op!.kind !== 'rel' && !(op!.kind === 'mem' && op!.base === 'rip');
  });
const isReturn = (insn: Placed['insn']): boolean => insn.mnemonic === 'ret';
const isCall = (insn: Placed['insn']): boolean => insn.mnemonic === 'call';

/** Target of a direct branch or call. */
function directTarget({ insn, rip }: Placed): bigint | null {
  const op = insn.operands[0];
  return op?.kind === 'rel' ? BigInt.asUintN(64, rip + op.offset) : null;
}

/** Whether control may also go on behind an instruction that ends a block. */
const fallsThrough = ({ insn }: Placed): boolean => !['jmp', 'ret'].includes(insn.mnemonic);

/**
 * Gathers the code that is reachable from the heads by direct branches and calls, nearest first, as far as it has been seen.
 *
 * @param known whether code at an address has been met in execution (or close to it)
 * @param excluded addresses that must stay outside
 * @returns null where not even the first head can be compiled
 */
export function gather(
  reader: CodeSource,
  heads: readonly bigint[],
  known: (rip: bigint) => boolean,
  excluded: (rip: bigint) => boolean,
  limits: Limits = LIMITS,
): CodeRegion | null {
  const found = new Map<bigint, Placed>();
  const leaders = new Set<bigint>(heads);
  const calls: { site: bigint; callee: bigint }[] = [];
  /** Targets of jumps and calls through fixed addresses, by the instruction's. */
  const guesses = new Map<bigint, bigint>();
  const queue = [...heads];
  const read = (rip: bigint): Placed | null => {
    if (
      (excluded(rip) && !heads.includes(rip)) ||
      (reader.frames.size >= limits.pages && !reader.frames.has(rip & ~PAGE))
    )
      return null;
    const placed = reader.at(rip);
    return placed === null || traitsOf(placed) === null ? null : placed;
  };
  while (queue.length > 0 && found.size < limits.insns) {
    let rip = queue.shift()!;
    while (!found.has(rip)) {
      const placed = found.size < limits.insns ? read(rip) : null;
      if (placed === null) break;
      found.set(rip, placed);
      const traits = traitsOf(placed)!;
      let target = directTarget(placed);
      if (target === null && traits.ends) {
        target = reader.pointedTo(placed);
        if (target !== null) guesses.set(rip, target);
      }
      if (traits.alone) leaders.add(rip);
      if (traits.ends) {
        const call = isCall(placed.insn);
        leaders.add(placed.next);
        if (target !== null) {
          leaders.add(target);
          if (call) calls.push({ site: placed.next, callee: target });
          if (known(target)) queue.push(target);
        }
        if (!fallsThrough(placed)) break;
        // What follows a call is reached by a return; what follows a branch directly.
        if (!known(placed.next)) break;
      }
      rip = placed.next;
    }
  }
  if (!found.has(heads[0]!)) return null;
  const blocks = cut(found, leaders, limits.blockInsns);
  const byStart = new Map(blocks.map((block) => [block.start, block]));
  const targets = matchReturns(byStart, guesses, calls, limits.returns);
  const inside = new Set([...targets.values()].flat());
  for (const { start, insns } of blocks) {
    const guess = guesses.get(insns.at(-1)!.rip);
    if (guess !== undefined && byStart.has(guess)) targets.set(start, [guess]);
  }
  const sites = blocks.flatMap(({ insns }) => (isCall(insns.at(-1)!.insn) ? [insns.at(-1)!.next] : []));
  // Heads, and where a call comes back whose return is not in the region.
  const entries = new Set([...heads, ...sites.filter((site) => !inside.has(site))].filter((rip) => byStart.has(rip)));
  return { blocks, byStart, heads, entries: [...entries], targets };
}

function cut(found: ReadonlyMap<bigint, Placed>, leaders: ReadonlySet<bigint>, longest: number): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const done = new Set<bigint>();
  const starts = [...found.keys()].filter((rip) => leaders.has(rip));
  for (let n = 0; n < starts.length; n++) {
    const start = starts[n]!;
    if (done.has(start)) continue;
    done.add(start);
    const insns: Placed[] = [];
    for (let placed = found.get(start); placed !== undefined; placed = found.get(placed.next)) {
      if (insns.length > 0 && leaders.has(placed.rip)) break;
      if (insns.length === longest) {
        starts.push(placed.rip);
        break;
      }
      insns.push(placed);
      if (traitsOf(placed)!.ends) break;
    }
    blocks.push({ index: blocks.length, start, insns });
  }
  return blocks;
}

/** Which return sites each return may go to: those of the calls whose callee leads to it. */
function matchReturns(
  blocks: ReadonlyMap<bigint, CodeBlock>,
  guesses: ReadonlyMap<bigint, bigint>,
  calls: readonly { site: bigint; callee: bigint }[],
  most: number,
): Map<bigint, bigint[]> {
  const returns = new Map<bigint, bigint[]>();
  const sites = new Map<bigint, bigint[]>();
  for (const { site, callee } of calls)
    if (blocks.has(site) && blocks.has(callee)) {
      const list = sites.get(callee) ?? [];
      if (!list.includes(site)) list.push(site);
      sites.set(callee, list);
    }
  for (const [callee, back] of sites)
    for (const block of withinFunction(blocks, guesses, callee)) {
      const list = returns.get(block.start) ?? [];
      for (const site of back) if (list.length < most && !list.includes(site)) list.push(site);
      returns.set(block.start, list);
    }
  return returns;
}

/** Blocks ending in a return that a function reaches without going into what it calls. */
function withinFunction(
  blocks: ReadonlyMap<bigint, CodeBlock>,
  guesses: ReadonlyMap<bigint, bigint>,
  entry: bigint,
): CodeBlock[] {
  const out: CodeBlock[] = [];
  const seen = new Set<bigint>();
  const stack = [entry];
  while (stack.length > 0) {
    const start = stack.pop()!;
    const block = blocks.get(start);
    if (block === undefined || seen.has(start)) continue;
    seen.add(start);
    const last = block.insns.at(-1)!;
    if (isReturn(last.insn)) {
      out.push(block);
      continue;
    }
    const target = directTarget(last) ?? guesses.get(last.rip) ?? null;
    if (target !== null && !isCall(last.insn)) stack.push(target);
    if (fallsThrough(last)) stack.push(last.next);
  }
  return out;
}
