import { Register } from './iced.ts';

/** The register files of the architecture that an operand may name. */
export type RegisterFile = 'gpr' | 'vector' | 'mm' | 'st' | 'seg' | 'cr' | 'dr' | 'k' | 'tmm' | 'other';

/** A register as an operand: which file, which number, how much of it. */
export interface RegisterRef {
  readonly file: RegisterFile;
  readonly n: number;
  /** Bits that the operand names: 8, 16, 32, 64, 80 (x87), 128 … */
  readonly width: number;
  /** AH, CH, DH, BH: bits 15:8 of register `n`. */
  readonly high: boolean;
  /** Lower-case name as assemblers write it. */
  readonly name: string;
}

const GPR64 = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
const GPR32 = 'eax ecx edx ebx esp ebp esi edi r8d r9d r10d r11d r12d r13d r14d r15d'.split(' ');
const GPR16 = 'ax cx dx bx sp bp si di r8w r9w r10w r11w r12w r13w r14w r15w'.split(' ');
const GPR8 = 'al cl dl bl spl bpl sil dil r8l r9l r10l r11l r12l r13l r14l r15l'.split(' ');
const GPR8_HIGH = 'ah ch dh bh'.split(' ');
const SEGMENTS = 'es cs ss ds fs gs'.split(' ');

/** Names of the sixteen 64-bit general-purpose registers in encoding order. */
export const GPR_NAMES: readonly string[] = GPR64;
/** Names of the six segment registers in encoding order. */
export const SEGMENT_NAMES: readonly string[] = SEGMENTS;

const NUMBERED: readonly [RegExp, RegisterFile, number][] = [
  [/^xmm(\d+)$/, 'vector', 128],
  [/^ymm(\d+)$/, 'vector', 256],
  [/^zmm(\d+)$/, 'vector', 512],
  [/^mm(\d+)$/, 'mm', 64],
  [/^st(\d+)$/, 'st', 80],
  [/^cr(\d+)$/, 'cr', 64],
  [/^dr(\d+)$/, 'dr', 64],
  [/^k(\d+)$/, 'k', 64],
  [/^tmm(\d+)$/, 'tmm', 8192],
];

function classify(name: string): RegisterRef {
  const make = (file: RegisterFile, n: number, width: number, high = false): RegisterRef =>
    Object.freeze({ file, n, width, high, name });
  const tables: readonly [string[], RegisterFile, number, boolean][] = [
    [GPR64, 'gpr', 64, false],
    [GPR32, 'gpr', 32, false],
    [GPR16, 'gpr', 16, false],
    [GPR8, 'gpr', 8, false],
    [GPR8_HIGH, 'gpr', 8, true],
    [SEGMENTS, 'seg', 16, false],
  ];
  for (const [names, file, width, high] of tables) {
    const n = names.indexOf(name);
    if (n >= 0) return make(file, n, width, high);
  }
  for (const [pattern, file, width] of NUMBERED) {
    const match = pattern.exec(name);
    if (match) return make(file, Number(match[1]), width);
  }
  return make('other', 0, 0);
}

const BY_ICED = new Map<number, RegisterRef>();
const BY_NAME = new Map<string, RegisterRef>();
for (const [name, value] of Object.entries(Register)) {
  if (typeof value !== 'number') continue;
  const ref = classify(name.toLowerCase());
  BY_ICED.set(value, ref);
  BY_NAME.set(ref.name, ref);
}
for (let n = 8; n < 16; n++) BY_NAME.set(`r${n}b`, BY_NAME.get(`r${n}l`)!);

/** The register behind a number of iced's `Register` enumeration. */
export function registerOf(iced: number): RegisterRef {
  return BY_ICED.get(iced)!;
}

/** The register of that name in any case (`rax`, `r8b`, `xmm3`), or undefined. */
export function registerNamed(name: string): RegisterRef | undefined {
  return BY_NAME.get(name.toLowerCase());
}
