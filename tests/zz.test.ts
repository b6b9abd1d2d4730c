import { test } from 'vitest';
import { readFileSync } from 'node:fs';
import { memorySource } from '../src/elf/source.ts';
import { ElfUnit } from '../src/codegen/inputs/elf.ts';
import { compare } from '../src/codegen/compare.ts';
const open = (p: string) => ({ name: p, units: [new ElfUnit(p, memorySource(readFileSync(p)))], notes: [] });
test('x', () => {
  const c = compare(open('/tmp/cg/a.o'), open('/tmp/cg/b.o'));
  for (const f of c.functions) console.log(f.name, f.status, f.by, JSON.stringify(f.old?.metrics), c.rows(f).map((r) => (r.same ? '  ' : '! ') + (r.old?.text ?? '').padEnd(50) + (r.new?.text ?? '')).join('\n'), JSON.stringify(c.reloads(f).old));
});
test('big', () => {
  const p = '/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1';
  const p2 = '/usr/lib/x86_64-linux-gnu/libclang-cpp.so.14';
  const t = performance.now();
  try { const u = open('/usr/bin/gdb'); console.log(u.units[0]!.functions.length, performance.now() - t); 
  const c = compare(u, u); console.log(c.statuses, c.totals.old, performance.now() - t); } catch (e) { console.log(e); }
});
