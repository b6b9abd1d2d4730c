import { hex } from '../bits/hex.ts';
import type { PageWalk, WalkStep } from '../memory/page-walk.ts';
import { PF } from '../memory/paging.ts';

/** Bits of a page-table entry by the letters under which they are shown, lowest first (SDM 3A tables 4-15 to 4-20). */
const BITS: readonly (readonly [bigint, string])[] = [
  [1n << 0n, 'P'],
  [1n << 1n, 'W'],
  [1n << 2n, 'U'],
  [1n << 3n, 'PWT'],
  [1n << 4n, 'PCD'],
  [1n << 5n, 'A'],
  [1n << 6n, 'D'],
  [1n << 7n, 'PS'],
  [1n << 8n, 'G'],
  [1n << 63n, 'XD'],
];
const PTE_PAT = 1n << 7n;
const W = 1n << 1n;
const U = 1n << 2n;
const XD = 1n << 63n;

/** The flags of an entry: `P W U A D`. */
export function entryFlags(step: WalkStep): string {
  const flags = BITS.filter(([bit]) => (step.entry & bit) !== 0n).map(([bit, name]) =>
    bit === PTE_PAT && step.name === 'PTE' ? 'PAT' : name,
  );
  return flags.join(' ');
}

/** `PTE[88] = 0x0 (not present)`. */
export function stepText(step: WalkStep): string {
  const flags = step.present ? entryFlags(step) : 'not present';
  return `${step.name}[${step.index}] at ${hex(step.at)} = ${hex(step.entry)} (${flags})`;
}

const place = (step: WalkStep): string => `${step.name}[${step.index}]`;

/** The entry that takes a right away: the first one on the way that lacks (or, for XD, has) a bit. */
function taker(walk: PageWalk, bit: bigint, set: boolean): string {
  const step = walk.steps.find((row) => ((row.entry & bit) !== 0n) === set);
  return step === undefined ? 'an entry' : place(step);
}

/**
 * Which check a page fault's access failed, in words: what the error code says, found again in the entries.
 * @param errorCode as the CPU reported it
 */
export function failedCheck(walk: PageWalk, errorCode: number): string {
  const user = (errorCode & PF.U) !== 0;
  const who = user ? 'CPL 3' : 'the supervisor';
  const last = walk.steps.at(-1);
  switch (walk.end) {
    case 'non-canonical':
      return 'the address is not canonical: bits 63 to 47 differ';
    case 'not-present':
      return `the page is not present: P is clear in ${place(last!)}`;
    case 'reserved-bit':
      return `a reserved bit is set in ${place(last!)}`;
    case 'beyond-memory':
      return 'a page table lies beyond the guest’s memory';
    case 'mapped':
      break;
  }
  if (user && !walk.user) return `${who} may not use the page: U is clear in ${taker(walk, U, false)}`;
  if (errorCode & PF.W && !walk.writable) return `the page is not writable: W is clear in ${taker(walk, W, false)}`;
  if (errorCode & PF.I && !walk.executable) return `the page is not executable: XD is set in ${taker(walk, XD, true)}`;
  if ((errorCode & PF.P) === 0) return 'the page is mapped, but nothing stands behind it (the file ends before it)';
  return 'the page tables allow the access now: a translation cached earlier did not';
}

/** The error code in words: `write, CPL 3, page not present`. */
export function errorCodeText(errorCode: number): string {
  const access = errorCode & PF.I ? 'instruction fetch' : errorCode & PF.W ? 'write' : 'read';
  const level = errorCode & PF.U ? 'CPL 3' : 'supervisor';
  const cause = errorCode & PF.RSVD ? 'reserved bit set' : errorCode & PF.P ? 'protection' : 'page not present';
  return `${access}, ${level}, ${cause}`;
}
