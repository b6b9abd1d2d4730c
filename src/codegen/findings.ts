import type { FunctionDiff } from './compare.ts';

/** Something that the numbers say and a reader should not have to find. */
export interface Finding {
  readonly kind: 'constant-folded' | 'fewer-loads' | 'more-loads' | 'shorter-loads' | 'saved-register' | 'new-reload';
  readonly function: string;
  readonly text: string;
}

/** A number of things, in words: `1 load`, `2 loads`. */
export const things = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;

/** What stands out in changed functions. */
export function findings(functions: readonly FunctionDiff[]): Finding[] {
  const found: Finding[] = [];
  for (const { name, old, new: fresh, status } of functions) {
    if (old === null || fresh === null || status === 'identical' || status === 'relocation-only') continue;
    const a = old.metrics;
    const b = fresh.metrics;
    const add = (kind: Finding['kind'], text: string): void => {
      found.push({ kind, function: name, text });
    };
    for (const slot of new Set([...Object.keys(a.slots), ...Object.keys(b.slots)])) {
      const before = a.slots[slot] ?? 0;
      const after = b.slots[slot] ?? 0;
      const where = slot.startsWith('fs:') ? `%${slot}` : `%gs:${slot}`;
      if (before > 0 && after === 0)
        add('constant-folded', `constant-folded: ${where} is never read (${things(before, 'load')} before)`);
      else if (after < before) add('fewer-loads', `loads of ${where} ${before} → ${after}`);
      else if (after > before) add('more-loads', `loads of ${where} ${before} → ${after}`);
    }
    if (a.gsLoads > 0 && b.gsLoads > 0) {
      const long = a.gsLoadBytes / a.gsLoads;
      const short = b.gsLoadBytes / b.gsLoads;
      if (long !== short)
        add('shorter-loads', `${average(long)} → ${average(short)} bytes a %gs load${step(short - long)}`);
    }
    const more = b.saved.filter((register) => !a.saved.includes(register));
    const fewer = a.saved.filter((register) => !b.saved.includes(register));
    if (more.length > 0) add('saved-register', `+${pushes(more)}`);
    if (fewer.length > 0) add('saved-register', `-${pushes(fewer)}`);
    if (b.reloads.redundant > a.reloads.redundant) {
      add('new-reload', `redundant reloads ${a.reloads.redundant} → ${b.reloads.redundant}`);
    }
  }
  return found;
}

const pushes = (registers: readonly string[]): string =>
  `${registers.length} callee-saved push${registers.length === 1 ? '' : 'es'}: ${registers.join(', ')}`;

const average = (bytes: number): string => (Number.isInteger(bytes) ? String(bytes) : bytes.toFixed(1));

const NUMBERS: Readonly<Record<number, string>> = { 1: 'one byte', 2: 'two bytes', 3: 'three bytes' };
function step(difference: number): string {
  const words = NUMBERS[Math.abs(difference)];
  return words === undefined ? '' : ` (${words} ${difference < 0 ? 'shorter' : 'longer'})`;
}
