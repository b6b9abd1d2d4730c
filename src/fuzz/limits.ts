/** Instructions of the longest sequence. */
export const MOST_STEPS = 32;

/** Inputs of the corpus that runs begin from. */
export const MOST_INPUTS = 4096;
