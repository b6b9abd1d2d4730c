/** A part of the kernel that swapgs does not have, wanted in earnest. It ends the process with a sentence. */
export class Unimplemented extends Error {
  /** The part, as a phrase: «signal delivery». */
  readonly what: string;
  constructor(what: string) {
    super(`not implemented: ${what}`);
    this.what = what;
  }
}
