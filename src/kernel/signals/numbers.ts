/** Linux signal numbers for x86-64, by name without SIG. */
// biome-ignore format: a table
export const SIG = {
  HUP: 1, INT: 2, QUIT: 3, ILL: 4, TRAP: 5, ABRT: 6, BUS: 7, FPE: 8, KILL: 9, USR1: 10, SEGV: 11, USR2: 12, PIPE: 13,
  ALRM: 14, TERM: 15, STKFLT: 16, CHLD: 17, CONT: 18, STOP: 19, TSTP: 20, TTIN: 21, TTOU: 22, URG: 23, XCPU: 24,
  XFSZ: 25, VTALRM: 26, PROF: 27, WINCH: 28, IO: 29, PWR: 30, SYS: 31,
} as const;

/** Signals are 1 to 64; 32 and above are the real-time ones. */
export const NSIG = 64;
export const SIGRTMIN = 32;

/** `SIGSEGV`, `SIGRT_2`, as strace writes them. */
export function signalName(signal: number): string {
  const name = Object.entries(SIG).find(([, number]) => number === signal)?.[0];
  if (name !== undefined) return `SIG${name}`;
  if (signal === SIGRTMIN) return 'SIGRTMIN';
  return signal > SIGRTMIN && signal <= NSIG ? `SIGRT_${signal - SIGRTMIN}` : String(signal);
}

/** What the shell and strsignal(3) call the death by that signal. */
// biome-ignore format: a table
const TEXT: Readonly<Record<number, string>> = {
  1: 'Hangup', 2: 'Interrupt', 3: 'Quit', 4: 'Illegal instruction', 5: 'Trace/breakpoint trap', 6: 'Aborted',
  7: 'Bus error', 8: 'Floating point exception', 9: 'Killed', 10: 'User defined signal 1', 11: 'Segmentation fault',
  12: 'User defined signal 2', 13: 'Broken pipe', 14: 'Alarm clock', 15: 'Terminated', 16: 'Stack fault',
  24: 'CPU time limit exceeded', 25: 'File size limit exceeded', 26: 'Virtual timer expired',
  27: 'Profiling timer expired', 29: 'I/O possible', 30: 'Power failure', 31: 'Bad system call',
};

/** strsignal(3) of a signal that ends a process. */
export function signalText(signal: number): string {
  return TEXT[signal] ?? (signal >= SIGRTMIN ? `Real-time signal ${signal - SIGRTMIN}` : `Unknown signal ${signal}`);
}

/** What happens by default (signal(7)). */
export type DefaultAction = 'terminate' | 'core' | 'ignore' | 'stop';

// biome-ignore format: a table
const CORE: readonly number[] = [
  SIG.QUIT, SIG.ILL, SIG.TRAP, SIG.ABRT, SIG.BUS, SIG.FPE, SIG.SEGV, SIG.XCPU, SIG.XFSZ, SIG.SYS,
];
const STOP: readonly number[] = [SIG.STOP, SIG.TSTP, SIG.TTIN, SIG.TTOU];
const IGNORE: readonly number[] = [SIG.CHLD, SIG.CONT, SIG.URG, SIG.WINCH];

export function defaultAction(signal: number): DefaultAction {
  if (CORE.includes(signal)) return 'core';
  if (STOP.includes(signal)) return 'stop';
  return IGNORE.includes(signal) ? 'ignore' : 'terminate';
}
