import { Pool, PoolError } from '../../fuzz/pool.ts';
import type { WorkerSetup } from '../../fuzz/protocol.ts';
import { CliError } from '../errors.ts';

/** Starts the threads. @throws CliError where the options or the host do not allow it */
export async function startPool(folder: URL, setup: WorkerSetup, jobs: number): Promise<Pool> {
  try {
    return await Pool.start(new URL('dist/fuzz/worker.js', folder), setup, jobs);
  } catch (error) {
    if (!(error instanceof PoolError)) throw error;
    const { what, where, mend } = error.refusal;
    throw new CliError(what, where, mend);
  }
}
