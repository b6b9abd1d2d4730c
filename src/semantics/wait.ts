import type { Val } from '../ir/nodes.ts';
import { define } from './define.ts';
import { type Lift, RAX } from './lift.ts';

/**
 * Waits that user code may ask for. Every one of them ends at once, as an event of the implementation's own may end it (SDM 2B UMWAIT, TPAUSE;
 * AMD64 Architecture 3, MWAITX): who waits looks again at what it waits for.
 */

/** The linear address in RAX or EAX. */
const implied = (x: Lift): Val => x.stringAddress(RAX, true);

define('monitorx', 'Watch a line of memory: reads a byte of it', (x) => void x.b.call('monitorx', 0, implied(x)));
define('mwaitx', 'Wait for a store to the watched line, or for a time', (x) => void x.b.call('mwaitx', 0));

define('clzero', 'Zeros to the line of 64 bytes that RAX points into', (x) => {
  const k = x.b;
  const line = k.and(implied(x), x.constant(-64, 64));
  for (let at = 0; at < 64; at += 16) k.store(k.add(line, x.constant(at, 64)), x.constant(0, 128), 'general');
});

define('umonitor', 'Watch a line of memory: reads a byte of it', (x, at) => {
  x.load(x.segmented(x.b.zext(x.read(at!), 64)), 8);
});
define('umwait tpause', 'Wait until a time, or for a store to the watched line', (x, control) => {
  const no = x.constant(0, 1);
  x.b.call('waitUntil', 0, x.read(control!, 32));
  x.setFlags({ cf: no, pf: no, af: no, zf: no, sf: no, of: no });
});

define('ptwrite', 'A number for the trace of a processor, which nobody makes here', (x, src) => void x.read(src!));
