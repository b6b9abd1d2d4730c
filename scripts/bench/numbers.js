/** The middle of some numbers; undefined where there are none. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : sorted.length ? (sorted[middle - 1] + sorted[middle]) / 2 : undefined;
}

/** Of the numbers that are there; NaN where none is. */
export function geometricMean(values) {
  const known = values.filter((value) => value > 0);
  return Math.exp(known.reduce((sum, value) => sum + Math.log(value), 0) / known.length);
}

/** A number for a table, or a dash. */
export const show = (value, digits = 2) => (value > 0 ? value.toFixed(digits) : '–');

/** Rounded for JSON: nobody measures more digits than these. */
export const rounded = (value) => (Number.isFinite(value) ? Number(value.toPrecision(5)) : undefined);
