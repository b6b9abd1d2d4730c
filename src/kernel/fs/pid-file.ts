import type { Process } from '../process.ts';
import { AnonymousFile } from './anonymous.ts';
import { POLL } from './mode.ts';

/** A descriptor of a process (pidfd_open(2)): readable once the process is over. */
export class PidFile extends AnonymousFile {
  readonly process: Process;

  constructor(process: Process, ino: number, flags = 0) {
    super('pidfd', ino, flags);
    this.process = process;
  }
  override poll(): number {
    return this.process.dead ? POLL.IN | POLL.RDNORM : 0;
  }
}
