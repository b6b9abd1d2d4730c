import type { Random } from '../bits/random.ts';
import { CODE, CODE_ALIAS, DATA, DATA_ALIAS, READ_ONLY, WRITABLE_CODE } from '../oracle/layout.ts';

const at = (base: bigint, offset = 0): number => Number(base) + offset;
const PAGE = 0x1000;
const LINE = 64;

/** Where the start state puts bytes: instructions that read there find something. */
export const FILLED = { from: at(DATA.base, 0x200), bytes: 0x600 } as const;
/** Where RSP starts. */
export const STACK = at(DATA.base, 0x1800);
const UNMAPPED = [0x5000_0000, at(DATA.base, 0x2000), at(READ_ONLY.base, PAGE), at(DATA.base, -1), 0, 0x1000] as const;

/** A stack pointer by which a push or a pop fails, or nearly: at both ends of the window, at nothing. */
export function drawStackEdge(random: Random): number {
  const beyond = random.below(17);
  return random.pick([at(DATA.base, DATA.size) - beyond, at(DATA.base) + beyond, random.pick(UNMAPPED)]);
}

/**
 * An address for a memory operand: most within the filled part, aligned or not; then the places where CPUs and emulators go
 * wrong: across lines and pages, at the edges of what is mapped, read-only, code, nothing, the same bytes under another address.
 */
export function drawTarget(random: Random): number {
  const inside = FILLED.from + random.below(FILLED.bytes - LINE);
  switch (random.below(22)) {
    case 20:
      return inside + at(DATA_ALIAS.base) - at(DATA.base);
    case 21:
      return random.below(2)
        ? at(DATA_ALIAS.base, PAGE) - random.below(17)
        : at(CODE_ALIAS.base) + random.below(2 * PAGE - LINE);
    case 0:
      return at(DATA.base, PAGE) - random.below(33);
    case 1:
      return at(DATA.base, DATA.size) - random.below(33);
    case 2:
      return inside - (inside % LINE) + LINE - 1 - random.below(31);
    case 3:
      return at(READ_ONLY.base) + random.below(LINE);
    case 4:
      return random.pick([at(READ_ONLY.base, PAGE) - random.below(17), at(DATA.base) - random.below(4)]);
    case 5:
      return at(random.pick([CODE, WRITABLE_CODE]).base) + random.below(2 * PAGE - LINE);
    case 6:
      return random.below(3) ? inside : random.pick(UNMAPPED);
    case 7:
    case 8:
    case 9:
      return inside;
    default:
      return inside - (inside % 16);
  }
}
