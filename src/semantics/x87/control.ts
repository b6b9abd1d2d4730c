import { CR0, X87_CW, X87_SW } from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import { define } from '../define.ts';
import { checkPending, defineControl, defineX87 } from './instruction.ts';

const CR0_MP = 1 << 1;
const CR0_TS = 1 << 3;

defineControl('fninit', 'Initialise', false, (x) => void x.b.call('x87.fninit', 0));
defineControl('fnclex', 'Clear exceptions', false, (x) => void x.b.call('x87.fnclex', 0));
defineControl('fldcw', 'Load the control word', true, (x, src) => void x.b.call('x87.fldcw', 0, x.read(src!)));
defineControl('fnstcw', 'Store the control word', false, (x, dst) => x.write(dst!, x.b.get(X87_CW, 16)));
defineControl('fnstsw', 'Store the status word', false, (x, dst) => x.write(dst!, x.b.get(X87_SW, 16)));
defineControl('fneni fndisi fnsetpm', 'No operation since the 80387', false, () => {});
defineX87('fnop', 'No operation but for the instruction pointer', () => {});

define('wait', 'Wait for pending exceptions; #NM only while both CR0.MP and CR0.TS are set', (x) => {
  const k = x.b;
  const both = x.constant(CR0_MP | CR0_TS, 32);
  x.trapIf(k.eq(k.and(k.get(CR0, 32), both), both), VECTOR.NM);
  checkPending(x);
});
