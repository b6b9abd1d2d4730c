import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, scratch } from './base.js';

const source = join(root, 'scripts/unicorn/run.c');

/**
 * Builds the driver that runs a program under Unicorn 2.
 * @param folder of a Unicorn of one's own: `include/` and `lib/libunicorn.so.2`; without it pkg-config's is taken
 * @returns `{ driver }`, or `{ missing }`: why there is none
 */
export function buildUnicorn(folder) {
  const flags = folder ? flagsOf(folder) : packageFlags();
  if (typeof flags === 'string') return { missing: flags };
  const driver = join(scratch(), 'unicorn-run');
  const { error, status, stderr } = spawnSync('gcc', ['-O2', '-o', driver, source, ...flags], { encoding: 'utf8' });
  if (error) return { missing: 'there is no gcc' };
  if (status !== 0) return { missing: `gcc: ${stderr.trim().split('\n')[0]}` };
  return { driver };
}

function flagsOf(folder) {
  const library = join(folder, 'lib/libunicorn.so.2');
  if (!existsSync(library)) return `there is no ${library}`;
  return ['-I', join(folder, 'include'), library, `-Wl,-rpath,${join(folder, 'lib')}`];
}

function packageFlags() {
  const { error, status, stdout } = spawnSync('pkg-config', ['--cflags', '--libs', 'unicorn'], { encoding: 'utf8' });
  if (error) return 'there is no pkg-config';
  if (status !== 0) return 'there is no Unicorn 2; on Debian: apt-get install libunicorn-dev';
  return stdout.trim().split(/\s+/).filter(Boolean);
}
