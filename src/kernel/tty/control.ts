import { E, fail } from '../errno.ts';
import { O } from '../fs/mode.ts';
import { SIG } from '../signals/numbers.ts';
import type { Task } from '../task.ts';
import { members, signalGroup } from './jobs.ts';
import type { Terminal } from './terminal.ts';
import type { Terminals } from './terminals.ts';
import { TERMIOS_BYTES, TERMIOS2_BYTES } from './termios.ts';

/** Requests of ioctl_tty(2). */
export const TERMINAL_IOCTL = {
  TCGETS: 0x5401,
  TCSETS: 0x5402,
  TCSETSW: 0x5403,
  TCSETSF: 0x5404,
  TCSBRK: 0x5409,
  TCXONC: 0x540a,
  TCFLSH: 0x540b,
  TIOCSCTTY: 0x540e,
  TIOCGPGRP: 0x540f,
  TIOCSPGRP: 0x5410,
  TIOCOUTQ: 0x5411,
  TIOCGWINSZ: 0x5413,
  TIOCSWINSZ: 0x5414,
  TIOCNOTTY: 0x5422,
  TIOCGETD: 0x5424,
  TCSBRKP: 0x5425,
  TIOCGSID: 0x5429,
  TIOCGPTPEER: 0x5441,
  TCGETS2: 0x802c_542a,
  TIOCGPTN: 0x8004_5430,
  TIOCGPTLCK: 0x8004_5439,
  TCSETS2: 0x402c_542b,
  TCSETSW2: 0x402c_542c,
  TCSETSF2: 0x402c_542d,
  TIOCSPTLCK: 0x4004_5431,
} as const;
const T = TERMINAL_IOCTL;
const FLUSH = { INPUT: 0, OUTPUT: 1, BOTH: 2 } as const;
const XONC = { OUTPUT_OFF: 0, OUTPUT_ON: 1 } as const;

/** ioctl(2) on the slave. @throws SysError ENOTTY for what a terminal does not know */
export function slaveControl(
  terminals: Terminals,
  terminal: Terminal,
  task: Task,
  request: number,
  argument: number,
): number {
  const { process } = task;
  switch (request) {
    case T.TIOCNOTTY:
      if (terminals.controlling(process) !== terminal) fail(E.ENOTTY);
      terminals.giveUp(process);
      return 0;
    case T.TIOCGPGRP:
    case T.TIOCGSID:
      if (terminals.controlling(process) !== terminal) fail(E.ENOTTY);
      break;
    case T.TIOCGPTN:
    case T.TIOCSPTLCK:
    case T.TIOCGPTLCK:
    case T.TIOCGPTPEER:
      return fail(E.ENOTTY);
  }
  return terminalControl(terminals, terminal, task, request, argument, false);
}

/** What both ends know; `master` alone knows the slave's number and lock. */
export function terminalControl(
  terminals: Terminals,
  terminal: Terminal,
  task: Task,
  request: number,
  argument: number,
  master: boolean,
): number {
  const { user, process, kernel } = task;
  switch (request) {
    case T.TCGETS:
      user.write(argument, terminal.termios.bytes(TERMIOS_BYTES));
      return 0;
    case T.TCGETS2:
      user.write(argument, terminal.termios.bytes(TERMIOS2_BYTES));
      return 0;
    case T.TCSETS:
    case T.TCSETSW:
    case T.TCSETSF:
    case T.TCSETS2:
    case T.TCSETSW2:
    case T.TCSETSF2: {
      terminals.requireForeground(terminal, SIG.TTOU, 'may');
      const bytes = user.read(argument, TERMIOS_BYTES);
      if (request === T.TCSETSF || request === T.TCSETSF2) terminal.flushInput();
      terminal.setTermios(bytes);
      return 0;
    }
    case T.TIOCGWINSZ:
      user.write(argument, new Uint8Array(Uint16Array.from(terminal.size).buffer));
      return 0;
    case T.TIOCSWINSZ: {
      const view = user.view(argument, 8);
      const size = [0, 2, 4, 6].map((at) => view.getUint16(at, true)) as [number, number, number, number];
      if (size.every((value, i) => value === terminal.size[i])) return 0;
      terminal.size = size;
      signalGroup(kernel, terminal.foreground, SIG.WINCH);
      return 0;
    }
    case T.TIOCGPGRP:
      user.setU32(argument, terminal.foreground);
      return 0;
    case T.TIOCSPGRP:
      return setForeground(terminals, terminal, task, user.u32(argument) | 0);
    case T.TIOCGSID:
      if (terminal.session === 0) fail(E.ENOTTY);
      user.setU32(argument, terminal.session);
      return 0;
    case T.TIOCSCTTY: {
      if (terminal.session === process.session && process.pid === process.session) return 0;
      if (process.pid !== process.session || terminals.controlling(process) !== null) fail(E.EPERM);
      if (terminal.session !== 0 && !(argument === 1 && process.credentials.euid === 0)) fail(E.EPERM);
      terminals.control(terminal, process);
      return 0;
    }
    case T.TCSBRK:
    case T.TCSBRKP:
      return 0;
    case T.TCXONC:
      if (argument === XONC.OUTPUT_OFF || argument === XONC.OUTPUT_ON) terminal.stopped = argument === XONC.OUTPUT_OFF;
      return argument > 3 ? fail(E.EINVAL) : 0;
    case T.TCFLSH:
      if (argument > FLUSH.BOTH) fail(E.EINVAL);
      terminals.requireForeground(terminal, SIG.TTOU, 'may');
      if (argument !== FLUSH.OUTPUT) terminal.flushInput();
      if (argument !== FLUSH.INPUT) terminal.flushOutput();
      return 0;
    case T.TIOCOUTQ:
    case T.TIOCGETD:
      user.setU32(argument, 0);
      return 0;
    default:
      return master ? masterControl(terminals, terminal, task, request, argument) : fail(E.ENOTTY);
  }
}

function masterControl(
  terminals: Terminals,
  terminal: Terminal,
  { user, fds }: Task,
  request: number,
  argument: number,
): number {
  switch (request) {
    case T.TIOCGPTN:
      user.setU32(argument, terminal.number);
      return 0;
    case T.TIOCSPTLCK:
      terminal.locked = user.u32(argument) !== 0;
      return 0;
    case T.TIOCGPTLCK:
      user.setU32(argument, terminal.locked ? 1 : 0);
      return 0;
    case T.TIOCGPTPEER:
      return fds.add(
        terminals.openSlave(terminal, `/dev/pts/${terminal.number}`, argument),
        (argument & O.CLOEXEC) !== 0,
      );
    default:
      return fail(E.ENOTTY);
  }
}

/** tcsetpgrp(3), its checks in the order of drivers/tty/tty_jobctrl.c. */
function setForeground(terminals: Terminals, terminal: Terminal, task: Task, group: number): number {
  const { process, kernel } = task;
  terminals.requireForeground(terminal, SIG.TTOU, 'may');
  if (terminals.controlling(process) !== terminal) fail(E.ENOTTY);
  if (group < 0) fail(E.EINVAL);
  const [member] = members(kernel, group);
  if (member === undefined) return fail(E.ESRCH);
  if (member.session !== process.session) fail(E.EPERM);
  terminal.foreground = group;
  return 0;
}
