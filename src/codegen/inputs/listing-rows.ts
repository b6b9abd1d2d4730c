/** One line of a disassembly: an instruction, or more bytes of the one before. */
export interface Row {
  readonly address: bigint;
  /** As the line names it: its function and the offset in it. */
  readonly function: string | null;
  readonly offset: number | null;
  readonly text: string;
  bytes: number[] | null;
}

/** What a line of pasted text is. */
export type Line =
  | { readonly kind: 'row'; readonly row: Row }
  /** A function begins: its name; `dump` where gdb says so, whose rows need not be in order. */
  | { readonly kind: 'heading'; readonly name: string; readonly dump: boolean }
  /** gdb begins another piece of the function. */
  | { readonly kind: 'range' }
  | { readonly kind: 'end' }
  | { readonly kind: 'other' };

/** Quote signs of mail in front of a line. */
const LEAD = /^[\s>|]*/;
/** gdb: `=> 0x401000 <f+4>:  push %rbp`. */
const GDB = /^(?:[=-]>\s*)?(0x[0-9a-f]+)\s*(?:<(.*?)([+-](?:0x[0-9a-f]+|\d+))?>)?:(?:\s+(.*))?$/i;
/** objdump: `401000:  55  push %rbp`. */
const OBJDUMP = /^([0-9a-f]{1,16}):\s+(.*)$/i;
/** objdump --prefix-addresses: `0000000000401000 <f+0x4> push %rbp`. */
const PREFIXED = /^([0-9a-f]{8,16}) <(.*?)(\+0x[0-9a-f]+)?> (.*)$/i;
const HEADER = /^([0-9a-f]{4,16})\s+<(.+)>:$/i;
const DUMP = /^Dump of assembler code for function (.+):$/;
/** Arrows of objdump --visualize-jumps in front of the bytes or the instruction. */
const ARROWS = /^[\s|/\\+<>X-]+(?=[0-9a-z])/;
const BYTES = /^((?:[0-9a-f]{2}\s)*[0-9a-f]{2})(?:\s+|$)(.*)$/i;
const MNEMONIC = /^(?:[a-z0-9]+ )*[a-z][a-z0-9]*(?:\s|$)/;
/** The comment of a row, and the name behind the address of its operand. */
const NOTES = /\s*(?:[#;].*|<.*)$/;

function rowOf(address: string, name: string | undefined, offset: string | undefined, rest: string): Row | null {
  const plain = rest.replace(ARROWS, '').trim();
  const match = BYTES.exec(plain);
  const bytes = match === null ? null : match[1]!.split(/\s/).map((byte) => Number.parseInt(byte, 16));
  const text = match === null ? plain : match[2]!.replace(ARROWS, '').trim();
  if (bytes === null && !MNEMONIC.test(text)) return null;
  const digits = /^0x/i.test(address) ? address : `0x${address}`;
  return {
    address: BigInt(digits),
    function: name === undefined || name === '' ? null : name,
    offset: name === undefined ? null : signedNumber(offset ?? '0'),
    text,
    bytes,
  };
}

/** The offset behind a name: `+52`, `-0x10`. */
export const signedNumber = (text: string): number =>
  text.startsWith('-') ? -Number(text.slice(1)) : Number(text.replace('+', ''));

/** Reads a line as gdb and objdump write it, quoted or not. */
export function readLine(raw: string): Line {
  const line = raw.replace(LEAD, '').trimEnd();
  const header = HEADER.exec(line);
  if (header !== null) return { kind: 'heading', name: header[2]!, dump: false };
  const dump = DUMP.exec(line);
  if (dump !== null) return { kind: 'heading', name: dump[1]!, dump: true };
  if (line.startsWith('End of assembler dump')) return { kind: 'end' };
  if (line.startsWith('Address range 0x')) return { kind: 'range' };
  const gdb = GDB.exec(line) ?? PREFIXED.exec(line);
  const plain = gdb === null ? OBJDUMP.exec(line) : null;
  const row =
    gdb !== null
      ? rowOf(gdb[1]!, gdb[2], gdb[3], gdb[4] ?? '')
      : plain !== null
        ? rowOf(plain[1]!, undefined, undefined, plain[2]!)
        : null;
  return row === null ? { kind: 'other' } : { kind: 'row', row };
}

/** The instruction of a row alone. */
export const withoutNotes = (text: string): string => text.replace(NOTES, '').trim();
