import type { Insn } from '../../decode/insn.ts';
import { TYPE, W } from '../../ir/wasm-opcodes.ts';
import { RAX, RCX, RDI, RSI } from '../../semantics/lift.ts';
import * as L from '../../state/layout.ts';
import type { FunctionBuilder, Label } from '../wasm/function.ts';
import type { Frame } from './frame.ts';

/** Elements from which moving them at once is worth the look. */
const LEAST = 16n;
/** In a loop it is tried where the count is a multiple of this power of two. */
export const BULK_EVERY = 16n;
const PAGE = 4096n;
const DIRECTION = 1 << 10;

/** Whether the elements of a repeated string instruction may be moved or stored at once: MOVS and STOS without a segment's base. */
export const isBulk = (insn: Insn): boolean =>
  insn.repeat !== null &&
  insn.addressWidth === 64 &&
  insn.segment === null &&
  (insn.mnemonic === 'movs' || insn.mnemonic === 'stos');

/**
 * Before and in the loop of a REP MOVS or REP STOS: does as many elements at once as lie in the present pages, upwards, and leave at least one
 * of the count and `ways` of the instructions left. Where anything is out of the ordinary it does none. Each element counts as an
 * instruction, as if it had been done by itself.
 */
export function emitBulk(f: FunctionBuilder, insn: Insn, frame: Frame, ways: number): void {
  const at = (place: number): number | undefined => frame.registers.get(place)?.local;
  const moves = insn.mnemonic === 'movs';
  const [rcx, rdi, other] = [at(RCX), at(RDI), at(moves ? RSI : RAX)];
  if (rcx === undefined || rdi === undefined || other === undefined) return;
  const size = insn.width / 8;
  const log = Math.log2(size);

  f.block((done) =>
    f.temp(TYPE.i64, (n) =>
      f.temp(TYPE.i32, (to) =>
        f.temp(TYPE.i32, (from) => {
          f.loadState(L.SYSTEM_FLAGS, 32);
          f.i32(DIRECTION);
          f.op(W.i32_and);
          f.brIf(done);
          f.get(frame.left);
          f.i32(ways);
          f.op(W.i32_lt_s);
          f.brIf(done);
          f.get(rcx);
          f.op(W.i64_eqz);
          f.brIf(done);
          f.get(rcx);
          f.i64(-1n);
          f.op(W.i64_add);
          f.set(n);
          atMost(f, n, () => {
            f.get(frame.left);
            f.i32(ways);
            f.op(W.i32_sub, W.i64_extend_i32_u);
          });
          atMost(f, n, () => pushRoom(f, rdi, log));
          if (moves) atMost(f, n, () => pushRoom(f, other, log));
          f.get(n);
          f.i64(LEAST);
          f.op(W.i64_lt_u);
          f.brIf(done);
          pushHost(f, rdi, to, L.TLB_WRITE, done);
          f.set(to);
          const pushBytes = (): void => {
            f.get(n);
            f.i64(BigInt(log));
            f.op(W.i64_shl);
          };
          if (moves) {
            pushHost(f, other, from, L.TLB_READ, done);
            f.set(from);
            // Elements that are read behind where they have been written.
            f.get(to);
            f.get(from);
            f.op(W.i32_sub);
            pushBytes();
            f.op(W.i32_wrap_i64, W.i32_lt_u);
            f.brIf(done);
            f.get(to);
            f.get(from);
          } else {
            if (size > 1) {
              // Only what is one byte over and over.
              f.get(other);
              f.get(other);
              f.i64(0xffn);
              f.op(W.i64_and);
              f.i64(0x0101_0101_0101_0101n);
              f.op(W.i64_mul, W.i64_xor);
              f.i64(BigInt(64 - insn.width));
              f.op(W.i64_shl, W.i64_eqz, W.i32_eqz);
              f.brIf(done);
            }
            f.get(to);
            f.get(other);
            f.op(W.i32_wrap_i64);
          }
          pushBytes();
          f.op(W.i32_wrap_i64);
          if (moves) f.memoryCopy();
          else f.memoryFill();
          for (const pointer of moves ? [rdi, other] : [rdi]) {
            f.get(pointer);
            pushBytes();
            f.op(W.i64_add);
            f.set(pointer);
          }
          f.get(rcx);
          f.get(n);
          f.op(W.i64_sub);
          f.set(rcx);
          f.get(frame.left);
          f.get(n);
          f.op(W.i32_wrap_i64, W.i32_sub);
          f.set(frame.left);
        }),
      ),
    ),
  );
}

/** Lowers `n` to what `push` puts on the stack. */
function atMost(f: FunctionBuilder, n: number, push: () => void): void {
  f.temp(TYPE.i64, (limit) => {
    push();
    f.tee(limit);
    f.get(n);
    f.get(limit);
    f.get(n);
    f.op(W.i64_lt_u, W.select);
    f.set(n);
  });
}

/** Elements of 2^`log` bytes that lie between the pointer and the end of its page. */
function pushRoom(f: FunctionBuilder, pointer: number, log: number): void {
  f.i64(PAGE);
  f.get(pointer);
  f.i64(PAGE - 1n);
  f.op(W.i64_and, W.i64_sub);
  f.i64(BigInt(log));
  f.op(W.i64_shr_u);
}

/** The address in WebAssembly's memory behind a pointer whose page is in a fast TLB; to `done` where it is not. */
function pushHost(f: FunctionBuilder, pointer: number, slot: number, table: number, done: Label): void {
  f.get(pointer);
  f.i64(BigInt(Math.log2(4096 / L.TLB_ENTRY_SIZE)));
  f.op(W.i64_shr_u, W.i32_wrap_i64);
  f.i32((L.TLB_ENTRIES - 1) * L.TLB_ENTRY_SIZE);
  f.op(W.i32_and);
  f.tee(slot);
  f.access(W.i64_load, table);
  f.get(pointer);
  f.i64(-PAGE);
  f.op(W.i64_and, W.i64_ne);
  f.brIf(done);
  f.get(slot);
  f.access(W.i32_load, table + 8);
  f.get(pointer);
  f.op(W.i32_wrap_i64, W.i32_add);
}
