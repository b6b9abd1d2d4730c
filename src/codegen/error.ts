/** An input or a request that cannot be used: one line, how to mend it behind the last `; `. */
export class CodegenError extends Error {
  override readonly name = 'CodegenError';
}
