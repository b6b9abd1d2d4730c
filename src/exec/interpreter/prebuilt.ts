import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { buildDispatcher, type Dispatcher } from './build.ts';

/** Root of the compiled sources, or null where they run uncompiled. */
const DIST: string | null = import.meta.url.includes('/dist/')
  ? import.meta.url.slice(0, import.meta.url.lastIndexOf('/dist/') + '/dist/'.length)
  : null;

/** The generated dispatcher, kept with the compiled sources so that a start need not generate it. */
const wasm = (): URL => new URL('dispatch.wasm', DIST!);
const index = (): URL => new URL('dispatch.json', DIST!);
/** The compiler's record of every source's version: a dispatcher made from other sources is not used. */
const buildInfo = (): URL => new URL('.tsbuildinfo', DIST!);

interface Index {
  readonly sources: string;
  readonly imports: readonly string[];
  readonly keys: readonly string[];
}

const digest = (): string => createHash('sha1').update(readFileSync(buildInfo())).digest('hex');

/** The dispatcher as the build left it, or null where there is none for exactly these sources. */
export function loadPrebuilt(): Dispatcher | null {
  if (DIST === null) return null;
  try {
    const { sources, imports, keys } = JSON.parse(readFileSync(index(), 'utf8')) as Index;
    return sources === digest() ? { bytes: readFileSync(wasm()), imports, keys } : null;
  } catch {
    return null;
  }
}

/** Generates the dispatcher and writes it beside the compiled sources: a step of the build. */
export function writePrebuilt(): void {
  const { bytes, imports, keys } = buildDispatcher();
  writeFileSync(wasm(), bytes);
  writeFileSync(index(), JSON.stringify({ sources: digest(), imports, keys } satisfies Index));
}
