import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { buildDispatcher, type Dispatcher } from './build.ts';

/** The generated dispatcher, kept beside the compiled sources so that a start need not generate it. */
const WASM = new URL('dispatch.wasm', import.meta.url);
const INDEX = new URL('dispatch.json', import.meta.url);
/** The compiler's record of every source's version: a dispatcher made from other sources is not used. */
const BUILD_INFO = new URL('../../.tsbuildinfo', import.meta.url);

interface Index {
  readonly sources: string;
  readonly imports: readonly string[];
  readonly keys: readonly string[];
}

const digest = (): string => createHash('sha1').update(readFileSync(BUILD_INFO)).digest('hex');

/** The dispatcher as the build left it, or null where there is none for exactly these sources. */
export function loadPrebuilt(): Dispatcher | null {
  try {
    const index = JSON.parse(readFileSync(INDEX, 'utf8')) as Index;
    if (index.sources !== digest()) return null;
    return { bytes: readFileSync(WASM), imports: index.imports, keys: index.keys };
  } catch {
    return null;
  }
}

/** Generates the dispatcher and writes it beside the compiled sources: a step of the build. */
export function writePrebuilt(): void {
  const { bytes, imports, keys } = buildDispatcher();
  writeFileSync(WASM, bytes);
  writeFileSync(INDEX, JSON.stringify({ sources: digest(), imports, keys } satisfies Index));
}
