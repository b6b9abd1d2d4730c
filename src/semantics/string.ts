import { define } from './define.ts';
import { subFlags } from './flags.ts';
import { RAX, RDI, RSI } from './lift.ts';

define('movs', 'Move an element from [RSI] to ES:[RDI]', (x) =>
  x.repeated(() => {
    const w = x.insn.width;
    const value = x.load(x.stringAddress(RSI, true), w);
    x.b.store(x.stringAddress(RDI, false), value, 'general');
    x.stringAdvance(RSI, w);
    x.stringAdvance(RDI, w);
    return null;
  }),
);

define('stos', 'Store the accumulator at ES:[RDI]', (x) =>
  x.repeated(() => {
    const w = x.insn.width;
    x.b.store(x.stringAddress(RDI, false), x.b.get(RAX, w as 64), 'general');
    x.stringAdvance(RDI, w);
    return null;
  }),
);

define('lods', 'Load the accumulator from [RSI]', (x) =>
  x.repeated(() => {
    const w = x.insn.width;
    x.writePlace(RAX, x.load(x.stringAddress(RSI, true), w));
    x.stringAdvance(RSI, w);
    return null;
  }),
);

define('cmps', 'Compare [RSI] with ES:[RDI]', (x) =>
  x.repeated(() => {
    const w = x.insn.width;
    const a = x.load(x.stringAddress(RSI, true), w);
    const b = x.load(x.stringAddress(RDI, false), w);
    subFlags(x, a, b, x.b.sub(a, b), false);
    x.stringAdvance(RSI, w);
    x.stringAdvance(RDI, w);
    const equal = x.b.eq(a, b);
    return x.insn.repeat === 'repne' ? equal : x.b.xor(equal, x.constant(1, 1));
  }),
);

define('scas', 'Compare the accumulator with ES:[RDI]', (x) =>
  x.repeated(() => {
    const w = x.insn.width;
    const a = x.b.get(RAX, w as 64);
    const b = x.load(x.stringAddress(RDI, false), w);
    subFlags(x, a, b, x.b.sub(a, b), false);
    x.stringAdvance(RDI, w);
    const equal = x.b.eq(a, b);
    return x.insn.repeat === 'repne' ? equal : x.b.xor(equal, x.constant(1, 1));
  }),
);
