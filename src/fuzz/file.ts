import { hex, hexBytes, parseHexBytes } from '../bits/hex.ts';
import { GPR_NAMES } from '../decode/registers.ts';
import { disassemble } from '../decode/text.ts';
import { avx512Bits, namedAvx512, withAvx512 } from '../oracle/avx512.ts';
import { regionOf } from '../oracle/layout.ts';
import { AVX512_BYTES, FXSAVE_BYTES } from '../oracle/record.ts';
import { initialFxsave } from '../oracle/wire.ts';
import { assemble, type FuzzCase, offsetsOf, type StartState, type Step, type Within } from './steps.ts';

/** A file that is no sequence of ours: one line says why. */
export class FuzzFileError extends Error {
  override readonly name = 'FuzzFileError';
}

/** A sequence in a file. Whatever a register, a vector or memory does not name is zero; flags, MXCSR and x87 as after a reset. */
export interface CaseFile {
  readonly codeAddress: string;
  readonly steps: readonly {
    readonly bytes: string;
    /** For readers: nobody reads it back. */
    readonly text?: string;
    readonly to?: number;
    readonly place?: string;
    readonly within?: Within;
  }[];
  readonly state: {
    readonly gpr?: Readonly<Record<string, string>>;
    readonly rflags?: string;
    readonly fsBase?: string;
    readonly gsBase?: string;
    readonly mxcsr?: string;
    /** 512 bytes as FXSAVE writes them; zeros at the end may be left out. */
    readonly fxsave?: string;
    readonly xmm?: Readonly<Record<string, string>>;
    readonly ymmHigh?: Readonly<Record<string, string>>;
    /** By name: «k1», «zmm3 511:256», «zmm17». */
    readonly avx512?: Readonly<Record<string, string>>;
    readonly memory?: readonly { readonly address: string; readonly bytes: string }[];
  };
}

const RFLAGS = 0x202;
const MXCSR = 0x1f80;

const present = <T>(name: string, value: T, wanted: boolean): Record<string, T> => (wanted ? { [name]: value } : {});

function nonzero(values: ArrayLike<bigint>, name: (n: number) => string): Record<string, string> {
  const out: Record<string, string> = {};
  Array.from(values, (value, n) => {
    if (value !== 0n) out[name(n)] = hex(value);
  });
  return out;
}

const isEmpty = (record: object): boolean => Object.keys(record).length === 0;

function withoutTail(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

/** The sequence as plain data. */
export function toFile(c: FuzzCase): CaseFile {
  const { state } = c;
  const code = assemble(c);
  const offsets = offsetsOf(c.steps);
  const gpr = nonzero(state.gpr, (n) => GPR_NAMES[n]!);
  const xmm = nonzero(state.xmm, String);
  const ymmHigh = nonzero(state.ymmHigh, String);
  const named = namedAvx512(state.avx512 ?? new Uint8Array(AVX512_BYTES));
  const avx512 = Object.fromEntries(named.map(([name, value]) => [name, hex(value)]));
  const fxsave = hexBytes(withoutTail(state.fxsave), '');
  return {
    codeAddress: hex(c.codeAddress),
    steps: c.steps.map(({ bytes, to, place, within }, i) => ({
      bytes: hexBytes(bytes),
      text: disassemble(code.subarray(offsets[i]!, offsets[i + 1]!), c.codeAddress + BigInt(offsets[i]!)).text,
      ...(to !== undefined ? { to } : {}),
      ...(place !== undefined ? { place: hex(place) } : {}),
      ...(within !== undefined ? { within } : {}),
    })),
    state: {
      ...present('gpr', gpr, !isEmpty(gpr)),
      ...present('rflags', hex(state.rflags), state.rflags !== RFLAGS),
      ...present('fsBase', hex(state.fsBase), state.fsBase !== 0n),
      ...present('gsBase', hex(state.gsBase), state.gsBase !== 0n),
      ...present('mxcsr', hex(state.mxcsr), state.mxcsr !== MXCSR),
      ...present('fxsave', fxsave, fxsave !== hexBytes(withoutTail(initialFxsave()), '')),
      ...present('xmm', xmm, !isEmpty(xmm)),
      ...present('ymmHigh', ymmHigh, !isEmpty(ymmHigh)),
      ...present('avx512', avx512, state.avx512 !== undefined),
      ...present(
        'memory',
        state.memory.map(({ address, bytes }) => ({ address: hex(address), bytes: hexBytes(bytes, '') })),
        state.memory.length > 0,
      ),
    },
  };
}

const bad = (why: string): never => {
  throw new FuzzFileError(why);
};

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) bad(`${what} is no object`);
  return value as Record<string, unknown>;
}

function list(value: unknown, what: string): unknown[] {
  return Array.isArray(value) ? value : bad(`${what} is no list`);
}

function number(value: unknown, what: string, bits: number): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,128}$/i.test(value)) bad(`${what} is no hexadecimal number`);
  const result = BigInt(value as string);
  return result < 1n << BigInt(bits) ? result : bad(`${what} has more than ${bits} bits`);
}

function integer(value: unknown, what: string, most: number): number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most
    ? (value as number)
    : bad(`${what} is no number from 0 to ${most}`);
}

function bytesOf(value: unknown, what: string, most: number): Uint8Array {
  if (typeof value !== 'string') bad(`${what} is no text`);
  try {
    const bytes = parseHexBytes(value as string);
    return bytes.length <= most ? bytes : bad(`${what} has more than ${most} bytes`);
  } catch (error) {
    return bad(`${what}: ${(error as Error).message}`);
  }
}

function numbered(value: unknown, what: string): bigint[] {
  const out = new Array<bigint>(16).fill(0n);
  for (const [name, text] of Object.entries(object(value ?? {}, what)))
    out[integer(Number(name), `${what} ${name}`, 15)] = number(text, `${what} ${name}`, 128);
  return out;
}

const MOST_STEP_BYTES = 15;
const MOST_PATCH_BYTES = 0x2000;

function stepFrom(value: unknown, n: number, count: number): Step {
  const what = `step ${n}`;
  const step = object(value, what);
  const bytes = bytesOf(step['bytes'], `${what}: bytes`, MOST_STEP_BYTES);
  if (bytes.length === 0) bad(`${what} has no bytes`);
  const within = step['within'] === undefined ? null : object(step['within'], `${what}: within`);
  return {
    bytes,
    ...(step['to'] !== undefined ? { to: integer(step['to'], `${what}: to`, count) } : {}),
    ...(step['place'] !== undefined ? { place: number(step['place'], `${what}: place`, 64) } : {}),
    ...(within !== null
      ? {
          within: {
            step: integer(within['step'], `${what}: within.step`, count),
            offset: integer(within['offset'], `${what}: within.offset`, MOST_STEP_BYTES),
            ...(within['alias'] === true ? { alias: true } : {}),
          },
        }
      : {}),
  };
}

function stateFrom(value: unknown): StartState {
  const state = object(value, 'state');
  const gpr = new Array<bigint>(16).fill(0n);
  for (const [name, text] of Object.entries(object(state['gpr'] ?? {}, 'gpr'))) {
    const n = GPR_NAMES.indexOf(name);
    if (n < 0) bad(`gpr: no register ${name}`);
    gpr[n] = number(text, name, 64);
  }
  const fxsave = initialFxsave();
  if (state['fxsave'] !== undefined) {
    fxsave.fill(0);
    fxsave.set(bytesOf(state['fxsave'], 'fxsave', FXSAVE_BYTES));
  }
  let avx512: Uint8Array | undefined;
  if (state['avx512'] !== undefined) {
    avx512 = new Uint8Array(AVX512_BYTES);
    for (const [name, text] of Object.entries(object(state['avx512'], 'avx512')))
      avx512 = withAvx512(avx512, name, number(text, name, avx512Bits(name) ?? bad(`avx512: no register ${name}`)));
  }
  const word = (name: string, bits: number, otherwise: bigint): bigint =>
    state[name] === undefined ? otherwise : number(state[name], name, bits);
  return {
    gpr,
    rflags: Number(word('rflags', 32, BigInt(RFLAGS))),
    fsBase: word('fsBase', 64, 0n),
    gsBase: word('gsBase', 64, 0n),
    mxcsr: Number(word('mxcsr', 32, BigInt(MXCSR))),
    fxsave,
    xmm: numbered(state['xmm'], 'xmm'),
    ymmHigh: numbered(state['ymmHigh'], 'ymmHigh'),
    ...(avx512 ? { avx512 } : {}),
    memory: list(state['memory'] ?? [], 'memory').map((entry, n) => {
      const patch = object(entry, `memory ${n}`);
      const address = number(patch['address'], `memory ${n}: address`, 64);
      const bytes = bytesOf(patch['bytes'], `memory ${n}: bytes`, MOST_PATCH_BYTES);
      if (regionOf(address, bytes.length) === undefined) bad(`memory ${n}: ${hex(address)} is in no region`);
      return { address, bytes };
    }),
  };
}

/** The sequence in a file. @throws FuzzFileError */
export function fromFile(value: unknown): FuzzCase {
  const file = object(value, 'the case');
  const steps = list(file['steps'], 'steps');
  if (steps.length === 0) bad('there are no steps');
  const codeAddress = number(file['codeAddress'], 'codeAddress', 64);
  const c = {
    steps: steps.map((step, n) => stepFrom(step, n, steps.length)),
    codeAddress,
    state: stateFrom(file['state'] ?? {}),
  };
  const region = regionOf(codeAddress, offsetsOf(c.steps).at(-1)!);
  if (!region?.executable) bad(`the code at ${hex(codeAddress)} does not lie in a region for code`);
  return c;
}

export const CASE_FORMAT = 'swapgs-fuzz-case';
export const FINDING_FORMAT = 'swapgs-fuzz-finding';

/** The sequence in the text of a corpus file or a finding. @throws FuzzFileError */
export function parseCase(text: string): FuzzCase {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return bad('not JSON');
  }
  const file = object(value, 'the file');
  if (file['format'] !== CASE_FORMAT && file['format'] !== FINDING_FORMAT)
    bad(`not a sequence: its format is not ${CASE_FORMAT} or ${FINDING_FORMAT}`);
  return fromFile(file['case']);
}

/** The text of a corpus file. */
export const caseText = (c: FuzzCase): string => `${JSON.stringify({ format: CASE_FORMAT, case: toFile(c) })}\n`;
