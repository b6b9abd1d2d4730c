import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guestPath } from '../guests/expected.ts';
import { swapgs } from '../support/cli.ts';

const rounds = guestPath('user/rounds');
const dump = (...args: string[]) => swapgs(['run', ...args, rounds, '10000']);

describe('swapgs run --dump-ir and --dump-wasm', () => {
  it('show what is compiled of a function', () => {
    const { status, stderr } = dump('--dump-ir', 'mix');
    expect(status).toBe(0);
    expect(stderr).toMatch(/^block 0x[0-9a-f]+, \d+ instructions/m);
    expect(stderr).toMatch(/^%\d+ = get\.64 \[place 0x10[0-9a-f]{2}\]$/m);
  });

  it('write modules that a WebAssembly engine takes', () => {
    const dir = mkdtempSync(join(tmpdir(), 'dump-'));
    const { stderr } = dump('--dump-wasm', 'mix', '--dump-dir', dir);
    const files = readdirSync(dir);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      expect(stderr).toContain(file);
      expect(WebAssembly.validate(readFileSync(join(dir, file)))).toBe(true);
    }
  });

  it('say what is wrong in one line', () => {
    const unknown = dump('--dump-ir', 'nowhere');
    expect([unknown.status, unknown.stderr]).toEqual([
      125,
      'swapgs: no such symbol: nowhere: give an address (0x…) or a function of the program\n',
    ]);
    expect(dump('--engine', 'interpreter', '--dump-ir', 'mix').stderr).toBe(
      'swapgs: nothing is compiled that could be shown: --dump-ir, --dump-wasm: use --engine jit\n',
    );
  });
});
