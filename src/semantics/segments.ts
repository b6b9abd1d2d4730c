import { SEGMENT } from '../state/descriptors.ts';
import { CR0, GDTR_BASE, GDTR_LIMIT, IDTR_BASE, IDTR_LIMIT, LDTR_SELECTOR, TR_SELECTOR } from '../state/layout.ts';
import { define } from './define.ts';
import { farPointer } from './far-pointer.ts';

for (const [name, segment] of [
  ['lss', SEGMENT.SS],
  ['lfs', SEGMENT.FS],
  ['lgs', SEGMENT.GS],
] as const)
  define(name, `Load a far pointer into ${name.slice(1).toUpperCase()} and a register`, (x, dst, pointer) => {
    const { offset, selector } = farPointer(x, pointer!);
    x.b.call('loadSegment', 0, x.constant(segment, 32), selector);
    x.write(dst!, offset);
  });

for (const [name, which] of [
  ['lgdt', 0],
  ['lidt', 1],
] as const)
  define(name, 'Load a descriptor-table register', (x, table) => {
    const k = x.b;
    if (table!.kind !== 'mem') throw new TypeError(`${name} of a register`);
    k.call('privileged', 0);
    const at = x.address(table!);
    const limit = x.load(at, 16, table!.fault);
    const base = x.load(k.add(at, x.constant(2, 64)), 64, table!.fault);
    k.call('loadTable', 0, x.constant(which, 32), k.zext(limit, 32), base);
  });

for (const [name, base, limit] of [
  ['sgdt', GDTR_BASE, GDTR_LIMIT],
  ['sidt', IDTR_BASE, IDTR_LIMIT],
] as const)
  define(name, 'Store a descriptor-table register: ten bytes, or none where the last of them faults', (x, table) => {
    const k = x.b;
    if (table!.kind !== 'mem') throw new TypeError(`${name} to a register`);
    k.call('tablesVisible', 0);
    const at = x.address(table!);
    k.load(at, 16, table!.fault, 'write');
    k.store(k.add(at, x.constant(2, 64)), k.get(base, 64), table!.fault);
    k.store(at, k.get(limit, 16), table!.fault);
  });

for (const [name, register, place, width] of [
  ['sldt', 'LDTR', LDTR_SELECTOR, 16],
  ['str', 'TR', TR_SELECTOR, 16],
  ['smsw', 'CR0', CR0, 64],
] as const)
  define(name, `Store ${register}: 16 bits to memory, as many as it has to a register`, (x, dst) => {
    const k = x.b;
    k.call('tablesVisible', 0);
    const w = dst!.kind === 'mem' ? 16 : dst!.w;
    const value = k.get(place, width);
    x.write(dst!, w > width ? k.zext(value, w as 64) : k.trunc(value, w as 16));
  });

for (const [name, helper] of [
  ['lldt', 'loadLdtr'],
  ['ltr', 'loadTr'],
] as const)
  define(name, 'Load a system segment register', (x, src) => {
    x.b.call('privileged', 0);
    x.b.call(helper, 0, x.b.zext(x.read(src!, 16), 32));
  });

for (const name of ['lar', 'lsl'])
  define(name, 'What a selector says of its segment; ZF where it may be seen', (x, dst, src) => {
    const k = x.b;
    const found = k.call(name, 64, k.zext(x.read(src!, 16), 32));
    const seen = k.trunc(k.shr(found, x.constant(32, 64)), 1);
    if (dst!.kind !== 'reg') throw new TypeError(`${name} writes a register`);
    // A register that is not written keeps its upper half too.
    const w = dst!.w === 16 ? 16 : 64;
    const value = k.trunc(found, 32);
    const whole = w === 16 ? k.trunc(value, 16) : k.zext(value, 64);
    k.put(dst!.place, k.select(seen, whole, k.get(dst!.place, w)));
    x.setFlags({ zf: seen });
  });

for (const name of ['verr', 'verw'])
  define(name, 'Whether a segment may be read or written; ZF', (x, src) => {
    const k = x.b;
    const found = k.call(name, 64, k.zext(x.read(src!, 16), 32));
    x.setFlags({ zf: k.trunc(k.shr(found, x.constant(32, 64)), 1) });
  });
