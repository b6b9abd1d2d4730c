import { existsSync, readFileSync } from 'node:fs';
import type { Build } from '../../src/codegen/build.ts';
import { type CompareOptions, type Comparison, compare, type FunctionDiff } from '../../src/codegen/compare.ts';
import { type OpenOptions, openBuild } from '../../src/codegen/inputs/open.ts';
import { type ByteSource, memorySource } from '../../src/elf/source.ts';

/** A build from a file on disk. */
export const buildOf = (path: string, options: OpenOptions = {}): Build =>
  openBuild(path, memorySource(readFileSync(path)), { openFile, ...options });

/** Opens what debug information names. */
export const openFile = (path: string): ByteSource | null =>
  existsSync(path) ? memorySource(readFileSync(path)) : null;

/** A build from text: a listing, or hexadecimal digits. */
export const buildOfText = (text: string, options: OpenOptions = {}): Build =>
  openBuild('text', memorySource(Buffer.from(text)), options);

export const compareFiles = (old: string, fresh: string, options: CompareOptions = {}): Comparison =>
  compare(buildOf(old), buildOf(fresh), options);

/** The row of one function. */
export function diffOf(comparison: Comparison, name: string): FunctionDiff {
  const found = comparison.functions.find((diff) => diff.name === name);
  if (found === undefined) throw new Error(`no function ${name}`);
  return found;
}
