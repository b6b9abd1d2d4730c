import type { Val } from '../../ir/nodes.ts';
import { SEGMENT } from '../../state/descriptors.ts';
import { GDTR_BASE, GDTR_LIMIT, gprAt, IDTR_BASE, IDTR_LIMIT } from '../../state/layout.ts';
import { PENDING_KIND } from '../../state/pending.ts';
import { farPointer } from '../far-pointer.ts';
import { CONDITIONS } from '../flags.ts';
import { RBP, RCX, RSP } from '../lift.ts';
import type { Op } from '../operands.ts';
import { defineLegacy } from './define.ts';
import type { LegacyLift } from './lift.ts';

const GENERAL = 8;

defineLegacy('push', (x, src) => {
  if (src!.kind === 'reg' && src!.file === 'seg') x.push(x.b.zext(x.b.get(src!.place, 16), x.operandSize));
  else x.push(x.read(src!));
});

defineLegacy('pop', (x, dst) => {
  const k = x.b;
  const op = dst!;
  if (op.kind === 'reg' && op.file === 'seg') {
    const w = x.operandSize;
    k.call('loadSegment', 0, x.constant(op.n, 32), k.zext(k.trunc(x.top(w), 16), 32));
    return x.release(w / 8);
  }
  const value = x.top(op.w);
  if (op.kind === 'mem') {
    x.write(op, value);
    return x.release(op.w / 8);
  }
  x.release(op.w / 8);
  x.write(op, value);
});

defineLegacy('pushaw pushad pusha', (x) => {
  const w = x.legacy.codeName.endsWith('d') ? 32 : 16;
  const values = Array.from({ length: GENERAL }, (_, n) => x.b.get(gprAt(n), w));
  for (const value of values) x.push(value);
});

defineLegacy('popaw popad popa', (x) => {
  const w = x.legacy.codeName.endsWith('d') ? 32 : 16;
  const values = Array.from({ length: GENERAL }, (_, n) => x.top(w, n));
  x.release((GENERAL * w) / 8);
  values.forEach((value, n) => {
    const register = gprAt(GENERAL - 1 - n);
    if (register !== RSP) x.writePlace(register, value);
  });
});

defineLegacy('pushf', (x) => {
  const image = x.b.and(x.b.call('readFlags', 64), x.constant(0xfcffffn, 64));
  x.push(x.b.trunc(image, x.insn.width as 32));
});

defineLegacy('popf', (x) => {
  const k = x.b;
  const w = x.insn.width;
  k.call('writeFlags', 0, k.zext(x.top(w), 64), x.constant(w, 32));
  x.release(w / 8);
  k.exit(PENDING_KIND.resume);
});

defineLegacy('leave', (x) => {
  const k = x.b;
  const w = x.insn.width;
  const frame = k.get(RBP, 64);
  const at = x.linear(SEGMENT.SS, k.zext(k.trunc(frame, 32), 64), w / 8);
  const value = k.load(at, w as 32, 'stack');
  x.writePlace(RSP, k.trunc(frame, 32));
  x.release(w / 8);
  x.writePlace(RBP, value);
});

const nextOf = (x: LegacyLift): Val => x.b.trunc(x.next(), x.operandSize);

defineLegacy('call', (x, to) => {
  const target = x.target(to!);
  x.push(nextOf(x));
  x.b.jump(target);
});

defineLegacy('ret', (x, released) => {
  const k = x.b;
  const w = x.operandSize;
  const target = x.top(w);
  x.release(w / 8);
  if (released !== undefined) k.call('legacy.release', 0, k.zext(x.read(released, 16), 32));
  k.jump(k.zext(target, 64));
});

defineLegacy('jcxz jecxz', (x, to) => {
  x.b.branch(x.b.eqz(x.b.get(RCX, x.legacy.addressSize)), x.target(to!));
});

for (const [mnemonic, condition] of [
  ['loop', null],
  ['loope', 'e'],
  ['loopne', 'ne'],
] as const)
  defineLegacy(mnemonic, (x, to) => {
    const k = x.b;
    const w = x.legacy.addressSize;
    const left = k.sub(k.get(RCX, w), x.constant(1, w));
    const more = k.ne(left, x.constant(0, w));
    const taken = condition === null ? more : k.and(more, CONDITIONS[condition]!(x));
    x.writePlace(RCX, left);
    k.branch(taken, x.target(to!));
  });

/** Far pointer of an instruction: in it, or in memory. */
function pointerOf(x: LegacyLift, op: Op | undefined): { offset: Val; selector: Val; w: number } {
  const { far } = x.legacy;
  if (far === null) return farPointer(x, op!);
  return { offset: x.constant(far.offset, 32), selector: x.constant(far.selector, 32), w: far.width };
}

defineLegacy('jmpf', (x, pointer) => {
  const { offset, selector } = pointerOf(x, pointer);
  x.b.call('legacy.jump', 0, selector, x.b.zext(offset, 64));
});

defineLegacy('callf', (x, pointer) => {
  const { offset, selector, w } = pointerOf(x, pointer);
  x.b.call('legacy.call', 0, selector, x.b.zext(offset, 64), x.next(), x.constant(w, 32));
});

defineLegacy('retf', (x, released) => {
  const bytes = released === undefined ? x.constant(0, 32) : x.b.zext(x.read(released, 16), 32);
  x.b.call('legacy.return', 0, x.constant(x.insn.width, 32), bytes, x.constant(0, 32));
});

defineLegacy('iret', (x) => {
  x.b.call('legacy.return', 0, x.constant(x.insn.width, 32), x.constant(0, 32), x.constant(1, 32));
});

defineLegacy('int', (x, vector) => {
  x.b.call('legacy.interrupt', 0, x.b.zext(x.read(vector!, 8), 32), x.next());
});

for (const [name, segment] of [
  ['les', SEGMENT.ES],
  ['lds', SEGMENT.DS],
] as const)
  defineLegacy(name, (x, dst, pointer) => {
    const { offset, selector } = farPointer(x, pointer!);
    x.b.call('loadSegment', 0, x.constant(segment, 32), selector);
    x.write(dst!, offset);
  });

/** Bits of the base that LGDT and LIDT take with an operand size of 16. */
const BASE16 = 0xff_ffff;
const TABLE_BYTES = 6;

function tableAddress(x: LegacyLift, op: Op): Val {
  if (op.kind !== 'mem') throw new TypeError(`${x.insn.mnemonic} of a register`);
  return x.address({ ...op, w: 8 * TABLE_BYTES });
}

for (const [name, which] of [
  ['lgdt', 0],
  ['lidt', 1],
] as const)
  defineLegacy(name, (x, table) => {
    const k = x.b;
    k.call('privileged', 0);
    const at = tableAddress(x, table!);
    const limit = k.load(at, 16, 'general');
    const base = k.load(k.add(at, x.constant(2, 64)), 32, 'general');
    const kept = x.legacy.codeName.endsWith('_16') ? k.and(base, x.constant(BASE16, 32)) : base;
    k.call('loadTable', 0, x.constant(which, 32), k.zext(limit, 32), k.zext(kept, 64));
  });

for (const [name, base, limit] of [
  ['sgdt', GDTR_BASE, GDTR_LIMIT],
  ['sidt', IDTR_BASE, IDTR_LIMIT],
] as const)
  defineLegacy(name, (x, table) => {
    const k = x.b;
    k.call('tablesVisible', 0);
    const at = tableAddress(x, table!);
    k.store(k.add(at, x.constant(2, 64)), k.get(base, 32), 'general');
    k.store(at, k.get(limit, 16), 'general');
  });

const systemRegister = (op: Op): { readonly file: string; readonly n: number } | null =>
  op.kind === 'reg' && (op.file === 'cr' || op.file === 'dr') ? op : null;

/** MOV to and from control and debug registers is of 32 bits here. */
defineLegacy('mov', (x, dst, src) => {
  const k = x.b;
  const to = systemRegister(dst!);
  const from = systemRegister(src!);
  if (to !== null) {
    const n = x.constant(to.n, 32);
    const value = k.zext(x.read(src!, 32), 64);
    if (to.file === 'dr') return void k.call('writeDebug', 0, n, value, x.next());
    k.call('writeControl', 0, n, value);
    return x.refetch();
  }
  if (from !== null) {
    const value = k.call(from.file === 'cr' ? 'readControl' : 'readDebug', 64, x.constant(from.n, 32));
    return x.write(dst!, k.trunc(value, 32));
  }
  if (dst!.kind === 'reg' && dst!.file === 'seg')
    return void k.call('loadSegment', 0, x.constant(dst!.n, 32), k.zext(x.read(src!, 16), 32));
  if (src!.kind === 'reg' && src!.file === 'seg') {
    const selector = k.get(src!.place, 16);
    return x.write(dst!, dst!.kind === 'mem' || dst!.w === 16 ? selector : k.zext(selector, dst!.w as 32));
  }
  x.write(dst!, x.read(src!, dst!.w));
});
