import type { Builder } from '../../ir/builder.ts';
import { ForwardingBuilder, trackedAt } from '../../ir/forward.ts';
import type { Node } from '../../ir/nodes.ts';
import { usedNodes } from '../../ir/passes/dead-stores.ts';
import { liftInto } from '../../semantics/lift.ts';
import type { CodeBlock } from './blocks.ts';
import { isOpaque, isQuiet } from './code.ts';
import { aliveWithoutFlags, type FlagStates, reduced } from './flags.ts';

/** A block as it is emitted. */
export interface LiftedBlock {
  readonly code: CodeBlock;
  readonly nodes: readonly Node[];
  /** It reads a flag that it has not written. */
  readonly readsFlags: boolean;
  /** State of the flags behind it; null: as before it. */
  readonly flagsOut: number | null;
  /** On some way through it flags stay as they were before it. */
  readonly passesFlags: boolean;
  /** Registers that it reads and writes, by place. */
  readonly reads: ReadonlySet<number>;
  readonly writes: ReadonlySet<number>;
}

/** Lifts a block's instructions into one list of nodes, with flags reduced to states. */
export function liftBlock(code: CodeBlock, states: FlagStates, plain = false): LiftedBlock {
  const builder = new ForwardingBuilder(isOpaque, isQuiet, plain);
  code.insns.forEach(({ insn, rip }, i) => {
    builder.begin(i);
    liftInto(builder as unknown as Builder, insn, rip);
  });
  builder.commit();
  const all = usedNodes(builder.nodes);
  const alive = aliveWithoutFlags(all);
  const nodes = usedNodes(
    all.map((node) => {
      if (node.op !== 'putflags') return node;
      const { state, values } = states.of(node, alive);
      return reduced(state.id, values);
    }),
  );
  const reads = new Set<number>();
  const writes = new Set<number>();
  let readsFlags = false;
  let flagsOut: number | null = null;
  let skips = false;
  for (const node of nodes) {
    if (node.op === 'get' || node.op === 'put') {
      const width = node.op === 'get' ? node.w : node.args[0]!.w;
      const place = node.attr.place as number;
      if (trackedAt(place, width) !== null) (node.op === 'get' ? reads : writes).add(place);
    } else if (node.op === 'getflag') readsFlags ||= flagsOut === null;
    else if (node.op === 'skipif') skips ||= flagsOut === null;
    else if (node.op === 'putflags') flagsOut = Number(node.attr.value);
    else if (node.op === 'call' && isOpaque(node.attr.helper!)) flagsOut = 0;
  }
  return { code, nodes, readsFlags, flagsOut, passesFlags: skips || flagsOut === null, reads, writes };
}
