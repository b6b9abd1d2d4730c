import type { Build } from '../build.ts';

/** Letters of nm(1) that the kernel's bloat-o-meter counts. */
const LETTERS = new Set('tTdDbBrR');
const NUMBER = /\.[0-9]+/g;
/** Symbols that it leaves out, as they are generated. */
const GENERATED = ['__mod_', '__se_sys', '__se_compat_sys', '__addressable_'];
const BANNERS = new Set(['linux_banner', 'vermagic']);
const NAME_COLUMN = 40;
const COLUMN = 7;

function sizes(build: Build): Map<string, number> {
  const all = new Map<string, number>();
  for (const { name, size, letter } of build.units.flatMap((unit) => unit.sized)) {
    if (!LETTERS.has(letter) || GENERATED.some((prefix) => name.startsWith(prefix)) || BANNERS.has(name)) continue;
    const plain = name.replace(NUMBER, '');
    all.set(plain, (all.get(plain) ?? 0) + size);
  }
  return all;
}

const signed = (value: number): string => (value < 0 ? String(value) : `+${value}`);
const right = (text: string | number): string => String(text).padStart(COLUMN);
/** Code points, as Python compares strings; UTF-16 units differ from them only beyond the basic plane. */
const ascending = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The text of Linux' scripts/bloat-o-meter, to the byte. */
export function bloatReport(old: Build, fresh: Build): string {
  const before = sizes(old);
  const after = sizes(fresh);
  let [grow, shrink, add, remove, up, down] = [0, 0, 0, 0, 0, 0];
  const deltas: { readonly name: string; readonly by: number }[] = [];
  for (const [name, size] of before) {
    const now = after.get(name);
    const by = (now ?? 0) - size;
    if (now === undefined) remove++;
    else if (by > 0) grow++;
    else if (by < 0) shrink++;
    if (by > 0) up += by;
    else down -= by;
    deltas.push({ name, by });
  }
  for (const [name, size] of after) {
    if (before.has(name)) continue;
    add++;
    up += size;
    deltas.push({ name, by: size });
  }
  deltas.sort((a, b) => b.by - a.by || ascending(b.name, a.name));
  const sum = (all: Map<string, number>): number => [...all.values()].reduce((total, size) => total + size, 0);
  const was = sum(before);
  const is = sum(after);
  const lines = [
    `add/remove: ${add}/${remove} grow/shrink: ${grow}/${shrink} up/down: ${up}/${-down} (${up - down})`,
    `${'Function'.padEnd(NAME_COLUMN)} ${right('old')} ${right('new')} ${right('delta')}`,
    ...deltas
      .filter(({ by }) => by !== 0)
      .map(
        ({ name, by }) =>
          `${name.padEnd(NAME_COLUMN)} ${right(before.get(name) ?? '-')} ${right(after.get(name) ?? '-')} ${right(signed(by))}`,
      ),
    `Total: Before=${was}, After=${is}, chg ${signedFixed(was === 0 ? 0 : ((is - was) * 100) / was)}%`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Python's `%+.2f`: two digits, ties to even. Only odd eighths are ties. */
function signedFixed(value: number): string {
  const tie = Number.isInteger(value * 8) && !Number.isInteger(value * 4);
  const hundredths = Math.floor(Math.abs(value) * 100);
  const size = tie ? ((hundredths + (hundredths % 2)) / 100).toFixed(2) : Math.abs(value).toFixed(2);
  return `${value < 0 ? '-' : '+'}${size}`;
}
