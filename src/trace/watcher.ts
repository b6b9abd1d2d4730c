import { linearAddress, type MemoryAccess, memoryAccesses } from '../decode/accesses.ts';
import { MAX_INSN_LENGTH } from '../decode/decode.ts';
import { disassemble, type InsnText } from '../decode/text.ts';
import type { Exit } from '../exec/exit.ts';
import { peek } from '../memory/page-walk.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { type RegisterChange, Snapshot } from './snapshot.ts';

/** One access as it happened. */
export interface AccessDone {
  readonly kind: MemoryAccess['kind'];
  readonly address: bigint;
  readonly segment: 'fs' | 'gs' | null;
  /** What stood there before; empty where the size is not fixed. */
  readonly before: Uint8Array;
  /** What stands there now, for a write or an update. */
  readonly after: Uint8Array | null;
}

/** One instruction that has retired. */
export interface Step {
  /** Its number: 1 is the first of the run. */
  readonly number: number;
  readonly insn: InsnText;
  readonly registers: readonly RegisterChange[];
  /** Changed flags: `+Z-C`. */
  readonly flags: string;
  readonly accesses: readonly AccessDone[];
}

/** What is needed to watch a machine. */
export interface Watched {
  readonly memory: PhysicalMemory;
  readonly cpu: CpuState;
  run(budget: number): Exit;
}

interface Decoded {
  readonly insn: InsnText;
  readonly accesses: readonly MemoryAccess[];
}

/** Decoded instructions kept for the next time round a loop. */
const CACHE_LIMIT = 1 << 16;

/** Runs a machine one instruction at a time and says what each has done. Looking changes nothing: no fault, no accessed bit. */
export class Watcher {
  readonly #machine: Watched;
  readonly #cache = new Map<bigint, Decoded>();
  readonly #before = new Snapshot();
  #waiting: { number: number; decoded: Decoded; accesses: AccessDone[]; after: Snapshot } | null = null;

  constructor(machine: Watched) {
    this.#machine = machine;
  }

  /** The instruction at RIP, without executing it. */
  current(): InsnText {
    return this.#decode(this.#machine.cpu.rip).insn;
  }

  #decode(rip: bigint): Decoded {
    const { memory, cpu } = this.#machine;
    const bytes = peek(memory, cpu, rip, MAX_INSN_LENGTH);
    const known = this.#cache.get(rip);
    if (known !== undefined && startsWith(bytes, known.insn.bytes)) return known;
    const insn = disassemble(bytes, rip);
    const decoded = { insn, accesses: memoryAccesses(insn.bytes, rip) };
    // Bytes that end early may go on once their page has come in.
    if (bytes.length === MAX_INSN_LENGTH) {
      if (this.#cache.size >= CACHE_LIMIT) this.#cache.clear();
      this.#cache.set(rip, decoded);
    }
    return decoded;
  }

  /**
   * Executes one instruction. `done` gets it once it has retired: at once, or, for SYSCALL, when the kernel has answered and
   * the next instruction is about to run, so that its result is among the changes. An exception retires nothing.
   */
  step(done: (step: Step) => void): Exit {
    this.flush(done);
    const { cpu, memory } = this.#machine;
    const before = this.#before.take(cpu);
    const decoded = this.#decode(before.rip);
    const count = cpu.icount;
    const pending = decoded.accesses
      .filter((access) => !access.conditional || !isRepeated(decoded.insn) || before.gpr(1) !== 0n)
      .map((access) => {
        const address = linearAddress(access, before);
        return { access, address, before: peek(memory, cpu, address, access.bytes) };
      });
    const exit = this.#machine.run(1);
    if (cpu.icount === count) return exit;
    const accesses = pending.map(({ access, address, before }): AccessDone => {
      const after = access.kind === 'read' ? null : peek(memory, cpu, address, access.bytes);
      return { kind: access.kind, address, segment: access.segment, before, after };
    });
    if (exit.kind === 'syscall') {
      this.#waiting = { number: count + 1, decoded, accesses, after: new Snapshot().take(cpu) };
      return exit;
    }
    done(this.#finish(count + 1, decoded, accesses));
    return exit;
  }

  /** Gives out a SYSCALL that still waits for its result. */
  flush(done: (step: Step) => void): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    const { number, decoded, accesses, after } = waiting;
    const { cpu } = this.#machine;
    // Elsewhere by now (a signal handler, another thread): what the registers hold is no result of this call.
    if (cpu.rip === after.rip && cpu.gpr(4) === after.gpr(4)) done(this.#finish(number, decoded, accesses));
    else done({ number, insn: decoded.insn, registers: [], flags: '', accesses });
  }

  #finish(number: number, { insn }: Decoded, accesses: readonly AccessDone[]): Step {
    const { cpu } = this.#machine;
    return { number, insn, registers: this.#before.changes(cpu), flags: this.#before.flagChanges(cpu), accesses };
  }
}

const isRepeated = (insn: InsnText): boolean => /^rep/.test(insn.text);

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}
