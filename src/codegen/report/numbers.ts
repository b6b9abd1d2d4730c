/** Numbers as the reports write them: a true minus sign, percent with one digit. */

const MINUS = '\u2212';

/** `+870`, `−620`, `0`. */
export const delta = (change: number): string =>
  change === 0 ? '0' : change > 0 ? `+${change}` : `${MINUS}${-change}`;

/** Change of one number to another as percent: `−14.6 %`; empty where there is nothing to compare with. */
export function percent(before: number, after: number): string {
  if (before === 0 || before === after) return '';
  const change = ((after - before) / before) * 100;
  const digits = Math.abs(change).toFixed(1);
  return `${change < 0 ? MINUS : '+'}${digits} %`;
}

/** `3766 → 3217, −14.6 %`. */
export function change(before: number, after: number): string {
  if (before === after) return String(before);
  const share = percent(before, after);
  return `${before} → ${after}${share === '' ? '' : `, ${share}`}`;
}
