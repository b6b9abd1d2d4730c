import type { Place, Val } from '../../ir/nodes.ts';
import { define } from '../define.ts';
import type { Lift } from '../lift.ts';
import type { MemoryOp, Op } from '../operands.ts';

/** Instructions on tiles (SDM 1 18) are helpers: what they touch is known from TILECFG only, when they run. */

const placeValue = (x: Lift, place: Place): Val =>
  typeof place === 'number' ? x.constant(place, 32) : x.b.field(place, 32);

function tile(x: Lift, op: Op): Val {
  if (op.kind !== 'reg') throw new TypeError(`${x.insn.mnemonic} wants a tile`);
  return placeValue(x, op.place);
}

function memoryOf(x: Lift, op: Op): MemoryOp {
  if (op.kind !== 'mem') throw new TypeError(`${x.insn.mnemonic} wants memory`);
  return op;
}

/** One where the operand goes through SS. */
const throughStack = (x: Lift, { fault }: MemoryOp): Val =>
  fault === 'operand' ? x.b.field('stack', 32) : x.constant(fault === 'stack' ? 1 : 0, 32);

for (const [mnemonic, helper, title] of [
  ['ldtilecfg', 'amx.configure', 'Load the configuration of tiles'],
  ['sttilecfg', 'amx.configuration', 'Store the configuration of tiles'],
] as const)
  define(mnemonic, title, (x, op) => {
    const memory = memoryOf(x, op!);
    x.b.call(helper, 0, x.address(memory), throughStack(x, memory));
  });

define('tilerelease', 'Make tiles and their configuration initial', (x) => void x.b.call('amx.release', 0));
define('tilezero', 'Clear a tile', (x, op) => void x.b.call('amx.zero', 0, tile(x, op!)));

/** The index register, scaled, is how far rows lie apart. */
function stride(x: Lift, { index, shift }: MemoryOp): Val {
  if (index === null) return x.constant(0, 64);
  const by = typeof shift === 'number' ? x.constant(shift, 64) : x.b.field(shift, 64);
  return x.b.shl(x.b.get(index, 64), by);
}

function rows(x: Lift, helper: string, op: Op, register: Op): void {
  const memory = memoryOf(x, op);
  const { segment, address32 } = memory;
  x.b.call(
    helper,
    0,
    segment === null ? x.constant(0, 64) : x.b.get(segment, 64),
    x.offset({ ...memory, index: null }),
    stride(x, memory),
    throughStack(x, memory),
    tile(x, register),
    x.constant(address32 ? 32 : 64, 32),
  );
}

define('tileloadd tileloaddt1', 'Load the rows of a tile; a fault leaves what is done', (x, dst, src) =>
  rows(x, 'amx.load', src!, dst!),
);
define('tilestored', 'Store the rows of a tile; a fault leaves what is done', (x, dst, src) =>
  rows(x, 'amx.store', dst!, src!),
);

for (const name of 'tdpbssd tdpbsud tdpbusd tdpbuud tdpbf16ps tdpfp16ps tcmmimfp16ps tcmmrlfp16ps'.split(' '))
  define(
    name,
    'Add the product of two tiles to a third',
    (x, c, a, b) => void x.b.call(`amx.${name}`, 0, tile(x, c!), tile(x, a!), tile(x, b!)),
  );
