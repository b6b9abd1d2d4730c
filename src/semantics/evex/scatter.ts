import type { Place, Val } from '../../ir/nodes.ts';
import { OPMASK } from '../../state/layout.ts';
import { define } from '../define.ts';
import { defineHelper } from '../helpers/helper.ts';
import type { Lift } from '../lift.ts';

const BYTES = 64;
const placeValue = (x: Lift, place: Place): Val =>
  typeof place === 'number' ? x.constant(place, 32) : x.b.field(place, 32);

for (const [mnemonics, w, indexWidth] of [
  ['dps dd', 32, 32],
  ['dpd dq', 64, 32],
  ['qps qd', 32, 64],
  ['qpd qq', 64, 64],
] as const) {
  const [float, integer] = mnemonics.split(' ') as [string, string];
  for (const gather of [true, false]) {
    const name = gather ? 'gather' : 'scatter';
    defineHelper({
      name: `evex.${name}${w}.${indexWidth}`,
      doc: `Elements of ${w} bits by indices of ${indexWidth} under an opmask, lowest first; each clears its bit when it is done`,
      args: [64, 64, 32, 32, 32, 32, 32, 32, 32],
      result: 0,
      run: (c, segment, offset, index, scale, stack, vector, control, count, addressWidth) => {
        const { cpu } = c;
        const { view } = cpu;
        const at = OPMASK + 8 * Number(control! & 7n);
        const place = Number(vector);
        const n = Number(count);
        const through = stack ? 'stack' : 'general';
        let mask = cpu.u64(at);
        for (let i = 0; i < n; i++) {
          if (!((mask >> BigInt(i)) & 1n)) continue;
          const from = Number(index) + (i * indexWidth) / 8;
          const number = indexWidth === 32 ? BigInt(view.getInt32(from, true)) : view.getBigInt64(from, true);
          const linear = BigInt.asUintN(
            64,
            BigInt.asUintN(Number(addressWidth), offset! + (number << scale!)) + segment!,
          );
          const element = place + (i * w) / 8;
          if (gather) {
            const value = c.read(linear, w, through);
            if (value === null) return;
            if (w === 32) view.setUint32(element, Number(value), true);
            else view.setBigUint64(element, value, true);
            // What is above the vector length goes with the first element, the rest of the destination at the end.
            cpu.u8.fill(0, place + (16 << ((Number(control) >> 5) & 3)), place + BYTES);
          } else {
            const value = w === 32 ? BigInt(view.getUint32(element, true)) : view.getBigUint64(element, true);
            if (!c.write(linear, value, w, through)) return;
          }
          mask &= ~(1n << BigInt(i));
          cpu.setU64(at, mask);
        }
        cpu.setU64(at, 0n);
        if (gather) cpu.u8.fill(0, place + (n * w) / 8, place + BYTES);
      },
    });
    define(
      [`evex.v${name}${float}`, `evex.vp${name}${integer}`],
      'Load or store elements where a vector points; a fault leaves what is done',
      (x, first, second, control) => {
        const [memory, register] = gather ? [second!, first!] : [first!, second!];
        if (memory.kind !== 'mem' || register.kind !== 'reg') throw new TypeError('a memory operand was expected');
        const { vector, shift, segment, address32, fault } = memory;
        x.b.call(
          `evex.${name}${w}.${indexWidth}`,
          0,
          segment === null ? x.constant(0, 64) : x.b.get(segment, 64),
          x.offset(memory),
          placeValue(x, vector!.place),
          typeof shift === 'number' ? x.constant(shift, 32) : x.b.field(shift, 32),
          fault === 'operand' ? x.b.field('stack', 32) : x.constant(fault === 'stack' ? 1 : 0, 32),
          placeValue(x, register.place),
          x.b.zext(x.read(control!, 8), 32),
          x.constant(Math.min(register.w / w, vector!.w / indexWidth), 32),
          x.constant(address32 ? 32 : 64, 32),
        );
      },
    );
  }
}
