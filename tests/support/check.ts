import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { parseHexBytes } from '../../src/bits/hex.ts';
import { decode } from '../../src/decode/decode.ts';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { available, hostVendor } from '../../src/oracle/native.ts';
import { differing, memoryAfter, runOnEngine, runOnHost } from './line-run.ts';
import { caseOf, expectation, type LineResult, type LineState, openFlags } from './line-state.ts';
import { lackingFeatures, textOf } from './line-text.ts';

export { CODE_AT, data, type LineResult, type LineState, STACK } from './line-state.ts';

/** Names of registers and flags. */
type Name = Exclude<keyof LineState, `${string}[${string}` | 'flags'> & string;

export interface LineOptions {
  /** What the manual leaves open and an AMD CPU decides otherwise: only an Intel host is held to it. */
  readonly open?: { readonly because: string; readonly names: readonly Name[] | 'all' };
  /** It depends on more than the CPU (identity, time, privilege), as this says: no host is asked. */
  readonly machine?: string;
  /** Privilege level; 0 is for the engines only. */
  readonly cpl?: 0;
}

/** Options of a line whose result the manual leaves open in these registers and flags, or as a whole. */
export function open(because: string, ...names: readonly Name[]): LineOptions {
  return { open: { because, names: names.length === 0 ? 'all' : names } };
}

const tested = new Set<string>();

function note(code: Uint8Array): void {
  for (let at = 0; at < code.length; ) {
    const insn = decode(code.subarray(at));
    if (typeof insn === 'string') return;
    tested.add(insn.mnemonic);
    at += insn.length;
  }
}

const absent = available();

/** Whether the host can judge the line, and what of it. */
function hostJudges(options: LineOptions): false | { readonly except: readonly string[] } {
  if (absent !== null || options.machine !== undefined || options.cpl === 0) return false;
  if (options.open === undefined || hostVendor() === 'GenuineIntel') return { except: [] };
  return options.open.names === 'all' ? false : { except: options.open.names };
}

/**
 * One line of test: bytes, their text, and a state before and what of it changes. Runs on the decoder, on every engine, and on
 * the host CPU where there is one. Registers that `before` does not name hold arbitrary values; arithmetic flags that it
 * does not name are all clear in one run and all set in another, so a flag that the result does not name is one that stays.
 * Memory is that of the oracle: two pages of data, zero but for what `before` says, with RSP in the middle of the second.
 */
export function check(
  bytes: string,
  text: string,
  [before, after]: [LineState, LineResult],
  options: LineOptions = {},
): void {
  const code = parseHexBytes(bytes);
  note(code);
  const ending = after.fault ?? after.ends ?? 'normal';
  describe(`${bytes}: ${text}`, () => {
    test('reads so', () => expect(textOf(code)).toBe(text));
    const backgrounds = openFlags(before).length === 0 ? ([0] as const) : ([0, 1] as const);
    const cases = backgrounds.map((background) => caseOf(code, before, background));
    for (const engine of ENGINE_NAMES)
      test(engine, () => {
        for (const c of cases) {
          const is = runOnEngine(engine, c, before, options.cpl ?? 3);
          const { facts, patches } = expectation(is.start, after, code.length);
          expect({ ending: is.ending, ...differing(is, { facts, memory: memoryAfter(c, patches) }) }).toEqual({
            ending,
          });
        }
      });
    const judged = hostJudges(options);
    if (judged === false) return;
    test('host CPU', ({ skip }) => {
      const lacking = lackingFeatures(code);
      if (lacking.length > 0) skip(`the host CPU lacks ${lacking.join(', ')}`);
      for (const c of cases) {
        const { start } = runOnEngine('reference', c, before, 3);
        const { facts, patches } = expectation(start, after, code.length);
        const is = runOnHost(c);
        for (const name of judged.except) is.facts.delete(name);
        expect({ ending: is.ending, ...differing(is, { facts, memory: memoryAfter(c, patches) }) }).toEqual({ ending });
      }
    });
  });
}

const isVexForm = (mnemonic: string): boolean => mnemonic.startsWith('v') && !/^ver[rw]$/.test(mnemonic);

/** Asserts that the lines above name every mnemonic of AVX and its kin. To be called at the end of a file. */
export function everyVexMnemonic(): void {
  test('every mnemonic of a VEX form has a line', async () => {
    const { definedMnemonics } = await import('../../src/semantics/define.ts');
    await import('../../src/semantics/index.ts');
    expect(definedMnemonics().filter((mnemonic) => isVexForm(mnemonic) && !tested.has(mnemonic))).toEqual([]);
  });
}

/**
 * Asserts that the lines above name every mnemonic that `src/semantics/FILE.ts` defines; those of VEX forms have lines of their own
 * in `tests/semantics/avx`. To be called at the end of a file.
 */
export function everyMnemonicOf(file: string): void {
  test(`every mnemonic of ${file}.ts has a line`, async () => {
    vi.resetModules();
    const { definedMnemonics } = await import('../../src/semantics/define.ts');
    await import(/* @vite-ignore */ fileURLToPath(new URL(`../../src/semantics/${file}.ts`, import.meta.url)));
    const defined = definedMnemonics().filter((mnemonic) => !isVexForm(mnemonic));
    expect(defined.length).toBeGreaterThan(0);
    expect(defined.filter((mnemonic) => !tested.has(mnemonic))).toEqual([]);
  });
}
