import { ERESTART } from '../block.ts';
import { E, fail } from '../errno.ts';
import { SelfOpening } from '../fs/device.ts';
import type { Attributes, Inode } from '../fs/inode.ts';
import { MemoryDirectory, type MemoryFs } from '../fs/memory.ts';
import { makeDevice, O, S_IF } from '../fs/mode.ts';
import type { OpenFile } from '../fs/open-file.ts';
import type { Kernel } from '../kernel.ts';
import type { Process } from '../process.ts';
import { SIG } from '../signals/numbers.ts';
import type { Task } from '../task.ts';
import { MasterFile, SlaveFile } from './files.ts';
import { isDeaf, isOrphaned, signalGroup } from './jobs.ts';
import { Terminal } from './terminal.ts';

const TTY = makeDevice(5, 0);
const PTMX = makeDevice(5, 2);
const PTS_MAJOR = 136;
/** Group `tty`, to which devpts gives slaves. */
const TTY_GROUP = 5;
const SLAVE_MODE = 0o620;
const ANYONE = 0o666;
/** Pseudoterminals at once (kernel.pty.max). */
const MOST = 4096;

/** A node that leads to a terminal. */
class TerminalInode extends SelfOpening {
  readonly dev: number;
  readonly #open: (inode: TerminalInode, path: string, flags: number) => OpenFile;
  readonly #attributes: Attributes;
  #mode: number;

  constructor(
    fs: MemoryFs,
    { rdev, mode, uid, gid }: Pick<Attributes, 'rdev' | 'mode' | 'uid' | 'gid'>,
    open: (inode: TerminalInode, path: string, flags: number) => OpenFile,
  ) {
    super();
    this.dev = fs.dev;
    this.#open = open;
    const now = fs.now();
    const time = { atime: now, mtime: now, ctime: now };
    this.#attributes = { dev: fs.dev, ino: fs.inode(), mode, nlink: 1, uid, gid, rdev, size: 0, ...time };
    this.#mode = mode;
  }

  attributes(): Attributes {
    return { ...this.#attributes, mode: S_IF.CHR | this.#mode };
  }
  override chmod(mode: number): void {
    this.#mode = mode & 0o7777;
  }
  override chown(): void {}
  override setTimes(): void {}
  openFile(path: string, flags: number): OpenFile {
    return this.#open(this, path, flags);
  }
}

/** All pseudoterminals, and whose session each controls. */
export class Terminals {
  readonly kernel: Kernel;
  readonly #terminals = new Map<number, Terminal>();
  /** Processes that gave their terminal up without leading a session. */
  readonly #detached = new WeakSet<Process>();
  #pts: MemoryDirectory | null = null;
  #fs: MemoryFs | null = null;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /** The nodes of /dev. */
  nodes(fs: MemoryFs): Map<string, Inode> {
    const pts = new MemoryDirectory(fs, 0o755);
    this.#pts = pts;
    this.#fs = fs;
    const root = { mode: ANYONE, uid: 0, gid: 0 };
    return new Map<string, Inode>([
      ['pts', pts],
      ['tty', new TerminalInode(fs, { ...root, rdev: TTY, gid: TTY_GROUP }, (...opening) => this.#openTty(...opening))],
      [
        'ptmx',
        new TerminalInode(fs, { ...root, rdev: PTMX, gid: TTY_GROUP }, (inode, _, flags) =>
          this.#create(fs, inode, flags),
        ),
      ],
    ]);
  }

  /** The thread that does a call just now. */
  get task(): Task {
    return this.kernel.current!;
  }

  #create(fs: MemoryFs, inode: TerminalInode, flags: number): OpenFile {
    const terminal = this.#make(fs, this.task.process);
    return new MasterFile(this, terminal, inode, '/dev/ptmx', flags);
  }

  /** The terminal of a first process, and its end there: what stands behind it is outside the machine. */
  attach(process: Process): { readonly terminal: Terminal; readonly file: OpenFile } {
    const terminal = this.#make(this.#fs!, process);
    terminal.locked = false;
    this.control(terminal, process);
    const path = `/dev/pts/${terminal.number}`;
    const inode = this.#pts!.lookup(String(terminal.number))!;
    return { terminal, file: new SlaveFile(this, terminal, inode, path, O.RDWR) };
  }

  #make(fs: MemoryFs, owner: Process): Terminal {
    let number = 0;
    while (this.#terminals.has(number)) number++;
    if (number >= MOST) fail(E.ENOSPC);
    const terminal = new Terminal(number, {
      signal: (signal) => signalGroup(this.kernel, terminal.foreground, signal),
    });
    this.#terminals.set(number, terminal);
    const { euid } = owner.credentials;
    const node = { rdev: makeDevice(PTS_MAJOR, number), mode: SLAVE_MODE, uid: euid, gid: TTY_GROUP };
    const slave = new TerminalInode(fs, node, (_, path, wanted) => this.openSlave(terminal, path, wanted));
    this.#pts!.add(String(number), slave);
    return terminal;
  }

  /** The master is closed: the slaves are dead (tty_vhangup). */
  hangUp(terminal: Terminal): void {
    terminal.hungUp = true;
    terminal.arrived++;
    this.#terminals.delete(terminal.number);
    const leader = this.kernel.processes.get(terminal.session);
    this.#pts!.unlink(String(terminal.number));
    terminal.session = terminal.foreground = 0;
    if (leader === undefined || leader.dead) return;
    for (const signal of [SIG.HUP, SIG.CONT]) this.kernel.signals.sendToProcess(leader, { signal, code: 0x80 });
  }

  /** Opens a slave; a leader of a session without a terminal gets it, unless it asks not to. */
  openSlave(terminal: Terminal, path: string, flags: number): OpenFile {
    if (terminal.locked || terminal.hungUp) fail(E.EIO);
    const { process } = this.task;
    const inode = this.#pts!.lookup(String(terminal.number));
    const leads = process.session === process.pid && this.controlling(process) === null;
    if (!(flags & O.NOCTTY) && leads && terminal.session === 0) this.control(terminal, process);
    return new SlaveFile(this, terminal, inode!, path, flags);
  }

  #openTty(inode: TerminalInode, path: string, flags: number): OpenFile {
    const terminal = this.controlling(this.task.process) ?? fail(E.ENXIO);
    return new SlaveFile(this, terminal, inode, path, flags);
  }

  /** The terminal that controls a process; null: none does. */
  controlling(process: Process): Terminal | null {
    if (this.#detached.has(process)) return null;
    for (const terminal of this.#terminals.values()) if (terminal.session === process.session) return terminal;
    return null;
  }

  /** Makes a terminal the one of a session. */
  control(terminal: Terminal, leader: Process): void {
    terminal.session = leader.session;
    terminal.foreground = leader.group;
  }

  /** TIOCNOTTY: the caller, or with its leader the whole session, has no terminal any more. */
  giveUp(process: Process): void {
    const terminal = this.controlling(process);
    if (terminal === null) return;
    if (process.pid !== process.session) {
      this.#detached.add(process);
      return;
    }
    signalGroup(this.kernel, terminal.foreground, SIG.HUP, SIG.CONT);
    terminal.session = terminal.foreground = 0;
  }

  /** A session's leader is over: whoever is in the foreground is told (disassociate_ctty). */
  leaderEnded(process: Process): void {
    if (process.pid !== process.session) return;
    const terminal = this.controlling(process);
    if (terminal === null) return;
    signalGroup(this.kernel, terminal.foreground, SIG.HUP);
    terminal.session = terminal.foreground = 0;
  }

  /**
   * Stops a background process that uses its terminal (job_control, tty_check_change). `deaf` is what happens when it does
   * not notice the signal.
   * @throws SysError EIO, or a restart
   */
  requireForeground(terminal: Terminal, signal: number, deaf: 'fails' | 'may'): void {
    const { task } = this;
    const { process } = task;
    if (this.controlling(process) !== terminal || terminal.foreground === process.group || terminal.foreground === 0)
      return;
    if (isDeaf(task, signal)) {
      if (deaf === 'may') return;
      fail(E.EIO);
    }
    if (isOrphaned(this.kernel, process.group)) fail(E.EIO);
    signalGroup(this.kernel, process.group, signal);
    task.notify = true;
    fail(ERESTART.SYS);
  }
}
