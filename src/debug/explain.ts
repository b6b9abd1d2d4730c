import { memoryAccesses } from '../decode/accesses.ts';
import { MAX_INSN_LENGTH } from '../decode/decode.ts';
import { disassemble, type InsnText } from '../decode/text.ts';
import { type Fault, VECTOR } from '../exec/exit.ts';
import { type PageWalk, pageWalk, peek } from '../memory/page-walk.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { FS_BASE, GS_BASE } from '../state/layout.ts';
import type { Names } from '../trace/names.ts';
import { type ComposedAccess, composeAccess } from './accesses.ts';
import { causeOf } from './cause.ts';
import type { LastSteps } from './last.ts';
import { type LateStore, lateStore } from './late-store.ts';

/** What an explanation is made from: the machine as the exception left it. */
export interface Failure {
  readonly fault: Fault;
  readonly memory: PhysicalMemory;
  readonly cpu: CpuState;
  readonly names: Names;
  /** The signal that the kernel stub made of it. */
  readonly signal: { readonly number: number; readonly name: string; readonly text: string } | null;
  /** What the kernel stub knows of the faulting address: its mapping, or the nearest ones. */
  readonly mapping: string | null;
  readonly last: LastSteps;
  /** Whether the guest's CPU has a feature, by the decoder's name; unknown where left out. */
  readonly has?: (feature: string) => boolean;
}

/** Why a guest died. */
export interface Explanation extends Failure {
  /** Which check failed, in words. */
  readonly cause: string;
  /** Null where the bytes at RIP cannot be read. */
  readonly insn: InsnText | null;
  readonly accesses: readonly ComposedAccess[];
  /** Of CR2, for a page fault. */
  readonly walk: PageWalk | null;
  /** The descriptor that was refused is written only behind the instruction that reads it. */
  readonly lateStore: LateStore | null;
}

/** An instruction behind which the exception is delivered, RIP past it: #BP, #OF and INT1's #DB. */
const TRAPS: ReadonlyMap<number, number> = new Map([
  [VECTOR.BP, 1],
  [VECTOR.DB, 1],
]);

/** Finds out what went wrong. Looks at the machine and changes nothing. */
export function explain(failure: Failure): Explanation {
  const { fault, memory, cpu, has = () => true } = failure;
  const rip = trapped(failure);
  const bytes = peek(memory, cpu, rip, MAX_INSN_LENGTH);
  const source = { gpr: (n: number) => cpu.gpr(n), fsBase: cpu.u64(FS_BASE), gsBase: cpu.u64(GS_BASE) };
  const insn = bytes.length === 0 ? null : disassemble(bytes, rip);
  const accesses = insn === null ? [] : memoryAccesses(insn.bytes, rip).map((access) => composeAccess(access, source));
  const walk = fault.cr2 === null ? null : pageWalk(memory, cpu, fault.cr2);
  return {
    ...failure,
    cause: causeOf({ fault, cpu, memory, bytes, accesses, walk, has }),
    insn,
    accesses,
    walk,
    lateStore: lateStore(memory, cpu),
  };
}

/** Address of the instruction that raised the exception. */
function trapped({ fault, memory, cpu }: Failure): bigint {
  const length = TRAPS.get(fault.vector);
  if (length === undefined) return cpu.rip;
  const before = BigInt.asUintN(64, cpu.rip - BigInt(length));
  const [byte] = peek(memory, cpu, before, length);
  return byte === 0xcc || byte === 0xf1 ? before : cpu.rip;
}
