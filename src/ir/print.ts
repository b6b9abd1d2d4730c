import type { Block, Node } from './nodes.ts';

/** One node a line: `%3 = add.64 %1 %2`, with what it carries in brackets. */
export function print(block: Block): string {
  const names = new Map<Node, string>();
  const lines: string[] = [];
  for (const node of block.nodes) {
    const args = node.args.map((arg) => names.get(arg) ?? immediate(arg));
    if (node.op === 'const') {
      names.set(node, immediate(node));
      continue;
    }
    const text = [node.w ? `${node.op}.${node.w}` : node.op, ...attributes(node), ...args].join(' ');
    if (node.w === 0) lines.push(text);
    else {
      names.set(node, `%${lines.length}`);
      lines.push(`%${lines.length} = ${text}`);
    }
  }
  return lines.join('\n');
}

const immediate = (node: Node): string => (node.op === 'const' ? `0x${node.attr.value!.toString(16)}` : '?');

function attributes(node: Node): string[] {
  return Object.entries(node.attr)
    .filter(([, value]) => value !== undefined && value !== null && value !== 0)
    .map(
      ([name, value]) =>
        `[${name} ${typeof value === 'number' && name === 'place' ? `0x${value.toString(16)}` : String(value)}]`,
    );
}
