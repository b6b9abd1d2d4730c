import { parseHexBytes } from '../../bits/hex.ts';
import { viewOf } from '../../elf/header.ts';
import { type ElfImage, readImage } from '../../elf/image.ts';
import type { BareProgram } from '../../machine/bare.ts';
import type { BareRegion } from '../../machine/bare-space.ts';
import { RegisterError, type RegisterSetting, registerSetting } from '../../machine/registers.ts';
import { PAGE_SIZE } from '../../memory/physical.ts';
import { Names } from '../../trace/names.ts';
import { CliError, locate, located } from '../errors.ts';
import { readFile } from '../files.ts';
import { DEFAULT_BASE } from '../options.ts';
import { namesOf } from '../user/names.ts';
import { integer, size as parseSize } from '../values.ts';

/** A bare run as it was asked for, on the command line or in a line of a batch. */
export interface BareRequest {
  /** Where the code came from, for messages. */
  readonly source: string;
  readonly code: Uint8Array;
  readonly base?: bigint | undefined;
  readonly entry?: string | undefined;
  readonly cpl?: 0 | 3 | undefined;
  /** `ADDR:SIZE[:rwx]`. */
  readonly map: readonly string[];
  readonly registers: readonly (readonly [name: string, value: string])[];
  readonly contents: readonly { readonly address: string; readonly bytes: Uint8Array }[];
  readonly until?: string | undefined;
  /** `ADDR:SIZE`. */
  readonly dump: readonly string[];
  readonly names: readonly (readonly [name: string, address: bigint])[];
}

/** A stretch of memory to be shown at the end. */
export interface Dump {
  readonly address: bigint;
  readonly size: number;
}

/** A request with everything looked up and checked. */
export interface BareJob {
  readonly program: BareProgram;
  readonly until: bigint | null;
  readonly dumps: readonly Dump[];
  readonly names: Names;
}

/** More than this is not shown of one stretch. */
const LARGEST_DUMP = 64 << 20;
const SETTING_BITS = 128;

/** @throws CliError naming the option */
export function prepare(request: BareRequest): BareJob {
  const { code, source } = request;
  if (code.length === 0) throw new CliError('the file is empty', source, 'give flat code or an ELF');
  const elf = isElf(code);
  const image = elf ? locate(source, () => readImage(code)) : null;
  if (image !== null && image.interpreter !== null) {
    throw new CliError('this program is dynamic (it has PT_INTERP)', source, 'link it with -static');
  }
  const bias = image === null ? 0n : elfBias(image, request);
  const base = image === null ? (request.base ?? DEFAULT_BASE) : 0n;
  const names = (elf ? namesOf(code, bias) : new Names()).with(request.names);
  const lookUp = (text: string, option: string): bigint => addressOf(text, names, option);
  const loaded = image === null ? flat(code, base) : segments(image, bias);
  const regions = [...loaded.regions, ...request.map.map((text) => region(text, lookUp))];
  const start = image === null ? base : image.entry + bias;
  const program: BareProgram = {
    regions,
    contents: [
      ...loaded.contents,
      ...request.contents.map(({ address, bytes }) => ({ address: lookUp(address, '--mem'), bytes })),
    ],
    entry: request.entry === undefined ? start : lookUp(request.entry, '--entry'),
    cpl: request.cpl ?? 0,
    registers: request.registers.map(([name, value]) => register(name, value, names)),
  };
  return {
    program,
    until: request.until === undefined ? null : lookUp(request.until, '--until'),
    dumps: request.dump.map((text) => dump(text, lookUp)),
    names,
  };
}

const isElf = (bytes: Uint8Array): boolean => bytes.length >= 4 && viewOf(bytes).getUint32(0, false) === 0x7f454c46;

/** A PIE goes to the base; a program at fixed addresses stays there. */
function elfBias(image: ElfImage, { base, source }: BareRequest): bigint {
  if (!image.pie) {
    if (base === undefined) return 0n;
    throw new CliError('--base does not move a program at fixed addresses', source, 'leave it out');
  }
  const first = image.segments[0]!.address;
  return (base ?? DEFAULT_BASE) - (first - (first % BigInt(PAGE_SIZE)));
}

type Loaded = Pick<BareProgram, 'regions' | 'contents'>;

function flat(bytes: Uint8Array, address: bigint): Loaded {
  return {
    regions: [{ address, size: bytes.length, write: true, execute: true, user: true }],
    contents: [{ address, bytes }],
  };
}

function segments(image: ElfImage, bias: bigint): Loaded {
  return {
    regions: image.segments.map((segment) => ({
      address: segment.address + bias,
      size: Number(segment.memorySize),
      write: segment.write,
      execute: segment.execute,
      user: true,
    })),
    contents: image.segments.map((segment) => ({
      address: segment.address + bias,
      bytes: image.bytes.subarray(segment.offset, segment.offset + segment.fileSize),
    })),
  };
}

function addressOf(text: string, names: Names, option: string): bigint {
  const value = integer(text);
  if (value !== null && value >= 0n) return value;
  const symbol = names.symbols.named(text);
  if (symbol !== undefined) return symbol.address;
  throw new CliError(`'${text}' is no address`, option, 'give one as 0x401000, or the name of a symbol');
}

const RIGHTS = /^r?w?x?s?$/;

function region(text: string, lookUp: (text: string, option: string) => bigint): BareRegion {
  const [address, length, rights = 'rwx', ...rest] = text.split(':');
  if (address === undefined || length === undefined || rest.length > 0) {
    throw new CliError(`'${text}' is not ADDR:SIZE[:rwx]`, '--map', 'as 0x200000:64K:rw');
  }
  if (!RIGHTS.test(rights) || !rights.startsWith('r')) {
    throw new CliError(`'${rights}' are no rights`, `--map ${text}`, 'r, rw, rx or rwx, and s to keep CPL 3 out');
  }
  return {
    address: lookUp(address, '--map'),
    size: sizeOf(length, `--map ${text}`),
    write: rights.includes('w'),
    execute: rights.includes('x'),
    user: !rights.includes('s'),
  };
}

function dump(text: string, lookUp: (text: string, option: string) => bigint): Dump {
  const [address, length, ...rest] = text.split(':');
  if (address === undefined || length === undefined || rest.length > 0) {
    throw new CliError(`'${text}' is not ADDR:SIZE`, '--dump', 'as 0x200000:64');
  }
  const size = sizeOf(length, `--dump ${text}`);
  if (size > LARGEST_DUMP) throw new CliError('more than 64 MiB', `--dump ${text}`, 'show less');
  return { address: lookUp(address, '--dump'), size };
}

function sizeOf(text: string, where: string): number {
  try {
    const bytes = parseSize(text);
    if (bytes > 0) return bytes;
  } catch {
    // Said below, with the place.
  }
  throw new CliError(`'${text}' is no size`, where, 'as 4096, 0x1000, 64K');
}

function register(name: string, value: string, names: Names): RegisterSetting {
  const number = integer(value, SETTING_BITS) ?? names.symbols.named(value)?.address;
  if (number === undefined) throw new CliError(`'${value}' is no number`, `--reg ${name}`, 'as 42, -1 or 0x1000');
  return locate(`--reg ${name}`, () => registerSetting(name, number));
}

/** Reads `NAME=VALUE`. */
export function pair(text: string, option: string, form: string): readonly [string, string] {
  const cut = text.indexOf('=');
  if (cut <= 0) throw new CliError(`'${text}' is not ${form}`, option);
  return [text.slice(0, cut), text.slice(cut + 1)];
}

/** Bytes as `@FILE` or hexadecimal digits. */
export function bytesOf(text: string, where: string): Uint8Array {
  if (text.startsWith('@')) return readFile(text.slice(1));
  try {
    return parseHexBytes(text.replace(/^0x/i, ''));
  } catch (error) {
    throw new CliError((error as Error).message, where, 'give two digits a byte, or @FILE');
  }
}

/** Reads `NAME=ADDR` options. */
export function symOptions(given: readonly string[]): (readonly [name: string, address: bigint])[] {
  return given.map((text) => {
    const [name, address] = pair(text, '--sym', 'NAME=ADDR');
    const value = integer(address);
    if (value === null) throw new CliError(`'${address}' is no address`, `--sym ${name}`, 'as 0x2ac80');
    return [name, BigInt.asUintN(64, value)] as const;
  });
}

/** What loading a guest may refuse, as an error of the option. */
export const loadError = (error: unknown): unknown =>
  located(error, error instanceof RegisterError ? '--reg' : '--map');
