import { MAX_INSN_LENGTH } from '../../decode/decode.ts';
import { disassemble, type InsnText } from '../../decode/text.ts';
import type { CodeDump } from './parse.ts';

/** The instructions of a dump. */
export interface Decoded {
  /** Every instruction from `start` on, at addresses that count from the dump's first byte. */
  readonly all: readonly InsnText[];
  /** Bytes left out in front: the end of an instruction that began before the dump. */
  readonly start: number;
  /** Index in `all` of the trapping instruction; null where nothing marks it. */
  readonly trapping: number | null;
}

function sweep(bytes: Uint8Array, start: number, base: bigint): InsnText[] {
  const found: InsnText[] = [];
  for (let at = start; at < bytes.length; ) {
    const insn = disassemble(bytes.subarray(at, at + MAX_INSN_LENGTH), base + BigInt(at));
    found.push(insn);
    at += insn.bytes.length;
  }
  return found;
}

/**
 * Disassembles a dump. Its first bytes may be the end of an instruction: of the offsets 0 to 14 the first one is taken from which an
 * instruction begins at the mark and none in front of it is bad, else from which one begins there.
 * @param base address of the dump's first byte
 */
export function decodeCode({ bytes, mark }: CodeDump, base = 0n): Decoded {
  if (mark === null) return { all: sweep(bytes, 0, base), start: 0, trapping: null };
  const at = base + BigInt(mark);
  let second: Decoded | null = null;
  for (let start = 0; start < MAX_INSN_LENGTH && start <= mark; start++) {
    const all = sweep(bytes, start, base);
    const trapping = all.findIndex((insn) => insn.address === at);
    if (trapping < 0) continue;
    const decoded = { all, start, trapping };
    if (!all.slice(0, trapping).some((insn) => insn.text === '(bad)')) return decoded;
    second ??= decoded;
  }
  return second ?? { all: sweep(bytes, mark, base), start: mark, trapping: 0 };
}
