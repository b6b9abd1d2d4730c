import { parseHexBytes } from '../../bits/hex.ts';
import { decode } from '../../decode/decode.ts';
import type { Insn } from '../../decode/insn.ts';
import { shapeKey } from './shape.ts';

/** One instruction of every shape that has an arm in the dispatcher, by how often real programs execute it. */
const SAMPLES: readonly string[] = ['48 01 c8', '48 ff c9', '75 f8', '50', '5b', 'b9 00 00 00 00', '31 c0'];

export function INLINE_SAMPLES(): { key: string; insn: Insn }[] {
  return SAMPLES.map((hex) => {
    const insn = decode(parseHexBytes(hex));
    if (typeof insn === 'string') throw new Error(`inline sample ${hex} is ${insn}`);
    return { key: shapeKey(insn), insn };
  });
}
