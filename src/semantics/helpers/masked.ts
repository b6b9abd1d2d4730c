import { defineHelper, type HelperContext } from './helper.ts';
import { unaligned } from './unaligned.ts';

/** Bytes of a vector register. */
const BYTES = 64;

const element = (c: HelperContext, place: number, i: number, w: 32 | 64): bigint =>
  w === 32 ? BigInt(c.cpu.view.getUint32(place + 4 * i, true)) : c.cpu.view.getBigUint64(place + 8 * i, true);

function setElement(c: HelperContext, place: number, i: number, w: 32 | 64, value: bigint): void {
  if (w === 32) c.cpu.view.setUint32(place + 4 * i, Number(value), true);
  else c.cpu.view.setBigUint64(place + 8 * i, value, true);
}

/** Numbers of the bits that are set. */
const chosen = (bits: bigint, count: bigint): number[] =>
  Array.from({ length: Number(count) }, (_, i) => i).filter((i) => (bits >> BigInt(i)) & 1n);

const segmentOf = (stack: bigint): 'general' | 'stack' => (stack ? 'stack' : 'general');

// VMASKMOV is never misaligned (SDM 2C VMASKMOV: «No AC# reported for any mask bit combinations»); gathers check each element.
for (const w of [32, 64] as const) {
  const at = (address: bigint, i: number): bigint => BigInt.asUintN(64, address + BigInt((w / 8) * i));
  defineHelper({
    name: `maskedLoad${w}`,
    doc: `VMASKMOV: loads the elements of ${w} bits whose bit is set; the others, and what is above, become zero`,
    args: [64, 32, 32, 32, 32],
    result: 0,
    run: (context, address, stack, place, bits, count) => {
      const c = unaligned(context);
      const loaded = new Map<number, bigint>();
      for (const i of chosen(bits!, count!)) {
        const value = c.read(at(address!, i), w, segmentOf(stack!));
        if (value === null) return;
        loaded.set(i, value);
      }
      c.cpu.u8.fill(0, Number(place), Number(place) + BYTES);
      for (const [i, value] of loaded) setElement(c, Number(place), i, w, value);
    },
  });
  defineHelper({
    name: `maskedStore${w}`,
    doc: `VMASKMOV: stores the elements of ${w} bits whose bit is set, none where one would fault`,
    args: [64, 32, 32, 32, 32],
    result: 0,
    run: (context, address, stack, place, bits, count) => {
      const c = unaligned(context);
      const wanted = chosen(bits!, count!);
      if (!wanted.every((i) => c.probeWrite(at(address!, i), w / 8, segmentOf(stack!)))) return;
      for (const i of wanted) c.write(at(address!, i), element(c, Number(place), i, w), w, segmentOf(stack!));
    },
  });
  for (const indexWidth of [32, 64] as const)
    defineHelper({
      name: `gather${w}.${indexWidth}`,
      doc: `VGATHER: elements of ${w} bits by indices of ${indexWidth}, lowest first; in a fault those behind keep their masks`,
      args: [64, 64, 32, 32, 32, 32, 32, 32, 32],
      result: 0,
      run: (c, segment, offset, index, scale, stack, dst, mask, count, addressWidth) => {
        const [to, by] = [Number(dst), Number(mask)];
        const n = Number(count);
        const signs = Array.from({ length: n }, (_, i) => element(c, by, i, w) >> BigInt(w - 1));
        const { u8 } = c.cpu;
        for (let i = 0; i < n; i++) {
          if (signs[i]) {
            const number = BigInt.asIntN(indexWidth, element(c, Number(index), i, indexWidth));
            const linear = BigInt.asUintN(Number(addressWidth), offset! + (number << scale!)) + segment!;
            const value = c.read(BigInt.asUintN(64, linear), w, segmentOf(stack!));
            if (value === null) return;
            setElement(c, to, i, w, value);
          }
          setElement(c, by, i, w, 0n);
        }
        u8.fill(0, by, by + BYTES);
        u8.fill(0, to + (n * w) / 8, to + BYTES);
      },
    });
}
