import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Progress and complaints go to stderr; stdout is the result's. */
export const say = (line) => process.stderr.write(`bench: ${line}\n`);

export function fail(line) {
  say(line);
  process.exit(2);
}

let folder;

/** A folder of this process for inputs and drivers, removed when it ends. */
export function scratch() {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'swapgs-bench-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
  return folder;
}

/** Waits for a child's end; a signal that ends this process in the meantime ends the child too. */
export async function whileRunning(child, end) {
  const stop = (signal) => {
    child.kill('SIGKILL');
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
  try {
    return await end;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, stop);
  }
}
