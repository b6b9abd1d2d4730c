import {
  angle,
  powerLessOne,
  type Trigonometric,
  trigonometric,
  yLog2,
  yLog2PlusOne,
} from '../../bits/float/transcendental.ts';
import { F80, type FloatEnv } from '../../bits/softfloat.ts';
import type { X87 } from '../../state/x87.ts';

const ONE = 0x3fff_8000_0000_0000_0000n;

/** F2XM1: ST(0) ← 2^ST(0) − 1. */
export function f2xm1(x: X87): void {
  if (x.isEmpty(0)) {
    if (x.underflow()) x.write(0, F80.defaultNaN);
    return;
  }
  const env = x.environment();
  const result = powerLessOne(env, x.read(0));
  if (x.settle(env)) x.write(0, result);
}

/** ST(1) ← f(ST(0), ST(1)), then a pop: FYL2X, FYL2XP1, FPATAN. */
const binary =
  (f: (env: FloatEnv, st0: bigint, st1: bigint) => bigint) =>
  (x: X87): void => {
    if (x.isEmpty(0) || x.isEmpty(1)) {
      if (!x.underflow()) return;
      x.write(1, F80.defaultNaN);
    } else {
      const env = x.environment();
      const result = f(env, x.read(0), x.read(1));
      if (!x.settle(env)) return;
      x.write(1, result);
    }
    x.pop();
  };

export const fyl2x = binary(yLog2);
export const fyl2xp1 = binary(yLog2PlusOne);
export const fpatan = binary(angle);

/** FSIN and FCOS: C2 and nothing else where the angle is out of reach. */
const single =
  (f: Trigonometric) =>
  (x: X87): void => {
    x.setC2(false);
    if (x.isEmpty(0)) {
      if (x.underflow()) x.write(0, F80.defaultNaN);
      return;
    }
    const env = x.environment();
    const result = trigonometric(env, x.read(0), f);
    if (!x.settle(env)) return;
    if (result === null) x.setC2(true);
    else x.write(0, result);
  };

export const fsin = single('sin');
export const fcos = single('cos');

/** FSINCOS pushes the cosine, FPTAN a 1, or the NaN that ST(0) has become. */
const double =
  (f: Trigonometric, second: 'cos' | 1) =>
  (x: X87): void => {
    x.setC2(false);
    if (x.isEmpty(0) || x.pushOverflows()) {
      if (!(x.isEmpty(0) ? x.underflow() : x.overflow())) return;
      x.write(0, F80.defaultNaN);
      x.push(F80.defaultNaN);
      return;
    }
    const env = x.environment();
    const bits = x.read(0);
    const first = trigonometric(env, bits, f);
    const other = second === 1 ? ONE : trigonometric(env, bits, second);
    if (!x.settle(env)) return;
    if (first === null || other === null) return x.setC2(true);
    x.write(0, first);
    x.push(isNumber(first) ? other : first);
  };

const isNumber = (bits: bigint): boolean => (bits & ~F80.signBit) <= F80.infinity;

export const fsincos = double('sin', 'cos');
export const fptan = double('tan', 1);
