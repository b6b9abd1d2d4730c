import { Worker } from 'node:worker_threads';
import type { ChunkResult } from './campaign.ts';
import { MOST_INPUTS } from './limits.ts';
import type { Answer, Ready, Refusal, Request, WorkerSetup } from './protocol.ts';
import type { FuzzCase } from './steps.ts';

/** A thread that says nothing for so long hangs: a chunk takes less than a second, a start some, many findings at once a minute. */
const PATIENCE_MS = 120_000;

/** A batch of sequences, with what comes of them, is garbage before the next one: little of it should be moved before that. */
const YOUNG_GENERATION_MB = 192;

/** A thread could not be started: one line for the user. */
export class PoolError extends Error {
  override readonly name = 'PoolError';
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.what);
    this.refusal = refusal;
  }
}

/** What came of a request: a result, or why the thread gave none. */
export type Outcome = { readonly result: ChunkResult } | { readonly lost: string };

/** One thread and what it has been asked. */
class Thread {
  readonly #worker: Worker;
  #waiting: ((answer: Answer) => void) | null = null;
  #early: Answer | null = null;
  #helper: number | null = null;
  readonly #patience: number;

  constructor(script: URL, setup: WorkerSetup, patience: number) {
    this.#patience = patience;
    this.#worker = new Worker(script, {
      workerData: setup,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.#worker.on('message', (answer: Answer) => this.#arrive(answer));
    this.#worker.on('error', (error) => this.#arrive({ kind: 'broken', message: error.message }));
    this.#worker.on('exit', () => this.#arrive({ kind: 'broken', message: 'its thread ended' }));
  }

  #arrive(answer: Answer): void {
    if (answer.kind === 'ready' || answer.kind === 'done') this.#helper = answer.helper;
    const take = this.#waiting;
    this.#waiting = null;
    if (take !== null) take(answer);
    else this.#early ??= answer;
  }

  /** The next answer. */
  next(): Promise<Answer> {
    if (this.#early !== null) {
      const answer = this.#early;
      this.#early = null;
      return Promise.resolve(answer);
    }
    return new Promise((resolve) => {
      let timer = setTimeout(() => {
        // A thread that waits for its helper in vain goes on with another one when that is gone.
        this.#endHelper();
        const message = `no answer for ${Math.round((2 * this.#patience) / 1000)} seconds`;
        timer = setTimeout(() => this.#arrive({ kind: 'broken', message }), this.#patience);
      }, this.#patience);
      this.#waiting = (answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
    });
  }

  #endHelper(): void {
    if (this.#helper === null) return;
    try {
      process.kill(this.#helper, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
    this.#helper = null;
  }

  post(request: Request): void {
    this.#worker.postMessage(request);
  }

  async end(): Promise<void> {
    this.#worker.removeAllListeners('exit');
    this.#endHelper();
    await this.#worker.terminate();
  }
}

/** Threads that share runs among them. One that breaks is replaced; what it was doing is reported as lost. */
export class Pool {
  readonly ready: Ready;
  readonly #script: URL;
  readonly #setup: WorkerSetup;
  readonly #patience: number;
  readonly #threads: Thread[];
  /** What has been learnt so far, for a thread that comes later: of the inputs those that it would still hold. */
  readonly #learnt = { inputs: [] as FuzzCase[], forgotten: 0, features: [] as number[], reported: [] as string[] };

  private constructor(script: URL, setup: WorkerSetup, patience: number, threads: Thread[], ready: Ready) {
    this.#patience = patience;
    this.#script = script;
    this.#setup = setup;
    this.#threads = threads;
    this.ready = ready;
  }

  /**
   * @param script the compiled `worker.js`
   * @param patience milliseconds after which a thread that says nothing loses its helper, and then its life
   * @throws PoolError where the options or the host do not allow it
   */
  static async start(script: URL, setup: WorkerSetup, jobs: number, patience = PATIENCE_MS): Promise<Pool> {
    const first = new Thread(script, setup, patience);
    const answer = await first.next();
    if (answer.kind !== 'ready') {
      await first.end();
      if (answer.kind === 'refused') throw new PoolError(answer);
      const what = answer.kind === 'broken' ? answer.message : 'an answer that nobody asked for';
      throw new PoolError({ kind: 'refused', what, where: 'a thread that runs sequences', mend: '' });
    }
    const settled = { ...setup, oracles: answer.oracles };
    const others = Array.from({ length: jobs - 1 }, () => new Thread(script, settled, patience));
    await Promise.all(others.map((thread) => thread.next()));
    return new Pool(script, settled, patience, [first, ...others], answer);
  }

  /** Answers every request, each by the thread that is free first; none is begun once `stop` says so. */
  async all(requests: readonly Request[], stop: () => boolean): Promise<(Outcome | null)[]> {
    const outcomes = new Array<Outcome | null>(requests.length).fill(null);
    let next = 0;
    const serve = async (slot: number): Promise<void> => {
      while (next < requests.length && !stop()) {
        const index = next++;
        const thread = this.#threads[slot]!;
        thread.post(requests[index]!);
        const answer = await thread.next();
        if (answer.kind === 'done') outcomes[index] = { result: answer.result };
        else {
          outcomes[index] = { lost: answer.kind === 'broken' ? answer.message : answer.kind };
          await this.#replace(slot);
        }
      }
    };
    await Promise.all(this.#threads.map((_, slot) => serve(slot)));
    return outcomes;
  }

  async #replace(slot: number): Promise<void> {
    await this.#threads[slot]!.end();
    const thread = new Thread(this.#script, this.#setup, this.#patience);
    await thread.next();
    const { inputs, forgotten, features, reported } = this.#learnt;
    thread.post({ kind: 'learn', forgotten, corpus: inputs, features, reported });
    this.#threads[slot] = thread;
  }

  /** Tells every thread what the round has brought. */
  learn(lesson: Extract<Request, { kind: 'learn' }>): void {
    const { inputs, features, reported } = this.#learnt;
    for (const input of lesson.corpus) inputs.push(input);
    const over = inputs.splice(0, Math.max(0, inputs.length - MOST_INPUTS));
    this.#learnt.forgotten += over.length;
    for (const feature of lesson.features) features.push(feature);
    for (const key of lesson.reported) reported.push(key);
    for (const thread of this.#threads) thread.post(lesson);
  }

  async end(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }
}
