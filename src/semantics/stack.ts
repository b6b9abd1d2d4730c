import { SYSTEM_FLAGS } from '../state/layout.ts';
import { PENDING_KIND } from '../state/pending.ts';
import { define } from './define.ts';
import { RAX, RBP, RSP } from './lift.ts';

/** AH. */
const RAX_HIGH = RAX + 1;

define('push', 'Push', (x, src) => {
  if (src!.kind === 'reg' && src!.file === 'seg') {
    const selector = x.b.get(src!.place, 16);
    x.push(x.insn.width === 16 ? selector : x.b.zext(selector, 64));
  } else x.push(x.read(src!));
});

define('pop', 'Pop; an address through RSP is computed behind the increment', (x, dst) => {
  const k = x.b;
  const op = dst!;
  if (op.kind === 'reg' && op.file === 'seg') {
    const w = x.insn.width as 16 | 64;
    const value = k.load(k.get(RSP, 64), w, 'stack');
    const selector = w === 16 ? value : k.trunc(value, 16);
    k.call('loadSegment', 0, x.constant(op.n, 32), k.zext(selector, 32));
    k.put(RSP, k.add(k.get(RSP, 64), x.constant(w / 8, 64)));
    return;
  }
  if (op.kind !== 'mem') {
    x.write(op, x.pop(op.w));
    return;
  }
  const size = x.constant(op.w / 8, 64);
  const top = k.get(RSP, 64);
  const value = k.load(top, op.w as 64, 'stack');
  const moved = k.select(x.baseIs(op, RSP), size, x.constant(0, 64));
  k.store(k.add(x.address(op), moved), value, op.fault);
  k.put(RSP, k.add(top, size));
});

define('leave', 'Leave a stack frame', (x) => {
  const k = x.b;
  const w = x.insn.width;
  const frame = k.get(RBP, 64);
  const value = k.load(frame, w as 64, 'stack');
  k.put(RBP, value);
  k.put(RSP, k.add(frame, x.constant(w / 8, 64)));
});

define('enter', 'Make a stack frame', (x, size, level) => {
  x.b.call('enter', 0, x.constant(x.insn.width, 32), x.b.zext(x.read(size!, 16), 32), x.b.zext(x.read(level!, 8), 32));
});

define('pushf', 'Push RFLAGS with RF and VM cleared', (x) => {
  const flags = x.b.call('readFlags', 64);
  const image = x.b.and(flags, x.constant(0xfcffffn, 64));
  x.push(x.b.trunc(image, x.insn.width));
});

define('popf', 'Pop RFLAGS: what the privilege level may not change stays', (x) => {
  const k = x.b;
  const w = x.insn.width;
  const top = k.get(RSP, 64);
  const image = k.zext(k.load(top, w as 64, 'stack'), 64);
  k.call('writeFlags', 0, image, x.constant(w, 32));
  k.put(RSP, k.add(top, x.constant(w / 8, 64)));
  // TF may be set now: whoever runs the engine looks before the next instruction.
  k.exit(PENDING_KIND.resume);
});

define('lahf', 'Flags into AH', (x) => {
  const k = x.b;
  const at = (name: 'cf' | 'pf' | 'af' | 'zf' | 'sf', bit: number) =>
    k.shl(k.zext(x.flag(name), 8), x.constant(bit, 8));
  let ah = k.or(at('cf', 0), x.constant(2, 8));
  for (const [name, bit] of [
    ['pf', 2],
    ['af', 4],
    ['zf', 6],
    ['sf', 7],
  ] as const)
    ah = k.or(ah, at(name, bit));
  k.put(RAX_HIGH, ah);
});

define('sahf', 'Flags from AH', (x) => {
  const k = x.b;
  const ah = k.get(RAX_HIGH, 8);
  const at = (bit: number) => k.trunc(k.shr(ah, x.constant(bit, 8)), 1);
  x.setFlags({ cf: at(0), pf: at(2), af: at(4), zf: at(6), sf: at(7) });
});

for (const [mnemonic, title, set] of [
  ['cld', 'Clear DF', 0],
  ['std', 'Set DF', 1],
] as const)
  define(mnemonic, title, (x) => {
    const k = x.b;
    const cleared = k.and(k.get(SYSTEM_FLAGS, 32), x.constant(0xfffffbff, 32));
    k.put(SYSTEM_FLAGS, k.or(cleared, x.constant(set << 10, 32)));
  });

define('clc', 'Clear CF', (x) => x.setFlags({ cf: x.constant(0, 1) }));
define('stc', 'Set CF', (x) => x.setFlags({ cf: x.constant(1, 1) }));
define('cmc', 'Complement CF', (x) => x.setFlags({ cf: x.b.xor(x.flag('cf'), x.constant(1, 1)) }));
