import { W } from '../../ir/wasm-opcodes.ts';
import * as L from '../../state/layout.ts';
import type { FunctionBuilder } from './function.ts';

/** Puts the offset of the entry for an address in the cache of branch targets on the stack. */
export function pushTargetSlot(f: FunctionBuilder, rip: number): void {
  f.get(rip);
  f.get(rip);
  f.i64(12n);
  f.op(W.i64_shr_u, W.i64_xor, W.i32_wrap_i64);
  f.i32(L.TARGET_ENTRIES - 1);
  f.op(W.i32_and);
  f.i32(Math.log2(L.TARGET_ENTRY_SIZE));
  f.op(W.i32_shl);
}
