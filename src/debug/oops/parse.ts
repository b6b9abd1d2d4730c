/** What can be read out of a pasted kernel oops; every part may be missing. */
export interface OopsReport {
  readonly code: CodeDump;
  /** By lower-case name: `rax` … `r15`, `rip`, `rsp`, `eflags`, `fs`, `gs`, `knlgs`, `cr0` … `cr4`; only absolute numbers. */
  readonly registers: ReadonlyMap<string, bigint>;
  readonly vector: number | null;
  readonly errorCode: number | null;
  /** The faulting linear address as the report names it. */
  readonly address: bigint | null;
}

/** The bytes around RIP. */
export interface CodeDump {
  readonly bytes: Uint8Array;
  /** Index of the byte at RIP; null where nothing marks it. */
  readonly mark: number | null;
}

/** Text that holds no code: one line. */
export class OopsError extends Error {
  override readonly name = 'OopsError';
}

const PF = 14;
const GP = 13;
/** Quote signs of mail and time stamps of the log in front of a line. */
const LEAD = /^[\s>|]*(?:\[\s*(?:\d+\.\d+|[TC]\d+)\]\s*)*/;
const CODE = /\bCode:/;
const TOKEN = /^(?:[0-9a-f]{2}|<[0-9a-f]{2}>|\([0-9a-f]{2}\))$/i;
/** A line of a disassembly: offset, `*` at the trapping one, bytes, text. */
const LISTED = /^([0-9a-f]+):(\*)?\s+((?:[0-9a-f]{2}(?:\s|$))+)/i;
const REGISTER = /\b(R[A-D]X|R[SD]I|R[BS]P|R\d\d|CR[0234]|FS|GS|knlGS|EFLAGS):\s*(?:[0-9a-f]{4}:)?([0-9a-f]+)\b/gi;

const bytesOf = (tokens: readonly string[]): Uint8Array =>
  Uint8Array.from(tokens, (token) => Number.parseInt(token.replace(/[<>()]/g, ''), 16));

/** The last `Code:` line, with the lines that a mail program has cut off it. */
function codeLine(lines: readonly string[]): CodeDump | null {
  const at = lines.findLastIndex((line) => CODE.test(line));
  if (at < 0) return null;
  const first = lines[at]!.slice(lines[at]!.search(CODE) + 'Code:'.length).trim();
  if (/unable to access|bad rip/i.test(first)) throw new OopsError(`the report has no code: «${first}»`);
  const tokens: string[] = [];
  const words = first.split(/\s+/).filter((word) => word !== '');
  for (const [i, word] of words.entries()) {
    if (TOKEN.test(word)) tokens.push(word);
    // A dump may be cut anywhere, in the middle of a byte too.
    else if (i < words.length - 1 || !/^(?:[0-9a-f]|\u2026|\.{3})$/i.test(word))
      throw new OopsError(`'${word}' in the Code: line is no byte`);
  }
  for (const line of lines.slice(at + 1)) {
    const more = line.split(/\s+/).filter((word) => word !== '');
    if (more.length === 0 || !more.every((word) => TOKEN.test(word))) break;
    tokens.push(...more);
  }
  const mark = tokens.findIndex((token) => token.length === 4);
  return { bytes: bytesOf(tokens), mark: mark < 0 ? null : mark };
}

/** The bytes of a pasted disassembly: the last one that begins at offset 0 and has a trapping instruction, or the last. */
function listing(lines: readonly string[]): CodeDump | null {
  let best: CodeDump | null = null;
  let bytes: number[] = [];
  let mark: number | null = null;
  const done = (): void => {
    if (bytes.length > 0 && (best === null || mark !== null || best.mark === null))
      best = { bytes: Uint8Array.from(bytes), mark };
  };
  for (const line of lines) {
    const row = LISTED.exec(line);
    if (row === null) continue;
    const offset = Number.parseInt(row[1]!, 16);
    if (offset !== bytes.length) {
      if (offset !== 0) continue;
      done();
      bytes = [];
      mark = null;
    }
    if (row[2] !== undefined) mark = offset;
    bytes.push(...bytesOf(row[3]!.trim().split(/\s+/)));
  }
  done();
  return best;
}

function headline(text: string): Pick<OopsReport, 'vector' | 'errorCode' | 'address'> {
  const early = /early exception 0x([0-9a-f]+) IP \w+:\w+ error ([0-9a-f]+)/i.exec(text);
  if (early !== null)
    return { vector: Number.parseInt(early[1]!, 16), errorCode: Number.parseInt(early[2]!, 16), address: null };
  const fault = /general protection fault[^:]*?(?:address (0x[0-9a-f]+))?: ([0-9a-f]{4}) \[#/i.exec(text);
  if (fault !== null)
    return {
      vector: GP,
      errorCode: Number.parseInt(fault[2]!, 16),
      address: fault[1] === undefined ? null : BigInt(fault[1]),
    };
  const page =
    /(?:pointer dereference|page fault for address|paging request)(?:,? (?:at|address))?:? *(?:0x)?([0-9a-f]{8,16})/i.exec(
      text,
    );
  const code = /error_code\(0x([0-9a-f]+)\)/i.exec(text) ?? /Oops: (?:Oops: )?([0-9a-f]{4}) \[#/.exec(text);
  const errorCode = code === null ? null : Number.parseInt(code[1]!, 16);
  if (page === null && errorCode === null) return { vector: null, errorCode, address: null };
  return { vector: PF, errorCode, address: page === null ? null : BigInt(`0x${page[1]}`) };
}

/**
 * Reads a pasted oops: with or without time stamps and mail quotes, its `Code:` line wrapped or cut, or a disassembly of it instead.
 * @throws OopsError where it holds no code
 */
export function parseOops(text: string): OopsReport {
  const lines = text.split(/\r?\n/).map((line) => line.replace(LEAD, ''));
  const code = codeLine(lines) ?? listing(lines);
  if (code === null || code.bytes.length === 0)
    throw new OopsError('no Code: line and no disassembly in it; paste the whole report');
  const whole = lines.join('\n');
  const registers = new Map<string, bigint>();
  for (const [, name, value] of whole.matchAll(REGISTER)) registers.set(name!.toLowerCase(), BigInt(`0x${value}`));
  const rip = /\bIP (?:\w+:)?([0-9a-f]{16})\b/i.exec(whole) ?? /\bRIP: (?:\w+:)?(?:\[<)?([0-9a-f]{16})\b/.exec(whole);
  if (rip !== null) registers.set('rip', BigInt(`0x${rip[1]}`));
  const early = /\bcr2 0x([0-9a-f]+)/.exec(whole);
  if (early !== null && !registers.has('cr2')) registers.set('cr2', BigInt(`0x${early[1]}`));
  return { code, registers, ...headline(whole) };
}
