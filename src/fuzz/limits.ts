/** Instructions of the longest sequence. */
export const MOST_STEPS = 32;
