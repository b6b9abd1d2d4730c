import { MAX_INSN_LENGTH, mayContinue } from '../decode/decode.ts';
import type { DecodeFailure, Insn, LegacyInsn } from '../decode/insn.ts';
import type { Mmu } from '../memory/mmu.ts';
import { PAGE_SIZE } from '../memory/physical.ts';
import type { HelperContext } from '../semantics/helpers/helper.ts';
import { RAM } from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import type { ExecContext } from './context.ts';

/** An instruction as fetched: where its bytes lie, in one frame or two. */
export interface Fetched<I extends Insn = Insn> {
  readonly insn: I;
  readonly physical: number;
  /** Physical address of the second page's part, or null. */
  readonly second: number | null;
}

/** Bytes that are looked at of what is no instruction. */
const SHOWN_OF_INVALID = 4;
const LAST_BYTE = BigInt(PAGE_SIZE - 1);

/**
 * Fetches and decodes the instruction at `rip` as the CPU does: the second page is only touched when the first ends inside
 * the instruction. Null with a fault pending: #PF of the fetch, #UD, or #GP past 15 bytes.
 *
 * @param ahead nothing beyond the first page may be touched: null where the instruction goes on there
 */
export function fetchInsn(
  mmu: Mmu,
  context: Pick<HelperContext, 'fault' | 'machine'>,
  rip: bigint,
  ahead = false,
): Fetched | null {
  return fetchWith((bytes) => context.machine.decode(bytes), mmu, context, rip, ahead);
}

/** As `fetchInsn`, of 16- or 32-bit code at a linear address. */
export const fetchLegacy = (context: ExecContext, linear: bigint, bits: 16 | 32): Fetched<LegacyInsn> | null =>
  fetchWith((bytes) => context.machine.decodeLegacy(bytes, bits), context.mmu, context, linear, false);

function fetchWith<I extends Insn>(
  decode: (bytes: Uint8Array) => I | DecodeFailure,
  mmu: Mmu,
  context: Pick<HelperContext, 'fault'>,
  rip: bigint,
  ahead: boolean,
): Fetched<I> | null {
  const physical = mmu.fetch(rip);
  if (physical === null) return null;
  const offset = Number(rip & LAST_BYTE);
  const head = Math.min(MAX_INSN_LENGTH, PAGE_SIZE - offset);
  const bytes = physicalBytes(mmu, physical, head);
  let insn = decode(bytes);
  let second: number | null = null;
  if (insn === 'more' && head < MAX_INSN_LENGTH) {
    if (ahead) return null;
    second = mmu.fetch(BigInt.asUintN(64, (rip | LAST_BYTE) + 1n));
    if (second === null && mayContinue(bytes)) return null;
    if (second === null) insn = 'invalid';
    else {
      const whole = new Uint8Array(MAX_INSN_LENGTH);
      whole.set(bytes);
      whole.set(physicalBytes(mmu, second, MAX_INSN_LENGTH - head), head);
      insn = decode(whole);
    }
  }
  if (typeof insn !== 'string') {
    const vector = mmu.code.refuse(insn);
    if (vector === null) {
      if (second === null) mmu.icache?.executed(rip, physical, insn.bytes);
      return { insn, physical, second };
    }
    context.fault(vector, null);
    return null;
  }
  mmu.icache?.executed(rip, physical, bytes.slice(0, SHOWN_OF_INVALID));
  if (insn === 'invalid') context.fault(VECTOR.UD, null);
  else context.fault(VECTOR.GP, 0);
  return null;
}

/** Bytes of a frame; all ones beyond the end of RAM. */
function physicalBytes(mmu: Mmu, physical: number, length: number): Uint8Array {
  if (mmu.icache !== null && physical + length <= mmu.memory.size) return mmu.icache.bytes(physical, length);
  if (physical + length <= mmu.memory.size) return mmu.memory.u8.subarray(RAM + physical, RAM + physical + length);
  return new Uint8Array(length).fill(0xff);
}
