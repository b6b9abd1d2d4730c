import type { InsnStream } from '../decode/stream.ts';
import { RIP_REGISTER } from '../decode/stream.ts';
import { disassemble } from '../decode/text.ts';

import type { CodeFunction } from './build.ts';
import { insnAt } from './cfg.ts';
import { hexSigned, slotAddress } from './count.ts';
import { isConstantAddress, placeKey, placeText, type Reference } from './references.ts';

/** Steps of making two builds comparable; each can be left out. */
export const STEPS = ['padding', 'fentry', 'retpoline', 'endbr', 'encoding', 'jump-labels', 'alternatives'] as const;
export type Step = (typeof STEPS)[number];

/** One instruction, ready to be compared and shown. */
export interface Line {
  /** Offset in the function. */
  readonly at: number;
  readonly bytes: Uint8Array;
  /** For people: names instead of addresses, `+266` for a place in the function. */
  readonly text: string;
  /** For comparison: what it does, whatever the encoding and wherever things lie. */
  readonly key: string;
  /** The bytes without the fields that refer elsewhere, as hexadecimal digits. */
  readonly encoded: string;
  /** Number of the line that a branch inside the function leads to, else null; -1 where that is none. */
  readonly target: number | null;
  /** The same of every entry of a jump table that it refers to. */
  readonly cases?: readonly number[];
}

const FENTRY = /^call +\*?(?:__fentry__|mcount|_mcount|__gnu_mcount_nc)/;
const THUNK = /^(call|jmp) +__x86_indirect_(?:call_|jump_)?thunk_(?:array\+|nospec_)?(\w+)$/;
const RETURN_THUNK = /^jmp +__x86_return_thunk$/;
const RELATIVE = /(?:-?0x[0-9a-f]+)?\(%rip\)/;
const ABSOLUTE = /(^|[\s,*:])-?0x[0-9a-f]+(?=,|$)/;
const DISPLACED = /-?0x[0-9a-f]+(?=\()/;
const IMMEDIATE = /\$-?0x[0-9a-f]+/;
const LABEL = '\u2198';

/** What the kernel patches at an instruction: as of `PatchSite`. */
interface Site {
  readonly kind: 'jump-label' | 'alternative';
  readonly at: number;
  readonly key: string;
  readonly text: string;
  readonly target: number | null;
}

/** The lines of a function whose instructions `stream` holds, after the steps that are wanted; `sites` ascending. */
export function linesOf(
  fn: CodeFunction,
  stream: InsnStream,
  references: readonly Reference[],
  steps: ReadonlySet<Step>,
  sites: readonly Site[],
): Line[] {
  const lines: Line[] = [];
  const lineOf = new Int32Array(stream.count + 1);
  const targets: number[] = [];
  const tables = new Map<Line, readonly number[]>();
  let next = 0;
  let site = 0;
  for (let n = 0; n < stream.count; n++) {
    lineOf[n] = lines.length;
    const own: Reference[] = [];
    while (next < references.length && references[next]!.insn <= n) {
      if (references[next]!.insn === n) own.push(references[next]!);
      next++;
    }
    const patched: Site[] = [];
    while (site < sites.length && sites[site]!.at <= stream.at[n]!) {
      const here = sites[site++]!;
      if (here.at === stream.at[n]! && steps.has(here.kind === 'jump-label' ? 'jump-labels' : 'alternatives')) {
        patched.push(here);
      }
    }
    const { line, target } = withSites(lineAt(fn, stream, n, own, steps), stream, n, patched);
    if (line === null) continue;
    targets.push(target);
    lines.push(line);
    const table = own.find(({ place }) => place.table !== undefined)?.place.table;
    if (table !== undefined) tables.set(line, table);
  }
  lineOf[stream.count] = lines.length;
  const lineAtOffset = (offset: number): number => lineOf[insnAt(stream, offset)] ?? -1;
  return lines.map((line, i) => {
    const table = tables.get(line);
    if (table !== undefined) return { ...line, cases: table.map(lineAtOffset) };
    return targets[i]! < 0 ? line : { ...line, target: lineOf[targets[i]!]! };
  });
}

/** A line as the tables of patched code tell it: a static branch whichever way it stands now, code with what may take its place. */
function withSites(
  made: { readonly line: Line | null; readonly target: number },
  stream: InsnStream,
  n: number,
  sites: readonly Site[],
): { readonly line: Line | null; readonly target: number } {
  let { line, target } = made;
  for (const site of sites) {
    const at = stream.at[n]!;
    const bytes = stream.bytes.slice(at, at + stream.length[n]!);
    const { mnemonic } = stream.traits[n]!;
    const text = `${line?.text ?? mnemonic.padEnd(6)} ; ${site.text}`;
    const encoded = line?.encoded ?? Buffer.from(bytes).toString('hex');
    if (site.kind === 'jump-label') {
      line = { at, bytes, text, key: site.key, encoded, target: null };
      target = site.target === null ? -1 : insnAt(stream, site.target);
    } else {
      line = { at, bytes, text, key: `${line?.key ?? ''} ; ${site.key}`, encoded, target: null };
    }
  }
  return { line, target };
}

function lineAt(
  fn: CodeFunction,
  stream: InsnStream,
  n: number,
  references: readonly Reference[],
  steps: ReadonlySet<Step>,
): { readonly line: Line | null; readonly target: number } {
  const at = stream.at[n]!;
  const bytes = stream.bytes.slice(at, at + stream.length[n]!);
  const traits = stream.traits[n]!;
  const none = { line: null, target: -1 };
  if (steps.has('padding') && (traits.mnemonic === 'nop' || traits.mnemonic === 'int3')) return none;
  if (steps.has('endbr') && traits.mnemonic === 'endbr64') return none;
  const raw = disassemble(bytes, BigInt.asUintN(64, BigInt(fn.address + at))).text;
  const inner = stream.target[n]!;
  const branch = references.find(({ field }) => field === 'branch');
  if (!Number.isNaN(inner) && branch === undefined) {
    const mnemonic = raw.split(' ', 1)[0]!;
    const to = insnAt(stream, inner);
    const text = `${mnemonic.padEnd(6)} +${inner}`;
    const short = steps.has('encoding') ? '' : `/${traits.immediate}`;
    const line = {
      at,
      bytes,
      text,
      key: `${mnemonic}${short} ${LABEL}`,
      encoded: branchBytes(bytes, traits.immediate),
      target: null,
    };
    return { line, target: to };
  }
  let key = raw;
  let text = raw;
  if (branch !== undefined) {
    const mnemonic = raw.split(' ', 1)[0]!;
    const { place } = branch;
    const address = raw.replace(/^\S+ +/, '');
    const shown = place.symbol === fn.name ? `+${place.offset}` : place.symbol === null ? address : placeText(place);
    key = `${mnemonic.padEnd(6)} ${placeKey(place)}`;
    text = `${mnemonic.padEnd(6)} ${shown}`;
  }
  const memory = references.find(({ field }) => field === 'memory');
  if (traits.memory >= 0) ({ key, text } = withPlace(fn, stream, n, memory, key, text, steps));
  const immediate = references.find(({ field }) => field === 'immediate');
  if (immediate !== undefined) {
    const name = immediate.own === null ? placeKey(immediate.place) : `.+${immediate.own}`;
    key = key.replace(IMMEDIATE, () => `$${name}`);
    text = text.replace(IMMEDIATE, () => `$${placeText(immediate.place)}`);
  }
  if (steps.has('fentry') && FENTRY.test(key)) return none;
  if (steps.has('retpoline')) {
    key = key.replace(THUNK, (_, how, register) => `${how.padEnd(6)} *%${register}`).replace(RETURN_THUNK, 'ret');
  }
  const masked = bytes.slice();
  for (const reference of references)
    masked.fill(0, Math.max(0, reference.at - at), reference.at - at + reference.size);
  const encoded = Buffer.from(masked).toString('hex');
  if (!steps.has('encoding')) key = `${key} ${encoded}`;
  return { line: { at, bytes, text, key, encoded, target: null }, target: -1 };
}

/** The bytes of a branch in the function, its displacement left out. */
function branchBytes(bytes: Uint8Array, displacement: number): string {
  return `${Buffer.from(bytes.subarray(0, bytes.length - displacement)).toString('hex')}/${displacement}`;
}

/** Puts the name of what a memory operand means where the text has its address. */
function withPlace(
  fn: CodeFunction,
  stream: InsnStream,
  n: number,
  reference: Reference | undefined,
  key: string,
  text: string,
  steps: ReadonlySet<Step>,
): { readonly key: string; readonly text: string } {
  if (!isConstantAddress(stream, n)) {
    if (reference === undefined) return { key, text };
    const name = reference.own === null ? placeKey(reference.place) : `.+${reference.own}`;
    return {
      key: key.replace(DISPLACED, () => name),
      text: text.replace(DISPLACED, () => placeText(reference.place)),
    };
  }
  const segment = stream.segment[n] !== 0;
  let name: string | null = null;
  let shown: string | null = null;
  if (reference !== undefined) {
    name = reference.own === null ? placeKey(reference.place) : `.+${reference.own}`;
    shown = placeText(reference.place);
  } else if (segment) {
    const address = slotAddress(fn, stream, n);
    name = fn.unit.slotName(address) ?? hexSigned(address);
    shown = name;
  }
  if (name === null || shown === null) return { key, text };
  const relative = stream.base[n] === RIP_REGISTER;
  const pattern = relative ? RELATIVE : ABSOLUTE;
  const lead = relative ? '' : '$1';
  const put = (into: string, what: string): string =>
    into.replace(pattern, (_, before) => `${lead === '' ? '' : before}${what}`);
  const suffix = steps.has('encoding') || !relative ? '' : '(%rip)';
  return { key: put(key, name + suffix), text: put(text, shown + (relative ? '(%rip)' : '')) };
}
