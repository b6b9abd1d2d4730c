import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { hasCompiler } from '../support/compile.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = `${root}.cache/sources`;
const PACKAGES = ['bzip2', 'jansson'];

/** `npm run real-functions -- --packages bzip2,jansson --fetch` brings them. */
const fetched =
  existsSync(SOURCES) &&
  PACKAGES.every((name) =>
    readdirSync(SOURCES, { withFileTypes: true }).some((entry) => entry.isDirectory() && entry.name.startsWith(name)),
  );

interface Row {
  readonly new: string;
  readonly equal: number;
  readonly inconclusive: readonly unknown[];
}

it.skipIf(!fetched || !hasCompiler('gcc') || !hasCompiler('clang'))(
  'functions of Debian packages do the same as gcc -Os and clang -O2 compile them',
  () => {
    const args = ['--packages', PACKAGES.join(), '--builds', 'gcc-O2,gcc-Os,clang-O2', '--inputs', '15', '--json'];
    const done = spawnSync('node', ['scripts/codegen/real.js', ...args], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    const { rows, unexplained } = JSON.parse(done.stdout) as { rows: readonly Row[]; unexplained: readonly unknown[] };
    expect(unexplained).toEqual([]);
    expect(done.status).toBe(0);
    for (const row of rows) {
      expect(row.equal, row.new).toBeGreaterThan(25);
      expect(row.inconclusive.length, row.new).toBeLessThan(row.equal / 5);
    }
  },
);
