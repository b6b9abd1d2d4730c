import { accessSync, constants } from 'node:fs';
import type { OracleCase, OracleResult } from './case.ts';
import { Channel, ChannelClosed, HELPER } from './channel.ts';
import { type CpuidLeaf, featuresOf, LEAVES, vendorOf } from './features.ts';
import {
  ANSWER_HEADER,
  caseBytes,
  KIND_CPUID,
  KIND_RUN,
  lostResult,
  REQUEST_HEADER,
  readResult,
  writeCase,
  writeRequestHeader,
} from './wire.ts';

/** Milliseconds of CPU time; a case that outlives two ticks is a `timeout`. */
const DEFAULT_TICK_MS = 10;
/** Cases and bytes of one request: enough to amortise it, small enough to stay in the cache. */
const BATCH_CASES = 512;
const BATCH_BYTES = 4 << 20;

/**
 * The host CPU as an oracle: code and state in, state out. One helper process serves any number of batches; every case
 * starts from exactly the state it names, whatever ran before it.
 */
export class NativeOracle {
  readonly #tick: number;
  #channel: Channel | undefined;
  #request = new Uint8Array(0);

  /**
   * @param options `tickMs`: a case ends as `timeout` after one to two times this much CPU time, default 10.
   * @throws Error with one line where `available()` names a reason.
   */
  constructor(options: { readonly tickMs?: number } = {}) {
    this.#tick = options.tickMs ?? DEFAULT_TICK_MS;
    this.#channel = new Channel();
  }

  /** Runs each case alone; the results are in the order of the cases. */
  run(cases: readonly OracleCase[]): OracleResult[] {
    const results: OracleResult[] = [];
    let from = 0;
    while (from < cases.length) {
      let bytes = 0;
      let to = from;
      while (to < cases.length && to - from < BATCH_CASES && bytes < BATCH_BYTES) bytes += caseBytes(cases[to++]!);
      this.#runOrSplit(cases.slice(from, to), bytes, results);
      from = to;
    }
    return results;
  }

  /** CPUID of the host, `leaves` as (leaf, subleaf). */
  cpuid(leaves: readonly (readonly [leaf: number, subleaf: number])[]): CpuidLeaf[] {
    const view = this.#prepare(KIND_CPUID, leaves.length, 8 * leaves.length);
    leaves.forEach(([leaf, subleaf], i) => {
      view.setUint32(REQUEST_HEADER + 8 * i, leaf, true);
      view.setUint32(REQUEST_HEADER + 8 * i + 4, subleaf, true);
    });
    const answers: CpuidLeaf[] = [];
    this.#exchange(view, leaves.length, (answer, records) => {
      for (let i = 0; i < records; i++) {
        const at = (n: number): number => answer.getUint32(16 * i + 4 * n, true);
        answers.push({ eax: at(0), ebx: at(1), ecx: at(2), edx: at(3) });
      }
    });
    return answers;
  }

  /** The low half of the host's XCR0. */
  get xcr0(): number {
    return this.#open().xcr0;
  }

  /** The helper's process, or null while there is none: whoever waits for it in vain may end it. */
  get helperPid(): number | null {
    return this.#channel?.pid ?? null;
  }

  /** Ends the helper process. A later `run` starts another. */
  close(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }

  #open(): Channel {
    this.#channel ??= new Channel();
    return this.#channel;
  }

  /** When the helper dies of a batch, its halves find the case that did it. */
  #runOrSplit(cases: readonly OracleCase[], bytes: number, results: OracleResult[]): void {
    const before = results.length;
    try {
      this.#runBatch(cases, bytes, results);
    } catch (error) {
      if (!(error instanceof ChannelClosed)) throw error;
      this.close();
      results.length = before;
      if (cases.length === 1) {
        results.push(lostResult());
        return;
      }
      const half = cases.length >> 1;
      for (const part of [cases.slice(0, half), cases.slice(half)]) {
        this.#runOrSplit(
          part,
          part.reduce((sum, c) => sum + caseBytes(c), 0),
          results,
        );
      }
    }
  }

  #runBatch(cases: readonly OracleCase[], bytes: number, results: OracleResult[]): void {
    const view = this.#prepare(KIND_RUN, cases.length, bytes);
    let at = REQUEST_HEADER;
    for (const c of cases) at = writeCase(this.#request, view, at, c);
    this.#exchange(view, cases.length, (answer, records) => {
      let from = 0;
      for (let i = 0; i < records; i++) {
        const [result, next] = readResult(answer, from);
        results.push(result);
        from = next;
      }
    });
  }

  /** A zeroed request buffer with its header written. */
  #prepare(kind: number, count: number, bytes: number): DataView {
    const length = REQUEST_HEADER + bytes;
    if (this.#request.length < length) this.#request = new Uint8Array(2 * length);
    else this.#request.fill(0, 0, length);
    const view = new DataView(this.#request.buffer, 0, length);
    writeRequestHeader(view, kind, count, bytes, this.#tick);
    return view;
  }

  /** Sends the request and hands over each part of the answer. */
  #exchange(request: DataView, count: number, take: (answer: DataView, records: number) => void): void {
    const channel = this.#open();
    channel.write(this.#request.subarray(0, request.byteLength));
    const header = new Uint8Array(ANSWER_HEADER);
    const headerView = new DataView(header.buffer);
    for (let left = count; left > 0; ) {
      channel.read(header);
      const answer = new Uint8Array(headerView.getUint32(0, true));
      channel.read(answer);
      const records = headerView.getUint32(4, true);
      take(new DataView(answer.buffer), records);
      left -= records;
    }
  }
}

let reason: string | null | undefined;

/** Null where the native oracle runs, else one line that says why not. */
export function available(): string | null {
  if (reason === undefined) reason = probe();
  return reason;
}

function probe(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the native oracle needs x86-64 Linux';
  try {
    accessSync(HELPER, constants.X_OK);
  } catch {
    return 'the native oracle needs guest/oracle/oracle: run scripts/build-guest.sh';
  }
  try {
    new Channel().close();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

let host: { readonly vendor: string; readonly features: ReadonlySet<string> } | undefined;

function examineHost(): typeof host & object {
  if (!host) {
    const oracle = new NativeOracle();
    const leaves = oracle.cpuid(LEAVES);
    host = { vendor: vendorOf(leaves[0]!), features: featuresOf(leaves, oracle.xcr0) };
    oracle.close();
  }
  return host;
}

/** The host CPU's vendor string, for instance «GenuineIntel» or «AuthenticAMD». @throws Error where not available */
export function hostVendor(): string {
  return examineHost().vendor;
}

/** What the host CPU offers to user code, by the names of iced's `CpuidFeature`. @throws Error where not available */
export function hostFeatures(): ReadonlySet<string> {
  return examineHost().features;
}
