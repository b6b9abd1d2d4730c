import { defineHelper } from './helper.ts';
import { portsAllowed } from './task-state.ts';

defineHelper({
  name: 'portsAllowed',
  doc: 'IN, OUT, INS and OUTS where CPL > IOPL: #GP(0) unless the permission map of the TSS allows the port (SDM 1 18.5)',
  args: [32, 32],
  result: 0,
  run: (c, port, bytes) => {
    if (c.cpu.cpl > ((c.cpu.rflags >> 12) & 3)) portsAllowed(c, Number(port), Number(bytes));
  },
});

defineHelper({
  name: 'portIn',
  doc: 'Reads a port',
  args: [32, 32],
  result: 32,
  run: (c, port, bytes) => {
    c.portUsed(Number(port), Number(bytes));
    return BigInt(c.machine.portIn(Number(port), Number(bytes)) >>> 0);
  },
});

defineHelper({
  name: 'portOut',
  doc: 'Writes a port: number, bytes, value, and where the instruction goes on; the engine returns where a device asks for it',
  args: [32, 32, 32, 64],
  result: 0,
  run: (c, port, bytes, value, next) => {
    c.portUsed(Number(port), Number(bytes));
    if (c.machine.portOut(Number(port), Number(bytes), Number(value))) c.retire(next!);
  },
});
