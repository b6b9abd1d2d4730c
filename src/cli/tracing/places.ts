import type { Place } from '../../trace/events/record.ts';
import type { Names } from '../../trace/names.ts';

/** Where an address lies, as kallsyms says it: a symbol without a size reaches to the next one. */
export function placeOf(names: Names, address: bigint): Place | null {
  const hit = names.symbols.at(address);
  if (hit === undefined) return null;
  const { symbol, offset } = hit;
  const next = names.symbols.symbols.find((other) => other.address > symbol.address);
  const size = symbol.size > 0 ? BigInt(symbol.size) : (next?.address ?? symbol.address) - symbol.address;
  return { name: symbol.name, offset, size };
}
