import { operandWidth, resultWidth, rowOf } from './builder.ts';
import { type Block, EFFECTS, type Node, type Val } from './nodes.ts';

/** Nodes behind which an instruction does not go on. */
const ENDS = new Set(['jump', 'branch', 'again', 'exit']);

/**
 * Checks what every consumer of a block relies on: arguments stand before their users, widths fit the rows, operations are known,
 * nothing follows an end. Gives one line per violation, none for a sound block.
 */
export function verify(block: Block): string[] {
  const problems: string[] = [];
  const seen = new Set<Node>();
  block.nodes.forEach((node, i) => {
    const report = (what: string): void => {
      problems.push(`%${i} ${node.op}: ${what}`);
    };
    for (const arg of node.args) {
      if (!seen.has(arg)) report(`uses ${arg.op} before it stands in the block`);
      if (arg.w === 0) report(`uses ${arg.op}, which has no value`);
    }
    seen.add(node);
    const row = rowOf(node.op);
    if (row !== undefined) checkRow(node, report);
    else if (node.op === 'const') {
      if (node.attr.value! < 0n || node.attr.value! >> BigInt(node.w) !== 0n) report('a constant wider than its width');
    } else if (node.op !== 'field' && !Object.hasOwn(EFFECTS, node.op)) report('no such operation');
    if (ENDS.has(node.op) && i !== block.nodes.length - 1) report('is not the last node');
    if (['trapif', 'skipif', 'branch', 'again'].includes(node.op) && node.args[0]!.w !== 1)
      report('its condition is not one bit');
    if (['load', 'store', 'jump'].includes(node.op) && node.args[0]!.w !== 64) report('its address is not 64 bits');
  });
  return problems;
}

function checkRow(node: Node, report: (what: string) => void): void {
  const row = rowOf(node.op)!;
  const args = node.args as readonly Val[];
  const operands = row.kind === 'select' ? args.slice(1) : args;
  const w = operandWidth(row, args);
  if (!row.widths.some((known) => known === w)) report(`does not exist at ${w} bits`);
  if (operands.some((arg) => arg.w !== w)) report(`operands of ${args.map((arg) => arg.w).join(', ')} bits`);
  if (row.kind === 'select' && args[0]!.w !== 1) report('its condition is not one bit');
  if (row.kind !== 'resize' && resultWidth(row, args) !== node.w) report(`a result of ${node.w} bits`);
}
