import { CliError } from '../errors.ts';
import { readFile } from '../files.ts';
import { integer } from '../values.ts';
import { type BareRequest, bytesOf, pair } from './request.ts';

/** What one line of a batch asks for, beside the run itself. */
export interface BatchLine {
  readonly id: unknown;
  readonly request: BareRequest;
  readonly maxInsns: number | undefined;
  /** Milliseconds. */
  readonly timeout: number | undefined;
}

type Json = Readonly<Record<string, unknown>>;

const KEYS = 'id code blob base entry cpl map regs mem until maxInsns timeout dump sym'.split(' ');

const bad = (key: string, form: string): never => {
  throw new CliError(`bad ${key}`, '', form);
};

/** An object of JSON, or an error that says so. */
export function parseLine(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CliError('not JSON', (error as Error).message, 'one object a line');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CliError('not an object', text.slice(0, 40), 'one object a line');
  }
  return value as Json;
}

/** A number or a string as text: `4096` and `"0x1000"` are the same. */
function text(value: unknown, key: string): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') return bad(key, 'give a number or a string');
  if (!Number.isSafeInteger(value)) return bad(key, 'write whole numbers from 2^53 on as strings');
  return String(value);
}

const optional = (value: unknown, key: string): string | undefined =>
  value === undefined || value === null ? undefined : text(value, key);

function list(value: unknown, key: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : bad(key, 'give an array');
}

function object(value: unknown, key: string): Json {
  if (value === undefined || value === null) return {};
  return typeof value === 'object' && !Array.isArray(value) ? (value as Json) : bad(key, 'give an object');
}

/** `"ADDR:SIZE:rwx"`, or `{"addr":…,"size":…,"rights":…}`. */
function stretch(value: unknown, key: string): string {
  if (typeof value === 'string') return value;
  const { addr, size, rights, ...rest } = object(value, key);
  if (Object.keys(rest).length > 0) bad(key, 'addr, size and rights are known');
  const parts = [text(addr, `${key} addr`), text(size, `${key} size`)];
  return [...parts, ...(rights === undefined ? [] : [text(rights, `${key} rights`)])].join(':');
}

/** `"ADDR=HEX"`, `"ADDR=@FILE"`, or `{"addr":…,"hex":…}`. */
function content(value: unknown): { address: string; bytes: Uint8Array } {
  if (typeof value === 'string') {
    const [address, bytes] = pair(value, 'mem', 'ADDR=HEX or ADDR=@FILE');
    return { address, bytes: bytesOf(bytes, 'mem') };
  }
  const { addr, hex, ...rest } = object(value, 'mem');
  if (Object.keys(rest).length > 0 || typeof hex !== 'string') bad('mem', 'give "ADDR=HEX", or addr and hex');
  return { address: text(addr, 'mem addr'), bytes: bytesOf(hex as string, 'mem') };
}

function whole(value: unknown, key: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  return Number.isSafeInteger(value) && (value as number) >= 1
    ? (value as number)
    : bad(key, 'give a whole number of at least 1');
}

function milliseconds(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'number' && value > 0 ? value * 1000 : bad('timeout', 'give seconds');
}

function code(line: Json): { source: string; code: Uint8Array } {
  if (typeof line['code'] === 'string') {
    if (line['blob'] !== undefined) bad('blob', 'give code or blob, not both');
    return { source: 'code', code: bytesOf(line['code'].replace(/^@/, ' @'), 'code') };
  }
  if (typeof line['blob'] === 'string') return { source: line['blob'], code: readFile(line['blob']) };
  return bad('code', 'give "code" as hexadecimal digits, or "blob" as a path');
}

function address(value: unknown, key: string): bigint | undefined {
  const given = optional(value, key);
  if (given === undefined) return undefined;
  const number = integer(given);
  return number !== null && number >= 0n ? number : bad(key, 'give an address, as "0x100000"');
}

/** Reads one line's object. @throws CliError with one line that names the key */
export function readLine(line: Json): BatchLine {
  const unknown = Object.keys(line).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) bad(`key ${JSON.stringify(unknown)}`, `there are ${KEYS.join(', ')}`);
  const cpl = line['cpl'] ?? undefined;
  if (cpl !== undefined && cpl !== 0 && cpl !== 3) bad('cpl', 'it is 0 or 3');
  return {
    id: line['id'],
    request: {
      ...code(line),
      base: address(line['base'], 'base'),
      entry: optional(line['entry'], 'entry'),
      cpl: cpl as 0 | 3 | undefined,
      map: list(line['map'], 'map').map((value) => stretch(value, 'map')),
      registers: Object.entries(object(line['regs'], 'regs')).map(
        ([name, value]) => [name, text(value, name)] as const,
      ),
      contents: list(line['mem'], 'mem').map(content),
      until: optional(line['until'], 'until'),
      dump: list(line['dump'], 'dump').map((value) => stretch(value, 'dump')),
      names: Object.entries(object(line['sym'], 'sym')).map(
        ([name, value]) => [name, address(value, `sym ${name}`) ?? 0n] as const,
      ),
    },
    maxInsns: whole(line['maxInsns'], 'maxInsns'),
    timeout: milliseconds(line['timeout']),
  };
}
