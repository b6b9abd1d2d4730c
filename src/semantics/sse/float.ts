import type { Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import type { Op } from '../operands.ts';
import { defineBinary, defineScalar, defineUnary } from './define.ts';
import {
  checkFloat,
  format,
  isVex,
  joinLanes,
  lanesOf,
  mergeLow,
  type Precision,
  readParts,
  sourcesOf,
  writeParts,
} from './operands.ts';

/** The packed and scalar forms of a family: suffix, width of a lane, its name. */
const FORMS = [
  ['s', 32, 'single'],
  ['d', 64, 'double'],
] as const;

/** Defines the packed and scalar forms of one operation: cmpps cmpss cmppd cmpsd. */
function family(
  stem: string,
  title: string,
  operation: (x: Lift, w: Precision, a: Val, b: Val, imm: Val) => Val,
): void {
  for (const [suffix, w, name] of FORMS) {
    defineScalar(`${stem}s${suffix}`, `${title}: scalar ${name}`, w, (x, a, b, imm) => operation(x, w, a, b, imm));
    defineBinary(
      `${stem}p${suffix}`,
      `${title}: packed ${name}`,
      (x, a, b, imm) => {
        const sources = lanesOf(x, b, w);
        return joinLanes(
          x,
          lanesOf(x, a, w).map((lane, i) => operation(x, w, lane, sources[i]!, imm)),
        );
      },
      { float: true },
    );
  }
}

/** As `family`, for a helper of the same name on both sources or on the last: addps addss addpd addsd. */
function arithmetic(stem: string, title: string, unary = false): void {
  for (const [suffix, w, name] of FORMS) {
    const helper = `${format(w)}.${stem}`;
    const args = (a: Val, b: Val): Val[] => (unary ? [b] : [a, b]);
    defineScalar(`${stem}s${suffix}`, `${title}: scalar ${name}`, w, (x, a, b) => x.b.call(helper, w, ...args(a, b)));
    const packed = `${stem}p${suffix}`;
    const what = `${title}: packed ${name}`;
    if (unary) defineUnary(packed, what, (x, b) => x.b.callLanes(helper, w, b), { float: true });
    else defineBinary(packed, what, (x, a, b) => x.b.callLanes(helper, w, a, b), { float: true });
  }
}

for (const [op, title] of [
  ['add', 'Add'],
  ['sub', 'Subtract'],
  ['mul', 'Multiply'],
  ['div', 'Divide'],
  ['min', 'Lesser'],
  ['max', 'Greater'],
] as const)
  arithmetic(op, title);

arithmetic('sqrt', 'Square root of the source', true);

for (const [stem, title] of [
  ['rcp', 'Approximate reciprocal'],
  ['rsqrt', 'Approximate reciprocal square root'],
] as const) {
  const approximation = (x: Lift, v: Val): Val => x.b.call(`f32.${stem}`, 32, v);
  define(`${stem}ss v${stem}ss`, title, (x, ...operands) => {
    const [dst, a, src] = sourcesOf(x, operands);
    mergeLow(x, dst, a, approximation(x, x.read(src, 32)));
  });
  defineUnary(`${stem}ps`, title, (x, b) =>
    joinLanes(
      x,
      lanesOf(x, b, 32).map((lane) => approximation(x, lane)),
    ),
  );
}

/** Bits of the immediate that choose a predicate. */
const predicate = (x: Lift, imm: Val): Val => x.b.and(x.b.zext(imm, 32), x.constant(isVex(x) ? 31 : 7, 32));
family('cmp', 'Compare by predicate into lanes of ones or zeros', (x, w, a, b, imm) =>
  x.b.call(`${format(w)}.cmp`, w, a, b, predicate(x, imm)),
);

for (const [mnemonic, w, op] of [
  ['ucomiss', 32, 'ucomi'],
  ['ucomisd', 64, 'ucomi'],
  ['comiss', 32, 'comi'],
  ['comisd', 64, 'comi'],
] as const)
  define(`${mnemonic} v${mnemonic}`, 'Compare scalars into ZF, PF and CF', (x, dst, src) => {
    const k = x.b;
    const b = x.read(src!, w);
    const flags = k.call(`${format(w)}.${op}`, 32, x.read(dst!, w), b);
    checkFloat(x);
    const at = (bit: number): Val => k.trunc(k.shr(flags, x.constant(bit, 32)), 1);
    const no = x.constant(0, 1);
    x.setFlags({ cf: at(0), pf: at(2), zf: at(6), of: no, sf: no, af: no });
  });

// ——— conversions ———

/** Scalar conversion: one helper from source to destination. */
function scalar(
  mnemonic: string,
  title: string,
  from: (dst: Op, src: Op) => [helper: string, from: number, to: number],
): void {
  define(`${mnemonic} v${mnemonic}`, title, (x, ...operands) => {
    const [dst] = operands;
    const src = operands.at(-1)!;
    const [helper, w, to] = from(dst!, src);
    const r = x.b.call(helper, to as 32 | 64, x.read(src, w));
    checkFloat(x);
    if (dst!.kind === 'reg' && dst!.file === 'vector') mergeLow(x, dst!, operands[1]!, r);
    else x.write(dst!, r);
  });
}

for (const [suffix, w] of [
  ['ss', 32],
  ['sd', 64],
] as const) {
  const f = format(w);
  scalar(`cvtsi2${suffix}`, 'Convert a signed integer', (_dst, src) => [`${f}.from${src.w}`, src.w, w]);
  scalar(`cvt${suffix}2si`, 'Convert to a signed integer by MXCSR.RC', (dst) => [`${f}.to${dst.w}`, w, dst.w]);
  scalar(`cvtt${suffix}2si`, 'Convert to a signed integer toward zero', (dst) => [`${f}.trunc${dst.w}`, w, dst.w]);
}
scalar('cvtss2sd', 'Convert single to double', () => ['f32.toF64', 32, 64]);
scalar('cvtsd2ss', 'Convert double to single', () => ['f64.toF32', 64, 32]);

/** Packed conversion of `count` lanes for 128 bits; a source of 64 bits may lie anywhere in memory. */
function packed(mnemonic: string, title: string, count: 2 | 4, from: Precision, to: Precision, helper: string): void {
  define(`${mnemonic} v${mnemonic}`, title, (x, dst, src) => {
    const lanes = isVex(x) && Math.max(dst!.w, src!.w) === 256 ? 2 * count : count;
    const bits = lanes * from;
    const parts = bits === 64 ? [x.b.vector(x.read(src!, 64), 128)] : readParts(x, src!, bits);
    const source = parts.flatMap((part) => lanesOf(x, part, from)).slice(0, lanes);
    const r = source.map((lane) => x.b.call(helper, to, lane));
    checkFloat(x);
    const perPart = 128 / to;
    const results: Val[] = [];
    for (let i = 0; i < r.length; i += perPart) results.push(joinLanes(x, r.slice(i, i + perPart)));
    writeParts(x, dst!, results);
  });
}

packed('cvtdq2ps', 'Convert doublewords to singles', 4, 32, 32, 'f32.from32');
packed('cvtps2dq', 'Convert singles to doublewords', 4, 32, 32, 'f32.to32');
packed('cvttps2dq', 'Convert singles to doublewords toward zero', 4, 32, 32, 'f32.trunc32');
packed('cvtdq2pd', 'Convert two doublewords to doubles', 2, 32, 64, 'f64.from32');
packed('cvtpd2dq', 'Convert doubles to two doublewords', 2, 64, 32, 'f64.to32');
packed('cvttpd2dq', 'Convert doubles to two doublewords toward zero', 2, 64, 32, 'f64.trunc32');
packed('cvtps2pd', 'Convert two singles to doubles', 2, 32, 64, 'f32.toF64');
packed('cvtpd2ps', 'Convert doubles to two singles', 2, 64, 32, 'f64.toF32');
