import { define } from './define.ts';
import { CONDITIONS } from './flags.ts';
import { RAX, RBX, RDX } from './lift.ts';

define('mov', 'Move', (x, dst, src) => {
  if (src!.kind === 'reg' && src!.file === 'seg') {
    // A register destination is zero-extended to its width; memory takes 16 bits.
    const selector = x.b.get(src!.place, 16);
    x.write(dst!, dst!.kind === 'mem' ? selector : x.b.zext(selector, dst!.w));
    return;
  }
  if (dst!.kind === 'reg' && dst!.file === 'seg') {
    x.b.call('loadSegment', 0, x.constant(dst!.n, 32), x.b.zext(x.read(src!, 16), 32));
    return;
  }
  if (dst!.kind === 'reg' && (dst!.file === 'cr' || dst!.file === 'dr')) {
    const n = x.constant(dst!.n, 32);
    if (dst!.file === 'dr') return void x.b.call('writeDebug', 0, n, x.read(src!), x.next());
    x.b.call('writeControl', 0, n, x.read(src!));
    return x.refetch();
  }
  if (src!.kind === 'reg' && (src!.file === 'cr' || src!.file === 'dr')) {
    x.write(dst!, x.b.call(src!.file === 'cr' ? 'readControl' : 'readDebug', 64, x.constant(src!.n, 32)));
    return;
  }
  x.write(dst!, x.read(src!, dst!.w));
});

define('movzx', 'Move, zeros above', (x, dst, src) => x.write(dst!, x.b.zext(x.read(src!), dst!.w)));
define('movsx movsxd', 'Move, sign above', (x, dst, src) => x.write(dst!, x.b.sext(x.read(src!), dst!.w)));
define('movnti', 'Move past the caches', (x, dst, src) => x.write(dst!, x.read(src!)));

define('lea', 'Load effective address', (x, dst, src) => {
  if (src!.kind !== 'mem') throw new TypeError('LEA of a register');
  x.write(dst!, x.b.trunc(x.offset(src!), dst!.w));
});

define('xchg', 'Exchange; with memory always locked', (x, dst, src) => {
  const b = x.read(src!);
  const [old] = x.update(dst!, () => b);
  x.write(src!, old);
});

for (const [suffix, condition] of Object.entries(CONDITIONS)) {
  define(
    `cmov${suffix}`,
    'Move if the condition holds; memory is read and a 32-bit register zero-extended either way',
    (x, dst, src) => {
      const value = x.read(src!);
      x.write(dst!, x.b.select(condition(x), value, x.read(dst!)));
    },
  );
  define(`set${suffix}`, 'Set the byte to the condition', (x, dst) => x.write(dst!, x.b.zext(condition(x), 8)));
}

define('cbw cwde cdqe', 'Sign-extend within the accumulator', (x) => {
  const from = { cbw: 8, cwde: 16, cdqe: 32 }[x.insn.mnemonic] as 8;
  x.writePlace(RAX, x.b.sext(x.b.get(RAX, from), from * 2));
});

define('cwd cdq cqo', 'Sign of the accumulator into RDX', (x) => {
  const w = { cwd: 16, cdq: 32, cqo: 64 }[x.insn.mnemonic] as 16;
  x.writePlace(RDX, x.b.sar(x.b.get(RAX, w), x.constant(w - 1, w)));
});

define('xlatb', 'Table look-up: AL from [RBX + AL]', (x, table) => {
  const k = x.b;
  if (table!.kind !== 'mem') throw new TypeError('XLATB names its table');
  const w = table!.address32 ? 32 : 64;
  const offset = k.zext(k.add(k.get(RBX, w), k.zext(k.get(RAX, 8), w)), 64);
  const segment = table!.segment;
  k.put(RAX, x.load(segment === null ? offset : k.add(offset, k.get(segment, 64)), 8));
});
