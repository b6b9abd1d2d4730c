import { define } from './define.ts';
import { farPointer } from './far-pointer.ts';

define('jmpf', 'Far jump', (x, pointer) => {
  const { offset, selector } = farPointer(x, pointer!);
  x.b.call('farJump', 0, selector, x.b.zext(offset, 64));
});

define('callf', 'Far call', (x, pointer) => {
  const { offset, selector, w } = farPointer(x, pointer!);
  x.b.call('farCall', 0, selector, x.b.zext(offset, 64), x.next(), x.constant(w, 32));
});

define('retf', 'Far return', (x, release) => {
  const bytes = release === undefined ? x.constant(0, 64) : x.b.zext(x.read(release, 16), 64);
  x.b.call('farReturn', 0, x.constant(x.insn.width, 32), bytes);
});

define('iret', 'Return from an interrupt', (x) => void x.b.call('iret', 0, x.constant(x.insn.width, 32)));
