import { InsnStream } from '../../decode/stream.ts';
import { FLOW } from '../../decode/traits.ts';

/** Stripped code is decoded in pieces of this size. */
const PIECE = 1 << 20;
const INT3 = 0xcc;
const FUNCTION_ALIGNMENT = 16;

/** Functions of code without symbols: what is called directly begins one, and so does code behind padding at an aligned address. */
export function guessedFunctions(
  bytes: Uint8Array,
  address: number,
): { readonly address: number; readonly size: number }[] {
  const starts = new Set<number>([0]);
  const stream = new InsnStream();
  for (let from = 0; from < bytes.length; from += PIECE) {
    stream.decode(bytes.subarray(from, from + PIECE));
    let ended = false;
    for (let n = 0; n < stream.count; n++) {
      const at = from + stream.at[n]!;
      const { flow, mnemonic } = stream.traits[n]!;
      const padding = mnemonic === 'nop' || mnemonic === 'int3' || bytes[at] === INT3;
      if (ended && !padding) {
        if ((address + at) % FUNCTION_ALIGNMENT === 0 || mnemonic === 'endbr64') starts.add(at);
        ended = false;
      }
      if (flow === FLOW.call) {
        const target = from + stream.target[n]!;
        if (target >= 0 && target < bytes.length) starts.add(target);
      }
      if (flow === FLOW.return || flow === FLOW.jump || flow === FLOW.stop) ended = true;
    }
  }
  const ordered = [...starts].sort((a, b) => a - b);
  return ordered.map((start, i) => ({ address: address + start, size: (ordered[i + 1] ?? bytes.length) - start }));
}
