// What orders memory accesses for other CPUs (SDM 3A 9.2.2): nothing of it shows in what one CPU computes.

/** MFENCE and every locked instruction order everything: compilers take one for the other. */
export type BarrierKind = 'full' | 'lfence' | 'sfence';

/** A barrier that was executed. */
export interface Barrier {
  readonly kind: BarrierKind;
  /** Calls out of the build before it. */
  readonly calls: number;
}

const FENCES: Readonly<Record<string, BarrierKind>> = { mfence: 'full', lfence: 'lfence', sfence: 'sfence' };

/** The barrier that an instruction is; null where it is none. */
export const barrierOf = (mnemonic: string, locked: boolean): BarrierKind | null =>
  locked ? 'full' : (FENCES[mnemonic] ?? null);

/** The barriers of one call; full ones without an access between them are one. */
export class Barriers {
  readonly passed: Barrier[] = [];
  #accessed = true;

  /** Notes an access to memory that others may see. */
  access(): void {
    this.#accessed = true;
  }

  /** Notes a barrier. */
  pass(kind: BarrierKind, calls: number): void {
    const last = this.passed.at(-1);
    if (kind === 'full' && last?.kind === 'full' && last.calls === calls && !this.#accessed) return;
    this.passed.push({ kind, calls });
    this.#accessed = false;
  }
}

const NAMES: Readonly<Record<BarrierKind, string>> = { full: 'a full barrier', lfence: 'lfence', sfence: 'sfence' };
const textOf = (barrier: Barrier | undefined): string =>
  barrier === undefined
    ? 'none'
    : `${NAMES[barrier.kind]} after ${barrier.calls} call${barrier.calls === 1 ? '' : 's'}`;

/** The first barrier that only one of two runs has, in words. */
export function barrierDifference(old: readonly Barrier[], fresh: readonly Barrier[]): string[] {
  for (let i = 0; i < Math.max(old.length, fresh.length); i++) {
    const [a, b] = [old[i], fresh[i]];
    if (a?.kind === b?.kind && a?.calls === b?.calls) continue;
    return [`barrier ${i + 1}: old ${textOf(a)}, new ${textOf(b)}`];
  }
  return [];
}
