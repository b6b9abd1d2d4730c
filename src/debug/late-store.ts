import { hex } from '../bits/hex.ts';
import { type AddressSource, linearAddress, memoryAccesses } from '../decode/accesses.ts';
import { decode, MAX_INSN_LENGTH } from '../decode/decode.ts';
import type { Insn } from '../decode/insn.ts';
import { disassemble } from '../decode/text.ts';
import { writtenRegisters } from '../decode/usage.ts';
import { peek } from '../memory/page-walk.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import type { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';

/** A descriptor that an instruction has read before the program wrote it. */
export interface LateStore {
  /** `ltr` or `lldt`. */
  readonly mnemonic: string;
  /** Linear address of the descriptor, and its bytes. */
  readonly descriptor: bigint;
  readonly bytes: number;
  /** Instructions from the reader to the first store, and that store. */
  readonly later: number;
  readonly at: bigint;
  readonly text: string;
}

/** How far behind the reader a store is looked for. */
const LOOKED_AT = 16;
const DESCRIPTOR_BYTES = 16;
const READERS = new Set(['ltr', 'lldt']);
const ENDS_BLOCK = /^(j|call|ret|iret|loop|sysret|sysexit|hlt|ud)/;

/**
 * Whether LTR or LLDT at RIP reads a descriptor that the straight code behind it is about to write: stores which a compiler has moved
 * behind an asm statement without a "memory" clobber. Looks at the machine and changes nothing; stores whose address depends on a
 * register that is loaded in between are not seen.
 */
export function lateStore(memory: PhysicalMemory, cpu: CpuState): LateStore | null {
  const reader = insnAt(memory, cpu, cpu.rip);
  const selector = reader === null || !READERS.has(reader.mnemonic) ? null : selectorOf(reader, memory, cpu);
  if (reader === null || selector === null || selector & 4) return null;
  const descriptor = BigInt.asUintN(64, cpu.u64(L.GDTR_BASE) + BigInt(selector & ~7));
  const changed = new Set<number>();
  let at = cpu.rip + BigInt(reader.length);
  for (let later = 1; later <= LOOKED_AT; later++) {
    const insn = insnAt(memory, cpu, at);
    if (insn === null || ENDS_BLOCK.test(insn.mnemonic)) return null;
    const stores = memoryAccesses(insn.bytes, at).filter(
      ({ kind, base, index }) =>
        kind !== 'read' && ![base, index].some((register) => register !== null && changed.has(register.n)),
    );
    const hit = stores.some((store) => {
      const first = linearAddress(store, sourceOf(cpu));
      return first < descriptor + BigInt(DESCRIPTOR_BYTES) && first + BigInt(store.bytes) > descriptor;
    });
    if (hit) {
      const { text } = disassemble(insn.bytes, at);
      return { mnemonic: reader.mnemonic, descriptor, bytes: DESCRIPTOR_BYTES, later, at, text };
    }
    for (const register of writtenRegisters(insn)) changed.add(register);
    at += BigInt(insn.length);
  }
  return null;
}

/** `LTR reads 16 B written 1 insn later: …`. */
export function lateStoreText({ mnemonic, descriptor, bytes, later, at, text }: LateStore): string {
  const distance = `${later} insn${later === 1 ? '' : 's'} later`;
  return `${mnemonic.toUpperCase()} reads ${bytes} B written ${distance}: the descriptor at ${hex(descriptor)}, by ${hex(at)} ${text.replace(/\s+/g, ' ')}`;
}

const sourceOf = (cpu: CpuState): AddressSource => ({
  gpr: (n) => cpu.gpr(n),
  fsBase: cpu.u64(L.FS_BASE),
  gsBase: cpu.u64(L.GS_BASE),
});

function insnAt(memory: PhysicalMemory, cpu: CpuState, at: bigint): Insn | null {
  const insn = decode(peek(memory, cpu, at, MAX_INSN_LENGTH));
  return typeof insn === 'string' ? null : insn;
}

function selectorOf(insn: Insn, memory: PhysicalMemory, cpu: CpuState): number | null {
  const [operand] = insn.operands;
  if (operand?.kind === 'reg') return Number(cpu.gpr(operand.register.n) & 0xffffn);
  const [access] = memoryAccesses(insn.bytes, cpu.rip);
  if (access === undefined) return null;
  const [low, high] = peek(memory, cpu, linearAddress(access, sourceOf(cpu)), 2);
  return low === undefined || high === undefined ? null : low | (high << 8);
}
