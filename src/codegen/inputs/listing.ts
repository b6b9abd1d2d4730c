import { AssembleError, assemble } from '../../decode/assemble.ts';
import { CodegenError } from '../error.ts';
import type { FlatFunction } from './flat.ts';

/** A disassembly as somebody pasted it. */
export interface Listing {
  readonly functions: readonly FlatFunction[];
  /** Names of addresses that the text tells. */
  readonly names: ReadonlyMap<number, string>;
}

/** Quote signs of mail in front of a line. */
const LEAD = /^[\s>|]*/;
const GDB = /^(?:=>\s*)?(0x[0-9a-f]+)\s*(?:<([^<>+]*)(?:\+(\d+|0x[0-9a-f]+))?>)?:\s*(.*)$/i;
const OBJDUMP = /^([0-9a-f]{2,16}):\s+(.*)$/i;
const HEADER = /^([0-9a-f]{4,16})\s+<([^<>]+)>:$/i;
const DUMP = /^Dump of assembler code for function ([^:]+):$/;
const BYTES = /^((?:[0-9a-f]{2}\s)*[0-9a-f]{2})(?:\s\s+|\t|$)(.*)$/i;
const NAMED_TARGET = /(?:0x)?([0-9a-f]{3,16})\s*<([^<>+]+)(?:\+(\d+|0x[0-9a-f]+))?>/gi;
const MNEMONIC = /^(?:[a-z]+ )?[a-z][a-z0-9]*(?:\s|$)/;

interface Row {
  readonly address: bigint;
  /** As the line names it: its function and the offset in it. */
  readonly function: string | null;
  readonly offset: number | null;
  readonly text: string;
  bytes: number[] | null;
}

const signed = (address: bigint): number => Number(BigInt.asIntN(64, address));

function parseRow(line: string): Row | null {
  const gdb = GDB.exec(line);
  if (gdb !== null) {
    const [, address, name, offset, rest] = gdb;
    const { bytes, text } = bytesAndText(rest!);
    if (bytes === null && !MNEMONIC.test(text)) return null;
    return {
      address: BigInt(address!),
      function: name === undefined || name === '' ? null : name,
      offset: name === undefined ? null : Number(offset ?? 0),
      text,
      bytes,
    };
  }
  const objdump = OBJDUMP.exec(line);
  if (objdump === null) return null;
  const { bytes, text } = bytesAndText(objdump[2]!);
  if (bytes === null && !MNEMONIC.test(text)) return null;
  return { address: BigInt(`0x${objdump[1]}`), function: null, offset: null, text, bytes };
}

function bytesAndText(text: string): { readonly bytes: number[] | null; readonly text: string } {
  const match = BYTES.exec(text.trim());
  if (match === null) return { bytes: null, text: text.trim() };
  return { bytes: match[1]!.split(/\s+/).map((byte) => Number.parseInt(byte, 16)), text: match[2]!.trim() };
}

/** Whether a text has lines of a disassembly in it. */
export const isListing = (text: string): boolean =>
  text.split(/\r?\n/).some((line) => parseRow(line.replace(LEAD, '')) !== null);

/**
 * Reads disassemblies as gdb and objdump print them, quoted or not, with bytes or without: without, each line is encoded in as many bytes
 * as its neighbour's address leaves it.
 * @throws CodegenError naming the line that cannot be read
 */
export function parseListing(text: string): Listing {
  const groups: { name: string | null; rows: Row[] }[] = [];
  const names = new Map<number, string>();
  let title: string | null = null;
  let open = false;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.replace(LEAD, '').trimEnd();
    const heading = HEADER.exec(line) ?? DUMP.exec(line);
    if (heading !== null) {
      title = heading[2] ?? heading[1]!;
      open = false;
      continue;
    }
    const row = parseRow(line);
    if (row === null) {
      if (line.trim() !== '' && !/^(\.\.\.|\u22ee)$/.test(line.trim())) open = false;
      continue;
    }
    const last = groups.at(-1);
    const before = last?.rows.at(-1);
    if (open && before !== undefined && row.text === '' && before.bytes !== null && row.bytes !== null) {
      before.bytes.push(...row.bytes);
      continue;
    }
    const starts = !open || row.offset === 0 || before === undefined || row.address <= before.address;
    if (starts) groups.push({ name: row.function ?? title, rows: [row] });
    else last!.rows.push(row);
    if (starts) title = null;
    open = true;
  }
  const functions = groups.map((group) => {
    const start = group.rows[0]!.address - BigInt(group.rows[0]!.offset ?? 0);
    for (const row of group.rows) {
      for (const [, digits, name, offset] of row.text.matchAll(NAMED_TARGET)) {
        const target = BigInt(`0x${digits}`);
        if (target - BigInt(Number(offset ?? 0)) === start) group.name ??= name!;
        names.set(signed(target), offset === undefined ? name! : `${name}+${offset}`);
      }
    }
    const address = signed(group.rows[0]!.address);
    return { name: group.name ?? 'code', address, bytes: bytesOf(group.rows) };
  });
  return { functions, names };
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
    else {
      try {
        bytes.push(...assemble(row.text, row.address, length));
      } catch (error) {
        if (!(error instanceof AssembleError)) throw error;
        throw new CodegenError(
          `0x${row.address.toString(16)}: ${error.message}; give a listing with bytes (disassemble /r)`,
        );
      }
    }
  }
  return Uint8Array.from(bytes);
}
