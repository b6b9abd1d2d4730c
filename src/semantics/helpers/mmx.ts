import { TYPE, W } from '../../ir/wasm-opcodes.ts';
import { X87_CW, X87_TW } from '../../state/layout.ts';
import { defineHelper } from './helper.ts';

/** TOP as it lies in the word that begins with the control word. */
const TOP = 7 << 27;
/** Low bits of the tags: a register is empty where both of its bits are set. */
const TAG_LOW_BITS = 0x5555;

defineHelper({
  name: 'mmx.enter',
  doc: 'TOP ← 0, and every register in use and tagged by its contents',
  args: [],
  result: 0,
  faults: false,
  state: 'fp',
  run: (c) => c.cpu.x87.enterMmx(),
  fast: (e, slow) =>
    e.temp(TYPE.i32, (tags) => {
      e.loadState(X87_CW, 32);
      e.i32(TOP);
      e.op(W.i32_and);
      e.loadState(X87_TW, 32);
      e.tee(tags);
      e.get(tags);
      e.i32(1);
      e.op(W.i32_shr_u, W.i32_and);
      e.i32(TAG_LOW_BITS);
      e.op(W.i32_and, W.i32_or);
      e.ifElse(null, slow);
    }),
});

defineHelper({
  name: 'mmx.empty',
  doc: 'TOP ← 0, and every register empty',
  args: [],
  result: 0,
  faults: false,
  state: 'fp',
  run: (c) => c.cpu.x87.emptyMmx(),
});
