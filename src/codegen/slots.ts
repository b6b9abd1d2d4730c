import type { Analysis } from './analyse.ts';
import type { Metrics } from './metrics.ts';

/**
 * Pasted listings name a slot in one build and give its address in the other: where one of two flat builds names an address, the other
 * build's slot of that address takes the name.
 */
export function slotAliases(old: readonly Analysis[], fresh: readonly Analysis[]): void {
  const all = [...old, ...fresh];
  if (all.some(({ fn }) => fn.unit.kind !== 'flat')) return;
  for (const { fn, metrics } of all) {
    for (const slot of Object.keys(metrics.slots)) {
      const address = /^0x[0-9a-f]+$/.test(slot) ? Number(slot) : Number.NaN;
      if (Number.isNaN(address)) continue;
      const other = all.find((row) => row.fn.unit !== fn.unit && row.fn.unit.slotName(address) !== null);
      if (other !== undefined) rename(metrics, slot, other.fn.unit.slotName(address)!);
    }
  }
}

function rename(metrics: Metrics, slot: string, name: string): void {
  const count = metrics.slots[slot]!;
  delete metrics.slots[slot];
  metrics.slots[name] = (metrics.slots[name] ?? 0) + count;
}
