import type { Field } from '../../ir/nodes.ts';
import { W } from '../../ir/wasm-opcodes.ts';
import type { Site } from '../../semantics/lift.ts';
import { RIP_PAGE } from '../../state/layout.ts';
import type { FunctionBuilder } from '../wasm/function.ts';
import { RECORD } from './record.ts';

/** Where the instruction stands, for lifts that read records. */
export const recordSite: Site = {
  start: (b) => b.add(b.get(RIP_PAGE, 64), b.field('start', 64)),
  next: (b) => b.add(b.get(RIP_PAGE, 64), b.field('next', 64)),
  fop: (b) => b.field('fop', 16),
};

/** Puts the value of a record field on the stack; `record` is the local with the record's address. */
export function pushField(f: FunctionBuilder, record: number, field: Field, w: number): void {
  const load = (opcode: number, at: number): void => {
    f.get(record);
    f.access(opcode, at);
  };
  switch (field) {
    case 'imm':
    case 'displacement': {
      const opcode = w === 64 ? W.i64_load : w === 32 ? W.i32_load : w === 16 ? W.i32_load16_u : W.i32_load8_u;
      return load(opcode, RECORD[field]);
    }
    case 'imm2':
      return load(w === 8 ? W.i32_load8_u : W.i32_load16_u, RECORD.imm2);
    case 'stack':
      return load(W.i32_load8_u, RECORD.stack);
    case 'shift':
      return load(w === 64 ? W.i64_load8_u : W.i32_load8_u, RECORD.shift);
    case 'start':
      return load(W.i64_load16_u, RECORD.offset);
    case 'next':
      load(W.i64_load16_u, RECORD.offset);
      load(W.i64_load8_u, RECORD.length);
      return f.op(W.i64_add);
    default:
      // A place as a value: its state offset.
      return load(W.i32_load16_u, RECORD[field]);
  }
}
