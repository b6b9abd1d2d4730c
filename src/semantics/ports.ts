import type { Val } from '../ir/nodes.ts';
import { define } from './define.ts';
import { type Lift, RAX, RCX, RDI, RDX, RSI } from './lift.ts';
import type { Op } from './operands.ts';

/** Number of the port that an operand names, 32 bits. */
const portOf = (x: Lift, op: Op): Val => x.b.zext(op.kind === 'imm' ? x.read(op, 8) : x.read(op), 32);

function allowed(x: Lift, port: Val, w: number): Val {
  const bytes = x.constant(w / 8, 32);
  x.b.call('portsAllowed', 0, port, bytes);
  return bytes;
}

const narrow = (x: Lift, value: Val, w: number): Val => (w === 32 ? value : x.b.trunc(value, w as 8));

define('in', 'Input from a port', (x, dst, from) => {
  const port = portOf(x, from!);
  const bytes = allowed(x, port, dst!.w);
  x.write(dst!, narrow(x, x.b.call('portIn', 32, port, bytes), dst!.w));
});

define('out', 'Output to a port', (x, to, src) => {
  const port = portOf(x, to!);
  const bytes = allowed(x, port, src!.w);
  x.b.call('portOut', 0, port, bytes, x.b.zext(x.b.get(RAX, src!.w as 32), 32), x.next());
});

define('ins', 'Input from port DX to ES:[RDI]', (x) => {
  const k = x.b;
  const w = x.insn.width;
  const port = k.zext(k.get(RDX, 16), 32);
  const bytes = allowed(x, port, w);
  x.repeated(() => {
    const at = x.stringAddress(RDI, false);
    // The port is read once the store cannot fault any more.
    k.load(at, w as 32, 'general', 'write');
    k.store(at, narrow(x, k.call('portIn', 32, port, bytes), w), 'general');
    x.stringAdvance(RDI, w);
    return null;
  });
});

define('outs', 'Output from [RSI] to port DX', (x) => {
  const k = x.b;
  const w = x.insn.width;
  const port = k.zext(k.get(RDX, 16), 32);
  const bytes = allowed(x, port, w);
  const element = (): Val => {
    const value = k.zext(x.load(x.stringAddress(RSI, true), w), 32);
    x.stringAdvance(RSI, w);
    return value;
  };
  if (x.insn.repeat === null) return void k.call('portOut', 0, port, bytes, element(), x.next());
  // As `repeated`, with the registers in place before the port is written: the instruction may end there.
  const aw = x.insn.addressWidth;
  const count = k.get(RCX, aw);
  k.skipIf(k.eqz(count));
  const value = element();
  const left = k.sub(count, x.constant(1, aw));
  x.writePlace(RCX, left);
  const more = k.ne(left, x.constant(0, aw));
  k.call('portOut', 0, port, bytes, value, k.select(more, x.insnAddress(), x.next()));
  k.again(more);
});
