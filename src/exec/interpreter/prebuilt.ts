import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { LinkUnit } from '../wasm/link.ts';
import { buildHandlers, type Handlers } from './build.ts';

/** Root of the compiled sources, or null where they run uncompiled. */
const DIST: string | null = import.meta.url.includes('/dist/')
  ? import.meta.url.slice(0, import.meta.url.lastIndexOf('/dist/') + '/dist/'.length)
  : null;

/** The generated modules, kept with the compiled sources so that a start need not generate them. */
const file = (name: string): URL => new URL(`handlers/${name}`, DIST!);
/** The compiler's record of every source's version: handlers made from other sources are not used. */
const buildInfo = (): URL => new URL('.tsbuildinfo', DIST!);

/**
 * The dispatcher is optimized after some 20,000 instructions, which takes 0.1 s: V8 counts most of its code at each turn of its loop.
 */
const DISPATCHER_BUDGET = 200_000_000;

const MODULES = ['runtime', 'dispatcher', 'common'] as const;
type ModuleName = (typeof MODULES)[number];

interface Index {
  readonly sources: number;
  readonly imports: Readonly<Record<ModuleName, readonly string[]>>;
  readonly inline: readonly string[];
  readonly outOfLine: readonly string[];
}

/** Digest of the sources that the joined file was made of; the compiled sources alone have none. */
declare const SOURCES: number | undefined;

/** FNV-1a of the record of versions, 32 bits: loading a module of cryptography takes longer than this. */
function digest(): number {
  if (typeof SOURCES !== 'undefined') return SOURCES;
  let hash = 0x811c9dc5;
  for (const byte of readFileSync(buildInfo())) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** The handlers as the build left them, or null where there are none for exactly these sources. */
export function loadPrebuilt(): Handlers | null {
  if (DIST === null) return null;
  try {
    const index = JSON.parse(readFileSync(file('index.json'), 'utf8')) as Index;
    if (index.sources !== digest()) return null;
    const unit = (name: ModuleName): LinkUnit => ({
      bytes: readFileSync(file(`${name}.wasm`)),
      imports: index.imports[name],
      ...(name === 'dispatcher' ? { budget: DISPATCHER_BUDGET } : {}),
    });
    const { inline, outOfLine } = index;
    return { runtime: unit('runtime'), dispatcher: unit('dispatcher'), common: unit('common'), inline, outOfLine };
  } catch {
    return null;
  }
}

/** Generates the handlers and writes them beside the compiled sources: a step of the build. */
export function writePrebuilt(): void {
  const handlers = buildHandlers();
  const { inline, outOfLine } = handlers;
  mkdirSync(file(''), { recursive: true });
  for (const name of MODULES) writeFileSync(file(`${name}.wasm`), handlers[name].bytes);
  const imports = {
    runtime: handlers.runtime.imports,
    dispatcher: handlers.dispatcher.imports,
    common: handlers.common.imports,
  };
  const index: Index = { sources: digest(), imports, inline, outOfLine };
  writeFileSync(file('index.json'), JSON.stringify(index));
}
