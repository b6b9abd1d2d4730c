import { F32, F64, F80 } from '../../bits/softfloat.ts';
import type { Width } from '../../bits/width.ts';
import { writeExtended, type X87 } from '../../state/x87.ts';
import { defineHelper, type HelperContext } from './helper.ts';
import * as A from './x87-arith.ts';
import * as Fast from './x87-fast.ts';
import * as FastArith from './x87-fast-arith.ts';
import * as X from './x87-transcendental.ts';
import * as T from './x87-transfer.ts';

/**
 * The x87 instructions as helpers: what is left of them once memory has been read or found writable, so none of them faults.
 * An unmasked exception waits in the status word for the next instruction.
 */

/** Leaves a result there. */
function deliver(c: HelperContext, bits: bigint | null): void {
  const { view } = c.cpu;
  view.setUint32(Fast.X87_DELIVERED, bits === null ? 0 : 1, true);
  writeExtended(view, Fast.X87_RESULT, bits ?? 0n);
}

function x87(
  name: string,
  doc: string,
  args: readonly Width[],
  run: (x: X87, ...args: bigint[]) => void,
  fast?: Fast.FastPath | null,
): void {
  defineHelper({
    name: `x87.${name}`,
    doc,
    args,
    result: 0,
    faults: false,
    state: 'fp',
    run: (c, ...rest) => run(c.cpu.x87, ...rest),
    ...(fast ? { fast } : {}),
  });
}

/** A store of ST(0). */
function x87Store(name: string, doc: string, run: (x: X87, pop: boolean) => bigint | null, fast?: Fast.FastPath): void {
  defineHelper({
    name: `x87.${name}`,
    doc,
    args: [32],
    result: 0,
    faults: false,
    state: 'fp',
    run: (c, pop) => deliver(c, run(c.cpu.x87, pop === 1n)),
    ...(fast ? { fast } : {}),
  });
}

// ——— arithmetic ———

for (const op of ['add', 'mul', 'sub', 'subr', 'div', 'divr'] as const) {
  x87(
    `${op}.st`,
    `ST(dst) ← ST(dst) ${op} ST(src), then perhaps a pop`,
    [32, 32, 32],
    (x, dst, src, pop) => A.arithmetic(x, op, Number(dst), Number(src), pop === 1n),
    FastArith.isFast(op) ? FastArith.fastArithmetic(op) : null,
  );
  for (const kind of [F32, F64, 16, 32] as const) {
    const [name, width] = typeof kind === 'number' ? ([`i${kind}`, kind] as const) : ([kind.name, kind.width] as const);
    x87(
      `${op}.${name}`,
      `ST(0) ← ST(0) ${op} a number of that format`,
      [width as Width],
      (x, bits) => A.arithmeticMemory(x, op, kind, bits!),
      FastArith.isFast(op) ? FastArith.fastArithmeticMemory(op, kind) : null,
    );
  }
}

for (const [name, doc, run, fast] of [
  ['fsqrt', 'square root of ST(0)', A.fsqrt],
  ['frndint', 'ST(0) to an integer by RC', A.frndint],
  ['fchs', 'complement the sign of ST(0)', A.fchs, Fast.fastSign(true)],
  ['fabs', 'clear the sign of ST(0)', A.fabs, Fast.fastSign(false)],
  ['fscale', 'ST(0) × 2^trunc(ST(1))', A.fscale],
  ['fprem', 'partial remainder, quotient truncated', (x: X87) => A.fprem(x, false)],
  ['fprem1', 'partial remainder, quotient to nearest', (x: X87) => A.fprem(x, true)],
  ['fxtract', 'exponent and significand of ST(0)', A.fxtract],
  ['ftst', 'compare ST(0) with 0', A.ftst],
  ['fxam', 'class of ST(0)', A.fxam],
  ['f2xm1', '2^ST(0) − 1', X.f2xm1],
  ['fyl2x', 'ST(1) × log2 ST(0), and a pop', X.fyl2x],
  ['fyl2xp1', 'ST(1) × log2(ST(0) + 1), and a pop', X.fyl2xp1],
  ['fpatan', 'angle of the point (ST(0), ST(1)), and a pop', X.fpatan],
  ['fsin', 'sine of ST(0)', X.fsin],
  ['fcos', 'cosine of ST(0)', X.fcos],
  ['fsincos', 'sine of ST(0), and a push of the cosine', X.fsincos],
  ['fptan', 'tangent of ST(0), and a push of 1', X.fptan],
] as const)
  x87(name, doc, [], run, fast);

// ——— comparisons ———

x87(
  'fcom.st',
  'condition codes from ST(0) against ST(i); signalling or not; pops',
  [32, 32, 32],
  (x, i, signalling, pops) => A.fcom(x, Number(i), signalling === 1n, Number(pops)),
);
for (const fmt of [F32, F64])
  x87(`fcom.${fmt.name}`, 'condition codes from ST(0) against a number', [fmt.width as Width, 32], (x, bits, pop) =>
    A.fcomMemory(x, fmt, bits!, pop === 1n),
  );
for (const width of [16, 32] as const)
  x87(`fcom.i${width}`, 'condition codes from ST(0) against a signed integer', [width, 32], (x, bits, pop) =>
    A.fcomMemory(x, width, bits!, pop === 1n),
  );

/** Set in the result of `x87.fcomi` where ZF, PF and CF stay. */
export const FLAGS_STAY = 1 << 8;

defineHelper({
  name: 'x87.fcomi',
  doc: 'ST(0) against ST(i) as flags: CF bit 0, PF bit 2, ZF bit 6, or bit 8 where they stay',
  args: [32, 32, 32],
  result: 32,
  faults: false,
  state: 'fp',
  run: (c, i, signalling, pop) => BigInt(A.fcomi(c.cpu.x87, Number(i), signalling === 1n, pop === 1n) ?? FLAGS_STAY),
  fast: Fast.fastFcomi,
});

// ——— transfers ———

for (const name of ['fld1', 'fldl2t', 'fldl2e', 'fldpi', 'fldlg2', 'fldln2', 'fldz'] as const)
  x87(
    name,
    'push a constant',
    [],
    (x) => T.loadConstant(x, name),
    name === 'fld1' || name === 'fldz' ? Fast.fastConstant(name === 'fld1') : null,
  );

for (const fmt of [F32, F64]) {
  x87(`fld.${fmt.name}`, 'push a number', [fmt.width as Width], (x, bits) => T.fld(x, fmt, bits!), Fast.fastFld(fmt));
  x87Store(`fst.${fmt.name}`, 'ST(0) as a narrower number', (x, pop) => T.fst(x, fmt, pop), Fast.fastFst(fmt));
}
x87(
  'fld.f80',
  'push significand and exponent',
  [64, 32],
  (x, low, high) => T.fld(x, F80, (high! << 64n) | low!),
  Fast.fastFldExtended,
);
x87Store('fst.f80', 'ST(0) as it is', (x, pop) => T.fst(x, F80, pop), Fast.fastFstExtended);
for (const width of [16, 32, 64] as const) {
  const toInteger = (x: X87, pop: boolean): bigint | null => T.fist(x, width, false, pop);
  x87(`fild.${width}`, 'push a signed integer', [width], (x, bits) => T.fild(x, width, bits!), Fast.fastFild(width));
  x87Store(`fisttp.${width}`, 'ST(0) as a signed integer toward zero', (x) => T.fist(x, width, true, true));
  x87Store(`fist.${width}`, 'ST(0) as a signed integer by RC', toInteger, Fast.fastFist(width));
}
x87('fbld', 'push 18 packed decimal digits', [64, 32], (x, low, high) => T.fbld(x, (high! << 64n) | low!));
x87Store('fbstp', 'ST(0) as 18 packed decimal digits', (x) => T.fbstp(x));

x87('fld.st', 'push ST(i)', [32], (x, i) => T.fldRegister(x, Number(i)), Fast.fastFldRegister);
x87(
  'fst.st',
  'ST(i) ← ST(0), then perhaps a pop',
  [32, 32],
  (x, i, pop) => T.fstRegister(x, Number(i), pop === 1n),
  Fast.fastFstRegister,
);
x87('fstpnce', 'ST(i) ← ST(0) where that is not empty, and a pop', [32], (x, i) => T.fstpnce(x, Number(i)));
x87('fxch', 'exchange ST(0) and ST(i)', [32], (x, i) => T.fxch(x, Number(i)), Fast.fastFxch);
x87('fcmov', 'ST(0) ← ST(i) if the condition holds', [32, 32], (x, i, condition) =>
  T.fcmov(x, Number(i), condition === 1n),
);
x87('ffree', 'mark ST(i) empty, then perhaps a pop', [32, 32], (x, i, pop) => T.ffree(x, Number(i), pop === 1n));
x87('fincstp', 'turn the stack up', [], (x) => T.rotate(x, 1));
x87('fdecstp', 'turn the stack down', [], (x) => T.rotate(x, -1));

// ——— control ———

x87('fninit', 'initial control, status and tag words', [], (x) => x.init());
x87('fnclex', 'clear the exceptions', [], (x) => x.clearExceptions());
const loadControl = (x: X87, value: bigint | undefined): void => {
  x.controlWord = Number(value);
};
x87('fldcw', 'load the control word', [16], loadControl, Fast.fastFldcw);
