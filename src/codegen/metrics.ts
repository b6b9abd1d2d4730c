/** What is counted of one function, and of all together. */
export interface Metrics {
  instructions: number;
  bytes: number;
  /** Instructions that read or write memory by an operand or as string instructions; one that does both counts in both. */
  loads: number;
  stores: number;
  branches: number;
  calls: number;
  returns: number;
  /** Atomic instructions: LOCK, and XCHG with memory. */
  locked: number;
  cmov: number;
  /** Stores to and loads from the stack by RSP or RBP without an index: what registers were too few for, and locals. */
  spills: number;
  fills: number;
  pushes: number;
  pops: number;
  /** Bytes that SUB takes from RSP. */
  frame: number;
  nops: number;
  gsLoads: number;
  gsStores: number;
  fsLoads: number;
  fsStores: number;
  /** Bytes of the instructions that load by %gs. */
  gsLoadBytes: number;
  /** Those whose address is in the instruction as it is; the others that no register decides are relative to RIP. */
  gsLoadsAbsolute: number;
  gsLoadsRelative: number;
  reloads: ReloadCounts;
  /** %gs and %fs reads by what is read: a symbol or an address, `fs:` before those of %fs. */
  slots: Record<string, number>;
  /** Registers that are pushed before anything else is done with them, by name. */
  saved: string[];
}

/** Loads of what has been loaded before, by what stands between. */
export interface ReloadCounts {
  /** Nothing that may change it on any way from the earlier loads. */
  redundant: number;
  /** Only calls or barriers. */
  barred: number;
  /** Of the redundant ones: those that some other way from the entry reaches first. */
  partial: number;
  /** Loads in a loop that reach themselves unchanged, and no other does; not among the redundant ones. */
  loop: number;
  /** A store that may change it. */
  stored: number;
}

export const noReloads = (): ReloadCounts => ({ redundant: 0, barred: 0, partial: 0, loop: 0, stored: 0 });

export function noMetrics(): Metrics {
  return {
    instructions: 0,
    bytes: 0,
    loads: 0,
    stores: 0,
    branches: 0,
    calls: 0,
    returns: 0,
    locked: 0,
    cmov: 0,
    spills: 0,
    fills: 0,
    pushes: 0,
    pops: 0,
    frame: 0,
    nops: 0,
    gsLoads: 0,
    gsStores: 0,
    fsLoads: 0,
    fsStores: 0,
    gsLoadBytes: 0,
    gsLoadsAbsolute: 0,
    gsLoadsRelative: 0,
    reloads: noReloads(),
    slots: {},
    saved: [],
  };
}

type Counted = Exclude<keyof Metrics, 'reloads' | 'slots' | 'saved'>;

/** The plain numbers, in the order of a table, with their names for people. */
export const COUNTED: readonly (readonly [key: Counted, label: string])[] = [
  ['instructions', 'instructions'],
  ['bytes', 'bytes'],
  ['loads', 'loads'],
  ['stores', 'stores'],
  ['branches', 'branches'],
  ['calls', 'calls'],
  ['returns', 'returns'],
  ['locked', 'atomics'],
  ['cmov', 'cmov'],
  ['spills', 'stack stores'],
  ['fills', 'stack loads'],
  ['pushes', 'pushes'],
  ['pops', 'pops'],
  ['frame', 'stack frame'],
  ['nops', 'no-ops'],
  ['gsLoads', '%gs loads'],
  ['gsStores', '%gs stores'],
  ['fsLoads', '%fs loads'],
  ['fsStores', '%fs stores'],
  ['gsLoadBytes', 'bytes of %gs loads'],
  ['gsLoadsAbsolute', '%gs loads, absolute'],
  ['gsLoadsRelative', '%gs loads, RIP-relative'],
];

/** Adds one function's numbers to a sum. */
export function addMetrics(sum: Metrics, more: Metrics): void {
  for (const [key] of COUNTED) sum[key] += more[key];
  for (const key of Object.keys(sum.reloads) as (keyof ReloadCounts)[]) sum.reloads[key] += more.reloads[key];
  for (const [slot, count] of Object.entries(more.slots)) sum.slots[slot] = (sum.slots[slot] ?? 0) + count;
}
