import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectedRuns, guestPath } from './expected.ts';

const onLinux = process.platform === 'linux' && process.arch === 'x64';
const script = guestPath('../scripts/build-guest.sh');
const sources = (part: string, ending: string): string[] =>
  readdirSync(guestPath(part)).filter((name) => name.endsWith(ending));

describe.skipIf(!onLinux)('the committed guests on the host', () => {
  const quick = expectedRuns().filter((r) => !(r.guest.startsWith('bench/') && r.args.length === 0));
  it.each(quick.map((r) => [`${r.guest} ${r.args.join(' ')}`, r] as const))('%s', (_, run) => {
    const folder = mkdtempSync(join(tmpdir(), 'guest-'));
    const args = run.args.map((a) => a.replace('{folder}', folder));
    const done = spawnSync(guestPath(run.guest), args, { encoding: 'utf8', env: run.env ?? {} });
    rmSync(folder, { recursive: true });
    expect(done.stdout).toBe(run.stdout);
    expect(done.signal ?? done.status).toBe(run.signal ?? run.status);
  });
});

/** The lines that `build-guest.sh versions` prints, empty where a tool is missing. */
function versions(): string {
  try {
    return execFileSync(script, ['versions'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

const sameTools = onLinux && versions() === readFileSync(guestPath('versions.txt'), 'utf8');

it.skipIf(!sameTools)('rebuilds to the same bytes with the same tools', { timeout: 120_000 }, () => {
  const out = mkdtempSync(join(tmpdir(), 'guest-'));
  execFileSync(script, ['--out', out], { stdio: 'ignore' });
  for (const part of ['oracle', 'bench', 'user', 'bare', 'kernel', 'vdso']) {
    const built = readdirSync(join(out, part));
    expect(built.length).toBeGreaterThan(0);
    for (const name of built) {
      const same = readFileSync(join(out, part, name)).equals(readFileSync(guestPath(`${part}/${name}`)));
      expect(same, `${part}/${name}`).toBe(true);
    }
  }
  rmSync(out, { recursive: true });
});

it('has a line in guest/README.md for every source', () => {
  const readme = readFileSync(guestPath('README.md'), 'utf8');
  const rows = [
    ...sources('bench', '.c'),
    ...sources('user', '.c'),
    ...sources('user', '.rs'),
    ...sources('bare', '.asm'),
    ...sources('kernel', '.asm'),
  ];
  for (const name of rows) expect(readme).toContain(`\`${name}\``);
});
