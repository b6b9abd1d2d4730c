import { AssembleError, assemble } from '../../decode/assemble.ts';
import { CodegenError } from '../error.ts';
import type { FlatFunction } from './flat.ts';
import { fromIntelSyntax, isIntelSyntax } from './intel-syntax.ts';
import { type Row, readLine, signedNumber, withoutNotes } from './listing-rows.ts';

/** A disassembly as somebody pasted it. */
export interface Listing {
  readonly functions: readonly FlatFunction[];
  /** Names of addresses that the text tells. */
  readonly names: ReadonlyMap<number, string>;
}

/** The name behind an address: `call 0x401020 <f+32>`, `# 2ac80 <pcpu_hot>`. */
const NAMED_TARGET = /(?:0x|\b)([0-9a-f]+)\s*<(.+?)([+-](?:\d+|0x[0-9a-f]+))?>\s*$/i;
/** objdump writes targets of branches without 0x. */
const BARE_TARGET = /^((?:[a-z0-9]+\s+)*(?:j[a-z]+|call[a-z]*|loop[a-z]*|xbegin)(?:,p[nt])?\s+)(?!0x)([0-9a-f]+)$/i;
const LONGEST_INSN = 15;

/** No-ops of many bytes are written in as many ways as there are disassemblers. */
const NO_OP = /^(?:(?:data16|cs|ds|rex[.wrxb]*)\s+)*nop[wl]?(?:\s|$)/i;
const PADDING = /^(?:(?:data16|cs)\s+)*(?:nop[wl]?\b.*|xchg\s+%?ax, ?%?ax)$/i;
const LONGEST_NO_OP = 9;
/** The bytes of the no-op that the manual recommends for each length (SDM 2, NOP). */
const NO_OPS: readonly (readonly number[])[] = [
  [0x90],
  [0x66, 0x90],
  [0x0f, 0x1f, 0x00],
  [0x0f, 0x1f, 0x40, 0],
  [0x0f, 0x1f, 0x44, 0, 0],
  [0x66, 0x0f, 0x1f, 0x44, 0, 0],
  [0x0f, 0x1f, 0x80, 0, 0, 0, 0],
  [0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
  [0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
];
const OPERAND_SIZE = 0x66;
/** Prefixes to which llvm-objdump gives a line of their own. */
const LONE_PREFIXES: Readonly<Record<string, number>> = { lock: 0xf0, rep: 0xf3, repz: 0xf3, repne: 0xf2, repnz: 0xf2 };

function noOp(length: number): Uint8Array {
  const extra = Math.max(0, length - LONGEST_NO_OP);
  return Uint8Array.from([...new Array<number>(extra).fill(OPERAND_SIZE), ...NO_OPS[length - extra - 1]!]);
}

interface Group {
  name: string | null;
  /** gdb's dump: its rows come as the source has them. */
  readonly dump: boolean;
  /** Pieces of the function that gdb has told of. */
  pieces: number;
  rows: Row[];
}

const signed = (address: bigint): number => Number(BigInt.asIntN(64, address));

/** Whether a text has lines of a disassembly in it. */
export const isListing = (text: string): boolean => text.split(/\r?\n/).some((line) => readLine(line).kind === 'row');

/** Whether a row stands where the one before it ends; without bytes, where it may end. */
function follows(row: Row, before: Row): boolean {
  const distance = Number(row.address - before.address);
  return before.bytes === null ? distance > 0 && distance <= LONGEST_INSN : distance === before.bytes.length;
}

/** Where the function of a row begins, if the row says. */
const startOf = (row: Row): bigint | null => (row.offset === null ? null : row.address - BigInt(row.offset));

/**
 * Reads disassemblies as gdb and objdump print them, in AT&T's syntax or Intel's, quoted or not, among lines of source, with bytes or
 * without: without, each line is encoded in as many bytes as its neighbour's address leaves it.
 * @throws CodegenError naming the line that cannot be read
 */
export function parseListing(text: string): Listing {
  const groups = split(groupsOf(text)).map(withoutPadding);
  const names = new Map<number, string>();
  const functions = groups.map((group) => {
    const first = group.rows[0]!;
    const start = startOf(first) ?? first.address;
    for (const row of group.rows) {
      const named = NAMED_TARGET.exec(row.text);
      if (named === null) continue;
      const [, digits, name, offset] = named;
      const target = BigInt(`0x${digits}`);
      const distance = signedNumber(offset ?? '0');
      if (target - BigInt(distance) === start) group.name ??= name!;
      if (distance >= 0) names.set(signed(target), distance === 0 ? name! : `${name}+${distance}`);
    }
    return { name: group.name ?? 'code', address: signed(first.address), bytes: bytesOf(group.rows) };
  });
  return { functions, names };
}

/** Rows by function. Other lines between them, such as source, part nothing that belongs together by its addresses. */
function groupsOf(text: string): Group[] {
  const groups: Group[] = [];
  let title: string | null = null;
  let dump = false;
  let open = false;
  for (const raw of text.split(/\r?\n/)) {
    const line = readLine(raw);
    const last = groups.at(-1);
    if (line.kind === 'heading') {
      title = line.name;
      dump = line.dump;
      open = false;
    } else if (line.kind === 'end') {
      dump = false;
      open = false;
    } else if (line.kind === 'range') {
      if (last !== undefined && open) last.pieces++;
    } else if (line.kind === 'other') {
      if (!dump && !/^\s*(\.\.\.|\u22ee)?\s*$/.test(raw)) open = false;
    } else {
      const { row } = line;
      const before = last?.rows.at(-1);
      if (title === null && before !== undefined && row.text === '' && before.bytes !== null && row.bytes !== null) {
        if (follows(row, before)) {
          before.bytes.push(...row.bytes);
          continue;
        }
      }
      const whole = title === null && last !== undefined && before !== undefined;
      if (whole && belongs(row, before, last, open)) last.rows.push(row);
      // A label of source that looks like an address.
      else if (whole && !open && before.bytes !== null && row.bytes === null && row.offset === null) continue;
      else groups.push({ name: row.function ?? title, dump, pieces: 1, rows: [row] });
      title = null;
      open = true;
    }
  }
  return groups;
}

function belongs(row: Row, before: Row, group: Group, open: boolean): boolean {
  if (group.dump && open) return true;
  if (row.offset === 0 || row.address <= before.address) return false;
  if (follows(row, before)) return true;
  return open || (row.offset !== null && startOf(row) === startOf(before) && row.function === before.function);
}

/** objdump shows what lies between functions as the end of the first. */
function withoutPadding(group: Group): Group {
  const end = group.rows.findLastIndex(({ text }) => !PADDING.test(withoutNotes(text)));
  return end < 0 ? group : { ...group, rows: group.rows.slice(0, end + 1) };
}

/** gdb's dumps in the order of addresses; pieces of one function apart. */
function split(groups: readonly Group[]): Group[] {
  return groups.flatMap((group) => {
    if (!group.dump) return [group];
    const rows = [...group.rows].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    const once = rows.filter((row, i) => i === 0 || rows[i - 1]!.address !== row.address);
    if (group.pieces === 1) return [{ ...group, rows: once }];
    const pieces: Row[][] = [];
    for (const row of once) {
      const before = pieces.at(-1)?.at(-1);
      if (before !== undefined && follows(row, before)) pieces.at(-1)!.push(row);
      else pieces.push([row]);
    }
    return pieces.map((piece) => {
      const main = piece[0]!.offset === 0 || group.name === null;
      return { ...group, name: main ? group.name : `${group.name}.cold`, rows: piece };
    });
  });
}

function bytesOf(rows: readonly Row[]): Uint8Array {
  const bytes: number[] = [];
  const start = rows[0]!.address;
  for (const [i, row] of rows.entries()) {
    const next = rows[i + 1];
    const length = next === undefined ? null : Number(next.address - row.address);
    if (Number(row.address - start) !== bytes.length) {
      throw new CodegenError(`the listing has a gap before 0x${row.address.toString(16)}; give it whole`);
    }
    if (row.bytes !== null) bytes.push(...row.bytes);
    else bytes.push(...encode(row, length));
  }
  return Uint8Array.from(bytes);
}

function encode(row: Row, length: number | null): Uint8Array {
  const plain = withoutNotes(row.text);
  if ((length ?? 1) <= LONGEST_INSN && NO_OP.test(plain)) return noOp(length ?? 1);
  const prefix = length === 1 ? LONE_PREFIXES[plain.toLowerCase()] : undefined;
  if (prefix !== undefined) return Uint8Array.of(prefix);
  try {
    if (length !== null && length > LONGEST_INSN) throw new AssembleError(`what follows is ${length} bytes away`);
    const text = isIntelSyntax(plain) ? fromIntelSyntax(plain) : plain.replace(BARE_TARGET, '$10x$2');
    return assemble(text, row.address, length);
  } catch (error) {
    if (!(error instanceof AssembleError)) throw error;
    throw new CodegenError(
      `0x${row.address.toString(16)}: ${error.message}; give a listing with bytes (disassemble /r)`,
    );
  }
}
