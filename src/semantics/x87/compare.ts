import { FLAGS_STAY } from '../helpers/x87-instructions.ts';
import { defineX87, stackIndex, yes } from './instruction.ts';

/** ST(1), which FCOMPP and FUCOMPP compare with without naming it. */
const ST1 = 1;

for (const [mnemonic, title, signalling, pops] of [
  ['fcom', 'Compare', true, 0],
  ['fcomp', 'Compare and pop', true, 1],
  ['fcompp', 'Compare and pop twice', true, 2],
  ['fucom', 'Compare, quiet NaNs without an exception', false, 0],
  ['fucomp', 'Compare and pop, quiet NaNs without an exception', false, 1],
  ['fucompp', 'Compare and pop twice, quiet NaNs without an exception', false, 2],
] as const)
  defineX87(mnemonic, `${title}: condition codes`, (x, first, src) => {
    if (first?.kind === 'mem') x.b.call(`x87.fcom.f${first.w}`, 0, x.read(first), yes(x, pops === 1));
    else {
      const i = src === undefined ? x.constant(ST1, 32) : stackIndex(x, src);
      x.b.call('x87.fcom.st', 0, i, yes(x, signalling), x.constant(pops, 32));
    }
  });

for (const [mnemonic, title, pop] of [
  ['ficom', 'Compare with an integer', false],
  ['ficomp', 'Compare with an integer and pop', true],
] as const)
  defineX87(mnemonic, `${title}: condition codes`, (x, src) => {
    x.b.call(`x87.fcom.i${src!.w}`, 0, x.read(src!), yes(x, pop));
  });

for (const [mnemonic, title, signalling, pop] of [
  ['fcomi', 'Compare', true, false],
  ['fcomip', 'Compare and pop', true, true],
  ['fucomi', 'Compare, quiet NaNs without an exception', false, false],
  ['fucomip', 'Compare and pop, quiet NaNs without an exception', false, true],
] as const)
  defineX87(mnemonic, `${title}: ZF, PF and CF`, (x, _dst, src) => {
    const k = x.b;
    const flags = k.call('x87.fcomi', 32, stackIndex(x, src!), yes(x, signalling), yes(x, pop));
    const at = (bit: number) => k.trunc(k.shr(flags, x.constant(bit, 32)), 1);
    const known = k.eqz(k.and(flags, x.constant(FLAGS_STAY, 32)));
    x.setFlagsIf(known, { cf: at(0), pf: at(2), zf: at(6) });
    const no = x.constant(0, 1);
    x.setFlags({ of: no, sf: no, af: no });
  });

defineX87('ftst', 'Compare with zero: condition codes', (x) => void x.b.call('x87.ftst', 0));
defineX87('fxam', 'Classify: condition codes', (x) => void x.b.call('x87.fxam', 0));
