import { define } from './define.ts';
import { CONDITIONS } from './flags.ts';
import { RCX, RSP } from './lift.ts';

// #GP(0) for a target that is not canonical comes before anything is pushed (Intel; SDM 2A CALL).
define('jmp', 'Jump', (x, to) => {
  const target = x.target(to!);
  if (to!.kind !== 'rel') x.checkCanonical(target);
  x.b.jump(target);
});

for (const [suffix, condition] of Object.entries(CONDITIONS))
  define(`j${suffix}`, 'Jump if the condition holds', (x, to) => x.b.branch(condition(x), x.target(to!)));

define('jrcxz jecxz', 'Jump if the counter is zero', (x, to) => {
  const w = x.insn.mnemonic === 'jrcxz' ? 64 : 32;
  x.b.branch(x.b.eqz(x.b.get(RCX, w)), x.target(to!));
});

for (const [mnemonic, condition] of [
  ['loop', null],
  ['loope', 'e'],
  ['loopne', 'ne'],
] as const)
  define(mnemonic, 'Decrement the counter and jump while it is not zero', (x, to) => {
    const k = x.b;
    const w = x.insn.width as 32 | 64;
    const left = k.sub(k.get(RCX, w), x.constant(1, w));
    const more = k.ne(left, x.constant(0, w));
    const taken = condition === null ? more : k.and(more, CONDITIONS[condition]!(x));
    x.writePlace(RCX, left);
    k.branch(taken, x.target(to!));
  });

define('call', 'Call', (x, to) => {
  const target = x.target(to!);
  if (to!.kind !== 'rel') x.checkCanonical(target);
  x.push(x.next());
  x.b.jump(target);
});

define('ret', 'Return', (x, release) => {
  const k = x.b;
  const top = k.get(RSP, 64);
  const target = k.load(top, 64, 'stack');
  x.checkCanonical(target);
  const popped = k.add(top, x.constant(8, 64));
  k.put(RSP, release === undefined ? popped : k.add(popped, k.zext(x.read(release), 64)));
  k.jump(target);
});
