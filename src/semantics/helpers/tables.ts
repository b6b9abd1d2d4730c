import * as L from '../../state/layout.ts';
import { PENDING_KIND, VECTOR } from '../../state/pending.ts';
import { FLAG } from '../../state/rflags.ts';
import { deliver } from './delivery.ts';
import { isCanonical } from './descriptor.ts';
import { defineHelper } from './helper.ts';

const { GP } = VECTOR;
const CR4_UMIP = 1n << 11n;

defineHelper({
  name: 'loadTable',
  doc: 'LGDT (0) and LIDT (1) (SDM 2A): from now on the guest’s table counts. #GP(0) for a base that is not canonical',
  args: [32, 32, 64],
  result: 0,
  run: (c, which, limit, base) => {
    const { cpu } = c;
    if (!isCanonical(c, base!)) return c.fault(GP, 0);
    const interrupts = which === 1n;
    cpu.setU64(interrupts ? L.IDTR_BASE : L.GDTR_BASE, base!);
    cpu.view.setUint16(interrupts ? L.IDTR_LIMIT : L.GDTR_LIMIT, Number(limit), true);
    cpu.view.setUint8(interrupts ? L.GUEST_IDT : L.GUEST_GDT, 1);
  },
});

defineHelper({
  name: 'tablesVisible',
  doc: 'SGDT, SIDT, SLDT, STR and SMSW raise #GP(0) outside CPL 0 with CR4.UMIP',
  args: [],
  result: 0,
  run: (c) => (c.cpu.cpl !== 0 && c.cpu.u64(L.CR4) & CR4_UMIP ? c.fault(GP, 0) : undefined),
});

defineHelper({
  name: 'softwareInterrupt',
  doc: 'INT n, INT3 and (last argument 0: the gate’s privilege does not matter) INT1, through the IDT where the guest has one',
  args: [32, 64, 32],
  result: 0,
  run: (c, number, next, checked) => {
    const { cpu } = c;
    const vector = Number(number);
    if (cpu.view.getUint8(L.GUEST_IDT) === 0) {
      if (checked === 1n && !c.machine.interruptGates.has(vector)) return c.fault(GP, vector * 8 + 2);
      cpu.view.setInt32(L.FAULT_VECTOR, vector, true);
      return c.retire(next!, PENDING_KIND.trap);
    }
    const kind = checked === 1n ? 'software' : 'int1';
    const flags = cpu.rflags & ~FLAG.RF;
    const handler = deliver(c, { vector, kind, errorCode: null, rip: next!, flags });
    if (handler !== null) c.retire(handler);
  },
});
