import { Random } from '../../bits/random.ts';
import type { Speculation } from '../../memory/mmu.ts';
import { PAGE_SIZE } from '../../memory/physical.ts';

/** Walks that a CPU is to make without having been asked. */
export interface SpeculationPlan {
  /** On which CPU; null: on each. */
  readonly cpu: number | null;
  /** Before which instructions: every so many of that CPU's, or the first `count` from an address on, each time it comes there. */
  readonly when: { readonly every: number } | { readonly at: bigint; readonly count: number };
  /** Of which addresses: these, in turn, or pages of a range as the seed draws them. */
  readonly walks: readonly bigint[] | { readonly from: bigint; readonly to: bigint };
}

/** One such walk. */
export interface SpeculatedWalk {
  readonly cpu: number;
  /** The instruction before which it was made; `index` counts from 1 at the plan's address. */
  readonly rip: bigint;
  readonly index: number | null;
  readonly linear: bigint;
  readonly outcome: Speculation;
}

interface Running {
  readonly plan: SpeculationPlan;
  readonly random: Random;
  /** Walks made. */
  made: number;
}

/** What the speculator asks of the machine. */
interface Walker {
  speculate(linear: bigint): Speculation;
}

/** Decides which walks happen when: by plans and a seed alone, so that a run has them at the same instructions on every engine. */
export class Speculator {
  readonly #running: readonly Running[];
  readonly #walker: Walker;
  readonly #report: (walk: SpeculatedWalk) => void;
  /** By CPU: which instruction from the address on it runs, while they are counted. */
  readonly #behind = new Map<number, number>();
  readonly #at: { readonly at: bigint; readonly count: number } | null;

  /** @throws RangeError where plans name two addresses */
  constructor(plans: readonly SpeculationPlan[], seed: number, walker: Walker, report: (walk: SpeculatedWalk) => void) {
    this.#running = plans.map((plan, i) => ({ plan, random: new Random(seed + i), made: 0 }));
    this.#walker = walker;
    this.#report = report;
    const points = plans.flatMap(({ when }) => ('at' in when ? [when] : []));
    if (new Set(points.map(({ at }) => at)).size > 1) throw new RangeError('walks at one address only');
    this.#at = points.length === 0 ? null : { at: points[0]!.at, count: Math.max(...points.map(({ count }) => count)) };
  }

  /** Where every CPU must stop, so that it can be asked; null: nowhere. */
  get until(): bigint | null {
    return this.#at?.at ?? null;
  }

  /** Whether a CPU must run one instruction by itself: it stands at that place, or each one behind it counts. */
  steps(cpu: number, rip: bigint): boolean {
    return this.#behind.has(cpu) || rip === this.#at?.at;
  }

  /** The most instructions that a CPU may run before it is asked again. */
  most(cpu: number, icount: number): number {
    let most = Number.MAX_SAFE_INTEGER;
    for (const { plan } of this.#running)
      if ('every' in plan.when && this.#on(plan, cpu))
        most = Math.min(most, plan.when.every - (icount % plan.when.every));
    return most;
  }

  /** A CPU is about to run the instruction at `rip`, behind `icount` others. */
  before(cpu: number, rip: bigint, icount: number): void {
    const arrived = this.#at !== null && rip === this.#at.at && this.#hasPoint(cpu);
    const behind = arrived ? 0 : this.#behind.get(cpu);
    const index = behind === undefined || behind >= this.#at!.count ? null : behind + 1;
    if (index === null) this.#behind.delete(cpu);
    else this.#behind.set(cpu, index);
    for (const running of this.#running) {
      const { plan } = running;
      if (!this.#on(plan, cpu)) continue;
      if ('every' in plan.when) {
        if (icount > 0 && icount % plan.when.every === 0) this.#walk(running, cpu, rip, null);
      } else if (index !== null && index <= plan.when.count) this.#walk(running, cpu, rip, index);
    }
  }

  #on({ cpu }: SpeculationPlan, id: number): boolean {
    return cpu === null || cpu === id;
  }

  #hasPoint(cpu: number): boolean {
    return this.#running.some(({ plan }) => 'at' in plan.when && this.#on(plan, cpu));
  }

  #walk(running: Running, cpu: number, rip: bigint, index: number | null): void {
    const { walks } = running.plan;
    let linear: bigint;
    if ('from' in walks) {
      const pages = Number((walks.to - walks.from + BigInt(PAGE_SIZE - 1)) / BigInt(PAGE_SIZE));
      linear = walks.from + BigInt(running.random.below(pages)) * BigInt(PAGE_SIZE);
    } else linear = walks[running.made % walks.length]!;
    running.made++;
    this.#report({ cpu, rip, index, linear, outcome: this.#walker.speculate(linear) });
  }
}
