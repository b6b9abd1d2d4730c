import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/bits/random.ts';
import { compare, runChanged } from '../../src/codegen/compare.ts';
import { CodegenError } from '../../src/codegen/error.ts';
import { ElfUnit } from '../../src/codegen/inputs/elf.ts';
import { openBuild } from '../../src/codegen/inputs/open.ts';
import { checkNoinstr } from '../../src/codegen/noinstr/check.ts';
import { jsonReport } from '../../src/codegen/report/json.ts';
import { countSlot } from '../../src/codegen/slot-count.ts';
import { ElfError } from '../../src/elf/error.ts';
import { memorySource } from '../../src/elf/source.ts';
import { hasCompiler, Workshop } from '../support/compile.ts';

// Files as a broken disk or an ill-willed sender would have them: what is read of them is right, or one line says what is wrong.

const workshop = new Workshop();
afterAll(() => workshop.clean());
const CASES = 40;
const SECTION_HEADERS_AT = 0x28;

const SOURCE = `struct s { int a; struct s *next; };
int sum(const struct s *p, int n) { int r = 0; for (; p && n--; p = p->next) r += p->a; return r; }
const char *pick(int n) { switch (n) { case 1: return "x"; case 2: return "yy"; case 3: return "q"; case 4: return "rr"; case 5: return "z"; } return 0; }
__attribute__((section(".noinstr.text"))) int quiet(int (*f)(int), int x) { switch (x) { case 0: return f(1); case 1: return sum(0, 1);
case 2: return 9; case 3: return x * 3; case 4: return 4 - x; case 5: return f(x); } return x; }
int main(void) { return sum(0, 1) + !pick(0) + quiet(0, 3); }`;

/** A bzImage around a payload. */
function image(payload: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(2 * 512 + 64 + payload.length);
  bytes[0x1f1] = 1;
  bytes.write('HdrS', 0x202);
  bytes.writeUInt32LE(64, 0x248);
  bytes.writeUInt32LE(payload.length, 0x24c);
  bytes.set(payload, 2 * 512 + 64);
  return bytes;
}

/** Cuts a file, or changes some of its bytes, those of its headers more often. */
function damage(whole: Uint8Array, random: Random): Uint8Array {
  if (random.below(6) === 0) return whole.subarray(0, random.below(whole.length));
  const bytes = Uint8Array.from(whole);
  const view = new DataView(bytes.buffer);
  for (let n = 1 << random.below(5); n > 0; n--) {
    const headers = view.getUint32(SECTION_HEADERS_AT, true);
    const from = random.below(3) === 0 && headers < bytes.length ? headers : 0;
    const at = from + random.below(random.below(4) === 0 ? Math.min(64, bytes.length - from) : bytes.length - from);
    const filler = [0, 0xff, 0x7f, random.below(256), bytes[at]! ^ (1 << random.below(8))][random.below(5)]!;
    bytes.fill(filler, at, at + 1 + random.below(4));
  }
  return bytes;
}

/** Does all that commands do with a file. */
function useAll(name: string, bytes: Uint8Array, whole: Uint8Array): void {
  const build = openBuild(name, memorySource(bytes));
  countSlot(build, '0x28');
  for (const unit of build.units) if (unit instanceof ElfUnit) checkNoinstr(unit);
  const comparison = compare(openBuild(name, memorySource(whole)), build);
  runChanged(comparison, { inputs: 1, seed: 1 });
  for (const _ of jsonReport(comparison));
}

describe.skipIf(!hasCompiler('gcc'))('damaged files', () => {
  const compile = (flags: readonly string[], link = false): Uint8Array =>
    new Uint8Array(readFileSync(workshop.compile('gcc', SOURCE, ['-O2', ...flags], link)));
  const object = compile(['-g']);
  const FILES: readonly (readonly [name: string, bytes: Uint8Array])[] = [
    ['object', object],
    ['object with type units', compile(['-gdwarf-4', '-fdebug-types-section'])],
    ['object, compressed', compile(['-g', '-gz=zlib'])],
    ['program', compile(['-g'], true)],
    ['bzImage', image(gzipSync(object))],
  ];
  it.each(FILES)('%s: one line, or what can be read', (name, whole) => {
    const random = new Random(7);
    let read = 0;
    for (let n = 0; n < CASES; n++) {
      try {
        useAll(name, damage(whole, random), whole);
        read++;
      } catch (error) {
        if (!(error instanceof ElfError || error instanceof CodegenError)) throw error;
        expect(error.message).not.toMatch(/\n/);
      }
    }
    expect([read > 0, read < CASES]).toEqual([true, true]);
  });
});
