import { type Emitter, TYPE, W } from './wasm-opcodes.ts';

/** The rows' emitted code where it is more than one opcode: operands on the stack, the result left there. */

/** Sign-extends a narrow i32 on the stack. */
export function extend(e: Emitter, w: number): void {
  if (w === 8) e.op(W.i32_extend8_s);
  else if (w === 16) e.op(W.i32_extend16_s);
}

/** Sign-extends both narrow operands on the stack. */
export function extendBoth(e: Emitter, w: number): void {
  if (w >= 32) return;
  e.temp(TYPE.i32, (b) => {
    e.set(b);
    extend(e, w);
    e.get(b);
    extend(e, w);
  });
}

export const signedCompare =
  (i32: number, i64: number) =>
  (e: Emitter, w: number): void => {
    extendBoth(e, w);
    e.op(w === 64 ? i64 : i32);
  };

export function rotate(i32: number, i64: number, left: boolean) {
  return (e: Emitter, w: number): void => {
    if (w >= 32) {
      e.op(w === 64 ? i64 : i32);
      return;
    }
    e.temp(TYPE.i32, (n) =>
      e.temp(TYPE.i32, (a) => {
        e.set(n);
        e.tee(a);
        e.get(n);
        e.op(left ? W.i32_shl : W.i32_shr_u);
        e.get(a);
        e.i32(w);
        e.get(n);
        e.op(W.i32_sub, left ? W.i32_shr_u : W.i32_shl, W.i32_or);
      }),
    );
  };
}

/** High half of a 64 × 64 multiplication from four 32-bit ones (Hacker's Delight 8-2). */
export function multiplyHigh(e: Emitter): void {
  e.temp(TYPE.i64, (a) =>
    e.temp(TYPE.i64, (b) =>
      e.temp(TYPE.i64, (t) =>
        e.temp(TYPE.i64, (k) => {
          const low = (): void => {
            e.i64(0xffff_ffffn);
            e.op(W.i64_and);
          };
          const high = (): void => {
            e.i64(32n);
            e.op(W.i64_shr_u);
          };
          e.set(b);
          e.set(a);
          // t = aLow·bLow; k = t >> 32
          e.get(a);
          low();
          e.get(b);
          low();
          e.op(W.i64_mul);
          high();
          e.set(k);
          // t = aHigh·bLow + k
          e.get(a);
          high();
          e.get(b);
          low();
          e.op(W.i64_mul);
          e.get(k);
          e.op(W.i64_add);
          e.tee(t);
          low();
          // k = low(t) + aLow·bHigh
          e.get(a);
          low();
          e.get(b);
          high();
          e.op(W.i64_mul, W.i64_add);
          high();
          e.get(t);
          high();
          e.op(W.i64_add);
          e.get(a);
          high();
          e.get(b);
          high();
          e.op(W.i64_mul, W.i64_add);
        }),
      ),
    ),
  );
}

export function multiplyHighSigned(e: Emitter): void {
  e.temp(TYPE.i64, (a) =>
    e.temp(TYPE.i64, (b) => {
      e.set(b);
      e.set(a);
      e.get(a);
      e.get(b);
      multiplyHigh(e);
      // signed = unsigned − (a < 0 ? b : 0) − (b < 0 ? a : 0)
      for (const [sign, other] of [
        [a, b],
        [b, a],
      ] as const) {
        e.get(sign);
        e.i64(63n);
        e.op(W.i64_shr_s);
        e.get(other);
        e.op(W.i64_and, W.i64_sub);
      }
    }),
  );
}

export function swapBytes(e: Emitter, w: number): void {
  const type = w === 64 ? TYPE.i64 : TYPE.i32;
  const constant = (v: bigint): void => (w === 64 ? e.i64(v) : e.i32(Number(v)));
  const ops = w === 64 ? [W.i64_shl, W.i64_shr_u, W.i64_and, W.i64_or] : [W.i32_shl, W.i32_shr_u, W.i32_and, W.i32_or];
  const pattern = w === 64 ? [0x00ff00ff00ff00ffn, 0x0000ffff0000ffffn] : [0x00ff00ffn];
  e.temp(type, (x) => {
    e.set(x);
    pattern.forEach((m, i) => {
      const shift = BigInt(8 << i);
      e.get(x);
      constant(shift);
      e.op(ops[1]!);
      constant(m);
      e.op(ops[2]!);
      e.get(x);
      constant(m);
      e.op(ops[2]!);
      constant(shift);
      e.op(ops[0]!, ops[3]!);
      e.set(x);
    });
    e.get(x);
    constant(BigInt(w / 2));
    e.op(w === 64 ? W.i64_rotl : W.i32_rotl);
  });
}

/** (a:b) / c in 64 bits where a is only the extension of b, else by `eval`. */
export function divideLong(row: string, opcode: number, signedOperands: boolean) {
  return (e: Emitter): void =>
    e.temp(TYPE.i64, (c) =>
      e.temp(TYPE.i64, (b) =>
        e.temp(TYPE.i64, (a) => {
          e.set(c);
          e.set(b);
          e.set(a);
          e.get(a);
          if (signedOperands) {
            e.get(b);
            e.i64(63n);
            e.op(W.i64_shr_s, W.i64_eq);
            // The one quotient that overflows 64 bits: wasm traps on it.
            e.get(c);
            e.i64(-1n);
            e.op(W.i64_ne, W.i32_and);
          } else e.op(W.i64_eqz);
          e.ifElse(
            TYPE.i64,
            () => {
              e.get(b);
              e.get(c);
              e.op(opcode);
            },
            () => {
              e.get(a);
              e.get(b);
              e.get(c);
              e.callOut(row, 64);
            },
          );
        }),
      ),
    );
}

/** The high half of a quotient: the sign of the low one where the dividend is a sign-extended quadword. */
export function divideLongHigh(e: Emitter): void {
  e.temp(TYPE.i64, (c) =>
    e.temp(TYPE.i64, (b) =>
      e.temp(TYPE.i64, (a) => {
        e.set(c);
        e.set(b);
        e.tee(a);
        e.get(b);
        e.i64(63n);
        e.op(W.i64_shr_s, W.i64_eq);
        e.get(c);
        e.i64(-1n);
        e.op(W.i64_ne, W.i32_and);
        e.ifElse(
          TYPE.i64,
          () => {
            e.get(b);
            e.get(c);
            e.op(W.i64_div_s);
            e.i64(63n);
            e.op(W.i64_shr_s);
          },
          () => {
            e.get(a);
            e.get(b);
            e.get(c);
            e.callOut('divqsHigh', 64);
          },
        );
      }),
    ),
  );
}

/** PDEP and PEXT, a step for each one of the mask: `scatter` moves low bits of a to the ones of b, else the bits there come low. */
export function byMask(scatter: boolean) {
  return (e: Emitter, w: number): void => {
    const long = w === 64;
    const type = long ? TYPE.i64 : TYPE.i32;
    const [and, or, sub, mul] = long
      ? [W.i64_and, W.i64_or, W.i64_sub, W.i64_mul]
      : [W.i32_and, W.i32_or, W.i32_sub, W.i32_mul];
    const [shl, shr, ctz, ne] = long
      ? [W.i64_shl, W.i64_shr_u, W.i64_ctz, W.i64_ne]
      : [W.i32_shl, W.i32_shr_u, W.i32_ctz, W.i32_ne];
    const constant = (v: number): void => (long ? e.i64(BigInt(v)) : e.i32(v));
    e.temp(type, (mask) =>
      e.temp(type, (a) =>
        e.temp(type, (out) =>
          e.temp(type, (low) => {
            e.set(mask);
            e.set(a);
            constant(0);
            e.set(out);
            if (!scatter) {
              // Where the next bit goes.
              constant(1);
              e.set(low);
            }
            e.get(mask);
            constant(0);
            e.op(ne);
            e.ifElse(null, () =>
              e.repeatWhile(() => {
                e.get(out);
                if (scatter) {
                  e.get(mask);
                  constant(0);
                  e.get(mask);
                  e.op(sub, and);
                  e.get(a);
                  constant(1);
                  e.op(and, mul);
                } else {
                  e.get(a);
                  e.get(mask);
                  e.op(ctz, shr);
                  constant(1);
                  e.op(and);
                  e.get(low);
                  e.op(mul);
                }
                e.op(or);
                e.set(out);
                const moved = scatter ? a : low;
                e.get(moved);
                constant(1);
                e.op(scatter ? shr : shl);
                e.set(moved);
                e.get(mask);
                e.get(mask);
                constant(1);
                e.op(sub, and);
                e.tee(mask);
                constant(0);
                e.op(ne);
              }),
            );
            e.get(out);
          }),
        ),
      ),
    );
  };
}

/** One byte of a CRC with a reflected polynomial. */
export function crcByte(polynomial: number) {
  return (e: Emitter): void => {
    e.i32(0xff);
    e.op(W.i32_and, W.i32_xor);
    e.temp(TYPE.i32, (crc) => {
      for (let i = 0; i < 8; i++) {
        e.tee(crc);
        e.i32(1);
        e.op(W.i32_shr_u);
        e.i32(0);
        e.get(crc);
        e.i32(1);
        e.op(W.i32_and, W.i32_sub);
        e.i32(polynomial);
        e.op(W.i32_and, W.i32_xor);
      }
    });
  };
}
