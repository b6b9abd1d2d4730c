import { littleEndianNumber } from '../../bits/bytes.ts';
import { type BuiltinMemory, MOST_BYTES, stringLength } from './builtins.ts';
import { type FormatArguments, formatted } from './format.ts';

// Functions of the printf family, and where each has its format and its arguments (System V psABI 3.5.7 for va_list).

/** Registers and stack at the entry of a function that is called. */
export interface CallFrame {
  /** RDI, RSI, RDX, RCX, R8, R9. */
  readonly args: readonly bigint[];
  /** The low 64 bits of a vector register. */
  xmm(n: number): bigint;
  /** Address of the first argument on the stack. */
  readonly stack: bigint;
  /** What %p shows. */
  pointer(address: bigint): string;
}

/** What a call of the family has written. */
export interface FormattedCall {
  /** Null where a conversion is not known. */
  readonly text: string | null;
  /** The stream: null for stdout, `log` for the kernel's. Undefined for a buffer. */
  readonly stream?: bigint | null | 'log';
  /** What it returns where it writes to a buffer; -1 where the text is not known. */
  readonly length: number;
}

interface Family {
  /** Number of the argument that has the format; those behind it are formatted, or are in the va_list there. */
  readonly format: number;
  readonly list?: true;
  /** Where the text goes: a buffer in argument 0, a stream in argument 0, stdout, or the kernel's log. */
  readonly to: 'buffer' | 'stream' | 'stdout' | 'log';
  /** Number of the argument that has the size of the buffer. */
  readonly size?: number;
  /** It returns what it has written, not what it would have. */
  readonly written?: true;
}

const PLAIN: Readonly<Record<string, Family>> = {
  printf: { format: 0, to: 'stdout' },
  __printf_chk: { format: 1, to: 'stdout' },
  fprintf: { format: 1, to: 'stream' },
  __fprintf_chk: { format: 2, to: 'stream' },
  sprintf: { format: 1, to: 'buffer' },
  __sprintf_chk: { format: 3, to: 'buffer' },
  snprintf: { format: 2, to: 'buffer', size: 1 },
  __snprintf_chk: { format: 4, to: 'buffer', size: 1 },
  scnprintf: { format: 2, to: 'buffer', size: 1, written: true },
  printk: { format: 0, to: 'log' },
  _printk: { format: 0, to: 'log' },
};

const FAMILIES: ReadonlyMap<string, Family> = new Map(
  Object.entries(PLAIN).flatMap(([name, family]): [string, Family][] => [
    [name, family],
    [name.replace(/^(_*)/, '$1v'), { ...family, list: true }],
  ]),
);

const GPR_BYTES = 48;
const SAVE_AREA = 176;
const WORD = 8;
const XMM_BYTES = 16;
const REGISTERS = 6;
const VECTORS = 8;

/** Does what a function of the printf family does; null for every other name. @throws what `memory` throws at a bad address */
export function callFormatted(name: string, frame: CallFrame, memory: BuiltinMemory): FormattedCall | null {
  const family = FAMILIES.get(name);
  if (family === undefined) return null;
  const { args } = frame;
  const format = textAt(memory, args[family.format]!);
  const rest = family.list ? listed(args[family.format + 1]!, frame, memory) : passed(family.format + 1, frame, memory);
  // What compilers make strcpy or puts of has no NULL.
  const text = formatted(
    format,
    /^%s\n?$/.test(format) ? { ...rest, integer: () => existing(rest.integer(), memory) } : rest,
  );
  if (family.to !== 'buffer') {
    const stream = family.to === 'stream' ? args[0]! : family.to === 'log' ? 'log' : null;
    return { text, stream, length: text?.length ?? -1 };
  }
  if (text === null) return { text, length: -1 };
  const size = family.size === undefined ? BigInt(MOST_BYTES) : args[family.size]!;
  const room = size > BigInt(text.length) ? text.length : Number(size) - 1;
  if (room >= 0) memory.write(args[0]!, Buffer.from(`${text.slice(0, room)}\0`, 'latin1'));
  return { text, length: family.written ? Math.max(0, room) : text.length };
}

/** The same address, which something can be read at. */
function existing(address: bigint, memory: BuiltinMemory): bigint {
  memory.read(address, 1);
  return address;
}

const textAt = (memory: BuiltinMemory, address: bigint): string =>
  Buffer.from(memory.read(address, stringLength(memory, address))).toString('latin1');

const wordAt = (memory: BuiltinMemory, address: bigint, bytes: number): bigint =>
  littleEndianNumber(memory.read(address, bytes));

const reader = (frame: CallFrame, memory: BuiltinMemory): Pick<FormatArguments, 'text' | 'pointer'> => ({
  text: (address, most) => {
    let length = 0;
    if (most === null) length = stringLength(memory, address);
    else while (length < most && memory.read(address + BigInt(length), 1)[0] !== 0) length++;
    return memory.read(address, length);
  },
  pointer: (address) => frame.pointer(address),
});

/** Arguments behind the named ones: in registers, then on the stack. */
function passed(first: number, frame: CallFrame, memory: BuiltinMemory): FormatArguments {
  let gpr = first;
  let vector = 0;
  let stack = frame.stack;
  const fromStack = (): bigint => {
    stack += BigInt(WORD);
    return wordAt(memory, stack - BigInt(WORD), WORD);
  };
  return {
    integer: () => (gpr < REGISTERS ? frame.args[gpr++]! : fromStack()),
    double: () => (vector < VECTORS ? frame.xmm(vector++) : fromStack()),
    ...reader(frame, memory),
  };
}

/** Arguments of a va_list: gp_offset, fp_offset, overflow_arg_area, reg_save_area. It is left as it was. */
function listed(list: bigint, frame: CallFrame, memory: BuiltinMemory): FormatArguments {
  let gpr = Number(wordAt(memory, list, 4));
  let vector = Number(wordAt(memory, list + 4n, 4));
  let overflow = wordAt(memory, list + 8n, WORD);
  const saved = wordAt(memory, list + 16n, WORD);
  const fromOverflow = (): bigint => {
    overflow += BigInt(WORD);
    return wordAt(memory, overflow - BigInt(WORD), WORD);
  };
  return {
    integer: () => {
      if (gpr >= GPR_BYTES) return fromOverflow();
      gpr += WORD;
      return wordAt(memory, saved + BigInt(gpr - WORD), WORD);
    },
    double: () => {
      if (vector >= SAVE_AREA) return fromOverflow();
      vector += XMM_BYTES;
      return wordAt(memory, saved + BigInt(vector - XMM_BYTES), WORD);
    },
    ...reader(frame, memory),
  };
}
