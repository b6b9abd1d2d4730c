import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import { X87_DELIVERED, X87_RESULT } from '../helpers/x87-fast.ts';
import type { Lift } from '../lift.ts';
import type { MemoryOp } from '../operands.ts';
import {
  checkAvailable,
  checkPending,
  defineX87,
  notePointers,
  readExtended,
  second,
  stackIndex,
  yes,
} from './instruction.ts';

// ——— loads ———

defineX87('fld', 'Push a number', (x, src) => {
  if (src!.kind !== 'mem') x.b.call('x87.fld.st', 0, stackIndex(x, src!));
  else if (src!.w === 80) x.b.call('x87.fld.f80', 0, ...readExtended(x, src!));
  else x.b.call(`x87.fld.f${src!.w}`, 0, x.read(src!));
});
defineX87('fild', 'Push an integer', (x, src) => void x.b.call(`x87.fild.${src!.w}`, 0, x.read(src!)));
defineX87('fbld', 'Push a packed decimal', (x, src) => {
  if (src!.kind === 'mem') x.b.call('x87.fbld', 0, ...readExtended(x, src!));
});

for (const [mnemonic, value] of [
  ['fld1', '1'],
  ['fldl2t', 'log2 10'],
  ['fldl2e', 'log2 e'],
  ['fldpi', 'π'],
  ['fldlg2', 'log10 2'],
  ['fldln2', 'ln 2'],
  ['fldz', '0'],
] as const)
  defineX87(mnemonic, `Push ${value}`, (x) => void x.b.call(`x87.${mnemonic}`, 0));

// ——— stores ———

/**
 * Stores ST(0) as the helper makes it. The operand must be writable even where an unmasked exception keeps everything from
 * being stored, so that is found out first, and the store cannot fault any more.
 */
function storeTop(x: Lift, dst: MemoryOp, helper: string, pop: boolean): void {
  const k = x.b;
  const address = x.address(dst);
  const widths = dst.w === 80 ? ([64, 16] as const) : ([dst.w as 16 | 32 | 64] as const);
  const parts: Val[] = [address, second(x, address)];
  widths.forEach((w, i) => {
    k.load(parts[i]!, w, dst.fault, 'write');
  });
  k.call(`x87.${helper}`, 0, yes(x, pop));
  notePointers(x, dst);
  k.skipIf(k.eqz(k.get(X87_DELIVERED, 32)));
  const values = widths.map((w, i) => k.get(X87_RESULT, w, 8 * i));
  values.forEach((value, i) => {
    k.store(parts[i]!, value, dst.fault);
  });
}

for (const [stem, title, helper] of [
  ['fst', 'Store', 'fst.f'],
  ['fist', 'Store as an integer by RC', 'fist.'],
] as const)
  for (const pop of [false, true])
    define(pop ? `${stem}p` : stem, pop ? `${title} and pop` : title, (x, dst) => {
      checkAvailable(x);
      checkPending(x);
      if (dst!.kind === 'mem') storeTop(x, dst!, helper + dst!.w, pop);
      else {
        x.b.call('x87.fst.st', 0, stackIndex(x, dst!), yes(x, pop));
        notePointers(x);
      }
    });

define('fisttp', 'Store as an integer toward zero and pop', (x, dst) => {
  checkAvailable(x);
  checkPending(x);
  if (dst!.kind === 'mem') storeTop(x, dst!, `fisttp.${dst!.w}`, true);
});

define('fbstp', 'Store as a packed decimal and pop', (x, dst) => {
  checkAvailable(x);
  checkPending(x);
  if (dst!.kind === 'mem') storeTop(x, dst!, 'fbstp', true);
});

// ——— within the stack ———

defineX87('fstpnce', 'Copy and pop; an empty ST(0) is not copied', (x, dst) => {
  x.b.call('x87.fstpnce', 0, stackIndex(x, dst!));
});
defineX87('fxch', 'Exchange', (x, _dst, src) => void x.b.call('x87.fxch', 0, stackIndex(x, src!)));
defineX87(
  'ffree',
  'Mark a register empty',
  (x, st) => void x.b.call('x87.ffree', 0, stackIndex(x, st!), yes(x, false)),
);
defineX87('ffreep', 'Mark a register empty and pop', (x, st) => {
  x.b.call('x87.ffree', 0, stackIndex(x, st!), yes(x, true));
});
defineX87('fincstp', 'Increment TOP', (x) => void x.b.call('x87.fincstp', 0));
defineX87('fdecstp', 'Decrement TOP', (x) => void x.b.call('x87.fdecstp', 0));

for (const [suffix, opposite, title, condition] of [
  ['b', 'nb', 'below', (x: Lift) => x.flag('cf')],
  ['e', 'ne', 'equal', (x: Lift) => x.flag('zf')],
  ['be', 'nbe', 'below or equal', (x: Lift) => x.b.or(x.flag('cf'), x.flag('zf'))],
  ['u', 'nu', 'unordered', (x: Lift) => x.flag('pf')],
] as const) {
  defineX87(`fcmov${suffix}`, `Move if ${title}`, (x, _dst, src) => {
    x.b.call('x87.fcmov', 0, stackIndex(x, src!), x.b.zext(condition(x), 32));
  });
  defineX87(`fcmov${opposite}`, `Move if not ${title}`, (x, _dst, src) => {
    const no = x.b.xor(condition(x), x.constant(1, 1));
    x.b.call('x87.fcmov', 0, stackIndex(x, src!), x.b.zext(no, 32));
  });
}
