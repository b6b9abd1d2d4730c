/** A set of CPUs, as the bits of a number. */
export type CpuMask = bigint;

const REGION = /^(N|\d+)(?:-(N|\d+)(?::(\d+)\/(\d+))?)?$/;

/**
 * Reads a list as Linux' `bitmap_parselist` does: `2,4-6`, `0-31:2/4` (two of every four), `all`, `N` for the last CPU.
 * @param count number of CPUs
 * @returns null where it is none, or names a CPU that there is not
 */
export function parseCpuList(text: string, count: number): CpuMask | null {
  let mask = 0n;
  for (const part of text.split(/[\s,]+/)) {
    if (part === '') continue;
    if (part === 'all') {
      mask |= (1n << BigInt(count)) - 1n;
      continue;
    }
    const region = REGION.exec(part);
    if (region === null) return null;
    const number = (digits: string | undefined, otherwise: number): number =>
      digits === undefined ? otherwise : digits === 'N' ? count - 1 : Number(digits);
    const first = number(region[1], 0);
    const last = number(region[2], first);
    const group = number(region[4], 1);
    const used = number(region[3], group);
    if (first > last || last >= count || group === 0 || used > group) return null;
    for (let cpu = first; cpu <= last; cpu++) if ((cpu - first) % group < used) mask |= 1n << BigInt(cpu);
  }
  return mask;
}

export function weight(mask: CpuMask): number {
  let bits = 0;
  for (let rest = mask; rest !== 0n; rest &= rest - 1n) bits++;
  return bits;
}

const WORD = 32;

/** As `%*pb` prints it: words of 8 digits, the highest first, as many as `count` CPUs need. */
export function cpuMaskText(mask: CpuMask, count: number): string {
  const words = Math.max(1, Math.ceil(count / WORD));
  const text = mask.toString(16).padStart(words * 8, '0');
  return text.slice(-words * 8).replace(/.{8}(?=.)/g, '$&,');
}
