import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../bin/swapgs.js', import.meta.url));
const built = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface CliRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Longer than any of these commands takes; one that hangs fails its test. */
const PATIENCE_MS = 60_000;

/** Runs the built command line. */
export function swapgs(args: readonly string[], options: SpawnSyncOptions = {}): CliRun {
  if (!existsSync(built)) throw new Error('dist/cli/main.js is not there: npm run build');
  const done = spawnSync(process.execPath, [bin, ...args], {
    encoding: 'utf8',
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
    input: '',
    maxBuffer: 1 << 28,
    ...options,
  });
  if (done.error) throw done.error;
  return { status: done.status, stdout: String(done.stdout), stderr: String(done.stderr) };
}

/** What every error of swapgs looks like: one line, no stack. */
export const ONE_LINE = /^swapgs: [^\n]+\n$/;
