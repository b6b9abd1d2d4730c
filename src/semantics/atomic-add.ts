import type { Val } from '../ir/nodes.ts';
import { define } from './define.ts';
import { subFlags } from './flags.ts';
import type { Lift } from './lift.ts';
import type { MemoryOp, Op } from './operands.ts';
import { checkAligned } from './sse/operands.ts';

/** The address of a memory operand that must be aligned to its size: #GP(0). */
function alignedAddress(x: Lift, op: Op): { readonly address: Val; readonly at: MemoryOp } {
  if (op.kind !== 'mem') throw new TypeError('a memory operand was expected');
  const address = x.address(op);
  checkAligned(x, address, op.w / 8);
  return { address, at: op };
}

for (const [mnemonic, title, f] of [
  ['aadd', 'Add to memory', (x, a, b) => x.b.add(a, b)],
  ['aand', 'AND into memory', (x, a, b) => x.b.and(a, b)],
  ['aor', 'OR into memory', (x, a, b) => x.b.or(a, b)],
  ['axor', 'Exclusive OR into memory', (x, a, b) => x.b.xor(a, b)],
] as const satisfies readonly (readonly [string, string, (x: Lift, a: Val, b: Val) => Val])[])
  define(mnemonic, `${title}, weakly ordered; no flags`, (x, dst, src) => {
    const { address, at } = alignedAddress(x, dst!);
    const b = x.read(src!);
    x.b.store(address, f(x, x.b.load(address, dst!.w as 64, at.fault, 'write'), b), at.fault);
  });

/** How memory compares with the register, a − b = r, by the suffixes that these instructions have. */
const COMPARED: Readonly<Record<string, (x: Lift, a: Val, b: Val, r: Val) => Val>> = {
  o: ({ b: k }, a, b, r) => k.msb(k.and(k.xor(a, b), k.xor(a, r))),
  b: ({ b: k }, a, b) => k.ltu(a, b),
  z: ({ b: k }, a, b) => k.eq(a, b),
  be: ({ b: k }, a, b) => k.or(k.ltu(a, b), k.eq(a, b)),
  s: ({ b: k }, _a, _b, r) => k.msb(r),
  p: ({ b: k }, _a, _b, r) => k.parity(r),
  l: ({ b: k }, a, b) => k.lts(a, b),
  le: ({ b: k }, a, b) => k.or(k.lts(a, b), k.eq(a, b)),
};

for (const [suffix, compared] of Object.entries(COMPARED))
  for (const negated of [false, true])
    define(
      `cmp${negated ? 'n' : ''}${suffix}xadd`,
      'Compare memory with a register, which takes its value, and add to memory if the condition holds',
      (x, dst, compare, addend) => {
        const k = x.b;
        const { address, at } = alignedAddress(x, dst!);
        const [b, by] = [x.read(compare!), x.read(addend!)];
        const a = k.load(address, dst!.w as 64, at.fault, 'write');
        const r = k.sub(a, b);
        const holds = compared(x, a, b, r);
        const added = k.add(a, by);
        // Written either way.
        k.store(address, negated ? k.select(holds, a, added) : k.select(holds, added, a), at.fault);
        x.write(compare!, a);
        subFlags(x, a, b, r, false);
      },
    );
