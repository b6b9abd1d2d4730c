import { CR4 } from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import { defineHelper } from './helper.ts';

const { GP } = VECTOR;
const CR4_TSD = 1n << 2n;
/** Extensions of MWAITX in RCX: interrupts break it while RFLAGS.IF is clear, and EBX bounds the time. */
const MWAITX_EXTENSIONS = 3n;
/** What the operand of UMWAIT and TPAUSE may hold: whether a lighter sleep is wanted. */
const LIGHTER = 1n;

defineHelper({
  name: 'monitorx',
  doc: 'MONITORX: reads a byte of the line; #GP(0) for extensions in RCX, all 64 bits of which count',
  args: [64],
  result: 0,
  run: (c, address) => {
    if (c.cpu.gpr(1) !== 0n) c.fault(GP, 0);
    else c.read(address!, 8);
  },
});

defineHelper({
  name: 'mwaitx',
  doc: 'MWAITX: #GP(0) for unknown extensions in RCX',
  args: [],
  result: 0,
  run: (c) => (c.cpu.gpr(1) & ~MWAITX_EXTENSIONS ? c.fault(GP, 0) : undefined),
});

defineHelper({
  name: 'waitUntil',
  doc: 'UMWAIT and TPAUSE: #GP(0) for unknown control bits, and with CR4.TSD outside CPL 0',
  args: [32],
  result: 0,
  run: (c, control) => {
    const hidden = c.cpu.cpl !== 0 && (c.cpu.u64(CR4) & CR4_TSD) !== 0n;
    if (hidden || control! & ~LIGHTER) c.fault(GP, 0);
  },
});
