/**
 * A system call that cannot go on until something else happens: another thread, another process, a signal.
 * Whoever schedules catches it; with nobody else to run, it is a deadlock.
 */
export class Blocked extends Error {
  /** What is waited for, as a phrase: «data in a pipe». */
  readonly reason: string;
  constructor(reason: string) {
    super(`waiting for ${reason}`);
    this.reason = reason;
  }
}
