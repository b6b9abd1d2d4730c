import { hex } from '../bits/hex.ts';
import { pageWalk, peek } from '../memory/page-walk.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { PAGE_SIZE } from '../memory/physical.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { SEGMENT } from '../state/descriptors.ts';
import * as L from '../state/layout.ts';
import { isLongMode } from '../state/mode.ts';

const CR0_PG = 1n << 31n;
const CR3_BASE = 0x000f_ffff_ffff_f000n;
const frameOf = (at: number): number => at - (at % PAGE_SIZE);

/** Linear address of the next instruction. */
const linearRip = (cpu: CpuState): bigint =>
  isLongMode(cpu) ? cpu.rip : BigInt.asUintN(32, cpu.segment(SEGMENT.CS).base + cpu.rip);

/** What is wrong with the tables that a walk for an address goes through; null: nothing that can be seen. */
function tables(memory: PhysicalMemory, cpu: CpuState, linear: bigint): string | null {
  if (!(cpu.u64(L.CR0) & CR0_PG)) return null;
  const root = Number(cpu.u64(L.CR3) & CR3_BASE);
  if (root + PAGE_SIZE > memory.size) return `CR3 names a table at ${hex(root)}, beyond the memory`;
  const { steps, end } = pageWalk(memory, cpu, linear);
  const last = steps.at(-1);
  if (end === 'beyond-memory' && last !== undefined)
    return `${last.name}[${last.index}] at ${hex(last.at)} leads beyond the memory: ${hex(last.entry)}`;
  const again = steps.find(({ at }, i) => steps.findIndex((other) => frameOf(other.at) === frameOf(at)) < i);
  if (again !== undefined) return `the page table at ${hex(frameOf(again.at))} leads to itself`;
  return end === 'mapped' ? null : `${last?.name ?? 'the address'}: ${end.replace(/-/g, ' ')}`;
}

/** What of a CPU's own tables, and of its code, lies where no memory is: phrases for the report of a guest's death. */
export function whereabouts(memory: PhysicalMemory, cpu: CpuState): string[] {
  const readable = (linear: bigint): boolean => peek(memory, cpu, linear, 1).length === 1;
  const found: string[] = [];
  const rip = linearRip(cpu);
  const broken = tables(memory, cpu, rip);
  if (!readable(rip)) found.push(`no memory behind RIP${broken === null ? '' : ` (${broken})`}`);
  else if (broken !== null) found.push(broken);
  for (const [name, base, limit, loaded] of [
    ['GDT', L.GDTR_BASE, L.GDTR_LIMIT, L.GUEST_GDT],
    ['IDT', L.IDTR_BASE, L.IDTR_LIMIT, L.GUEST_IDT],
  ] as const) {
    if (cpu.view.getUint8(loaded) === 0) continue;
    const at = cpu.u64(base);
    if (!readable(at)) found.push(`no memory behind the ${name} at ${hex(at)}`);
    else if (cpu.view.getUint16(limit, true) === 0) found.push(`the ${name} is empty`);
  }
  return found;
}
