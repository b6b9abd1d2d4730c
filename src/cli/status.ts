/** Exit statuses of swapgs itself. A guest program's own status is passed on; `128 + signal` when a signal killed it. */
export const STATUS = {
  ok: 0,
  /** `diff`: the builds differ, or a condition or expectation does not hold; `check`: there is a warning. */
  different: 1,
  /** `fuzz`: at least one finding. */
  found: 77,
  /** `--bare`: an exception ended the run. */
  fault: 123,
  /** A limit of instructions, time or memory was reached, or nothing can ever go on. */
  limit: 124,
  /** Usage, files that cannot be used, errors of swapgs itself. */
  error: 125,
  /** An instruction or a part of the kernel that swapgs does not implement. */
  unimplemented: 126,
  signal: 128,
} as const;

/** The part of every `--help` that explains them. */
export const STATUS_HELP = `
Exit status:
  0–255  the program's own (run, trace of a program)
  0      bare guests: it reached HLT or --until; disasm, demo: done; diff, check: nothing found
  1      diff: something differs; check: a warning
  123    bare guests: an exception ended the run
  124    a limit ended it: --max-insns, --timeout, --memory, or a deadlock
  125    swapgs could not start or go on: usage, unreadable or bad files
  126    not implemented: an instruction or a part of the kernel
  128+N  signal N killed the program
Whatever is not the program's own comes with a line «swapgs: …» on stderr (death by SIGPIPE excepted).`;
