import type { Insn } from '../decode/insn.ts';
import type { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';

const CR0 = { EM: 4n, TS: 8n } as const;
const CR4_OSFXSR = 1n << 9n;
const MXCSR = new Set(['ldmxcsr', 'stmxcsr']);

/**
 * What an instruction on vector registers raises under the present CR0.EM, CR0.TS and CR4.OSFXSR (SDM 3A 2.5): #NM, #UD, or null:
 * nothing. It is asked when instructions are decoded, so that it costs nothing when they run; x87 and MMX instructions look for
 * themselves.
 */
export function refusal(insn: Insn, cpu: CpuState): number | null {
  const cr0 = cpu.u64(L.CR0);
  const ready = (cpu.u64(L.CR4) & CR4_OSFXSR) !== 0n;
  if (ready && (cr0 & (CR0.EM | CR0.TS)) === 0n) return null;
  const uses = (file: string): boolean => insn.operands.some((op) => op.kind === 'reg' && op.register.file === file);
  const sse = uses('vector') || MXCSR.has(insn.mnemonic);
  if (!sse) return null;
  return cr0 & CR0.EM || !ready ? VECTOR.UD : VECTOR.NM;
}
