import { parseHexBytes } from '../../bits/hex.ts';
import { decode } from '../../decode/decode.ts';
import type { Insn } from '../../decode/insn.ts';
import { shapeKey } from './shape.ts';

/** One instruction of every shape that has an arm in the dispatcher, by how often real programs execute it. */
const SAMPLES: readonly string[] = [];

export function INLINE_SAMPLES(): { key: string; insn: Insn }[] {
  return SAMPLES.map((hex) => {
    const insn = decode(parseHexBytes(hex));
    if (typeof insn === 'string') throw new Error(`inline sample ${hex} is ${insn}`);
    return { key: shapeKey(insn), insn };
  });
}
