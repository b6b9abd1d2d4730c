import type { Insn } from '../decode/insn.ts';
import type { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import { STATE_BIT } from '../state/xsave.ts';

const CR0 = { EM: 4n, TS: 8n } as const;
const CR4_OSFXSR = 1n << 9n;
const AVX_STATE = Number(STATE_BIT.sse | STATE_BIT.avx);
const AVX512_STATE = Number(STATE_BIT.avx512) | AVX_STATE;
const MXCSR = new Set(['ldmxcsr', 'stmxcsr']);

/** Whether it is of AVX: VEX instructions on general-purpose registers need nothing but the CPU. */
const isAvx = (insn: Insn): boolean => insn.codeName.startsWith('VEX_V');

/** Whether it is of AVX-512: EVEX instructions, and those on opmask registers. */
const isAvx512 = (insn: Insn): boolean => /^(EVEX_|VEX_K)/.test(insn.codeName);

/**
 * What an instruction on vector registers raises under the present CR0.EM, CR0.TS and CR4.OSFXSR (SDM 3A 2.5): #NM, #UD, or null:
 * nothing. Those of AVX depend on the enabled state components instead (SDM 1 14.1.3). It is asked when instructions are decoded, so that it costs nothing when they run; x87 and MMX instructions look for
 * themselves.
 */
export function refusal(insn: Insn, cpu: CpuState): number | null {
  const cr0 = cpu.u64(L.CR0);
  if (isAvx512(insn) || isAvx(insn)) {
    const needed = isAvx512(insn) ? AVX512_STATE : AVX_STATE;
    if ((cpu.view.getUint32(L.USABLE, true) & needed) !== needed) return VECTOR.UD;
    return cr0 & CR0.TS ? VECTOR.NM : null;
  }
  const ready = (cpu.u64(L.CR4) & CR4_OSFXSR) !== 0n;
  if (ready && (cr0 & (CR0.EM | CR0.TS)) === 0n) return null;
  const uses = (file: string): boolean => insn.operands.some((op) => op.kind === 'reg' && op.register.file === file);
  const sse = uses('vector') || MXCSR.has(insn.mnemonic);
  if (!sse) return null;
  return cr0 & CR0.EM || !ready ? VECTOR.UD : VECTOR.NM;
}
