import { E, fail } from './errno.ts';

/** Resources of getrlimit(2) that the stub looks at, by Linux's numbers. */
export const RLIMIT = {
  CPU: 0,
  FSIZE: 1,
  DATA: 2,
  STACK: 3,
  CORE: 4,
  NPROC: 6,
  NOFILE: 7,
  MEMLOCK: 8,
  AS: 9,
  SIGPENDING: 11,
  MSGQUEUE: 12,
  NICE: 13,
  RTPRIO: 14,
} as const;
/** Linux: half of the threads that memory has room for, here of 4 GiB. */
const MOST_SIGNALS = 15_000n;
const RESOURCES = 16;
export const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

export interface Limit {
  readonly current: bigint;
  readonly maximum: bigint;
}

const UNLIMITED: Limit = { current: RLIM_INFINITY, maximum: RLIM_INFINITY };

/** A process's resource limits, as Linux gives them to its first process; 0 core size, 8 MiB of stack, 1024 files. */
export class Limits {
  readonly #limits: Limit[] = Array.from({ length: RESOURCES }, () => UNLIMITED);

  constructor() {
    this.#limits[RLIMIT.STACK] = { current: 8n << 20n, maximum: RLIM_INFINITY };
    this.#limits[RLIMIT.CORE] = { current: 0n, maximum: RLIM_INFINITY };
    this.#limits[RLIMIT.NOFILE] = { current: 1024n, maximum: 4096n };
    this.#limits[RLIMIT.SIGPENDING] = { current: MOST_SIGNALS, maximum: MOST_SIGNALS };
    this.#limits[RLIMIT.MSGQUEUE] = { current: 819_200n, maximum: 819_200n };
    for (const none of [RLIMIT.NICE, RLIMIT.RTPRIO]) this.#limits[none] = { current: 0n, maximum: 0n };
    this.#limits[RLIMIT.MEMLOCK] = { current: 8n << 20n, maximum: 8n << 20n };
  }

  /** The same limits for a child. */
  copy(): Limits {
    const limits = new Limits();
    for (const [resource, limit] of this.#limits.entries()) limits.#limits[resource] = limit;
    return limits;
  }

  /** @throws SysError EINVAL for an unknown resource */
  get(resource: number): Limit {
    return this.#limits[resource] ?? fail(E.EINVAL);
  }

  /** @throws SysError EINVAL for an unknown resource or a soft limit above the hard one, EPERM above the hard one */
  set(resource: number, limit: Limit, privileged: boolean): void {
    const old = this.get(resource);
    if (limit.current > limit.maximum) fail(E.EINVAL);
    if (limit.maximum > old.maximum && !privileged) fail(E.EPERM);
    this.#limits[resource] = limit;
  }

  /** The soft limit as a number; Infinity when there is none. */
  soft(resource: number): number {
    const { current } = this.get(resource);
    return current === RLIM_INFINITY ? Number.POSITIVE_INFINITY : Number(current);
  }
}
