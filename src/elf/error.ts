/** A file that cannot be used as it is: one line that says what is wrong, where, and how to mend it. */
export class ElfError extends Error {
  override readonly name = 'ElfError';
}
