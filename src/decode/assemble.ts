import { Code, CodeExt, Encoder, Instruction, Mnemonic, OpCodeOperandKind, OpKind, Register } from './iced.ts';
import { disassemble } from './text.ts';

/** A line of assembler text that no encoding gives back: one line. */
export class AssembleError extends Error {
  override readonly name = 'AssembleError';
}

type Operand =
  | { readonly kind: 'register'; readonly register: number }
  | { readonly kind: 'immediate'; readonly value: bigint }
  | {
      readonly kind: 'memory';
      readonly segment: number;
      readonly displacement: bigint | null;
      readonly base: number;
      readonly index: number;
      readonly scale: number;
    };

/** AT&T names that are no Intel name with a suffix. */
const RENAMED: Readonly<Record<string, string>> = {
  movabs: 'mov',
  cltq: 'cdqe',
  cqto: 'cqo',
  cltd: 'cdq',
  cwtl: 'cwde',
  cbtw: 'cbw',
  cwtd: 'cwd',
  movslq: 'movsxd',
  jz: 'je',
  jnz: 'jne',
  jc: 'jb',
  jnc: 'jae',
  repz: 'rep',
};
const WIDENING = /^mov([sz])([bw])([wlq])$/;
const PREFIXES = /^(lock|rep|repz|repnz|repe|repne|bnd|notrack|data16|cs|ds|es|ss)\s+/;
const MEMORY = /^(?:%([fg]s):)?(-?(?:0x[0-9a-f]+|\d+))?(?:\(([^()]*)\))?$/i;
const NUMBER = /^-?(?:0x[0-9a-f]+|\d+)$/i;
const LONGEST = 15;

const IMMEDIATES = new Map<number, number>([
  [OpCodeOperandKind.imm8, OpKind.Immediate8],
  [OpCodeOperandKind.imm8_const_1, OpKind.Immediate8],
  [OpCodeOperandKind.imm8sex16, OpKind.Immediate8to16],
  [OpCodeOperandKind.imm8sex32, OpKind.Immediate8to32],
  [OpCodeOperandKind.imm8sex64, OpKind.Immediate8to64],
  [OpCodeOperandKind.imm16, OpKind.Immediate16],
  [OpCodeOperandKind.imm32, OpKind.Immediate32],
  [OpCodeOperandKind.imm32sex64, OpKind.Immediate32to64],
  [OpCodeOperandKind.imm64, OpKind.Immediate64],
]);
const BRANCHES = new Set<number>([OpCodeOperandKind.br64_1, OpCodeOperandKind.br64_4]);
const MEMORY_KIND = /mem/;

const REGISTERS = new Map<string, number>(
  Object.entries(Register).flatMap(([name, value]) =>
    typeof value === 'number' ? [[name.toLowerCase(), value] as const] : [],
  ),
);
for (let n = 8; n < 16; n++) REGISTERS.set(`r${n}b`, REGISTERS.get(`r${n}l`)!);

interface Form {
  readonly code: number;
  readonly operands: readonly number[];
}

let forms: Map<string, Form[]> | undefined;

/** The encodings of 64-bit mode by Intel mnemonic. */
function formsOf(mnemonic: string): readonly Form[] {
  if (forms === undefined) {
    forms = new Map();
    const scratch = new Instruction();
    for (const code of Object.values(Code)) {
      if (typeof code !== 'number') continue;
      const info = CodeExt.opCode(code);
      scratch.code = code;
      if (info.mode64 && info.isInstruction && !info.fwait) {
        const name = (Mnemonic[scratch.mnemonic] as string).toLowerCase();
        const operands = Array.from({ length: info.opCount }, (_, n) => info.opKind(n) as number);
        const list = forms.get(name) ?? [];
        list.push({ code, operands });
        forms.set(name, list);
      }
      info.free();
    }
    scratch.free();
  }
  return forms.get(mnemonic) ?? [];
}

/** Intel mnemonics that an AT&T one may mean. */
function mnemonics(name: string): string[] {
  const widening = WIDENING.exec(name);
  if (widening !== null) return [widening[1] === 'z' ? 'movzx' : 'movsx', name];
  const renamed = RENAMED[name];
  const bare = name.replace(name.startsWith('f') ? /(?:[stq]|l{1,2})$/ : /[bwlq]$/, '');
  return [
    name,
    ...(renamed === undefined ? [] : [renamed]),
    ...(bare === name ? [] : [bare]),
    ...(RENAMED[bare] === undefined ? [] : [RENAMED[bare]]),
  ];
}

function parseOperand(text: string): Operand | null {
  const plain = text.replace(/^\*/, '');
  if (plain.startsWith('$'))
    return NUMBER.test(plain.slice(1)) ? { kind: 'immediate', value: number(plain.slice(1)) } : null;
  const register = /^%(\w+(?:\(\d\))?)$/.exec(plain);
  if (register !== null) {
    const found = REGISTERS.get(register[1]!.replace(/\((\d)\)/, '$1'));
    return found === undefined ? null : { kind: 'register', register: found };
  }
  const memory = MEMORY.exec(plain);
  if (memory === null) return null;
  const [, segment, displacement, inside] = memory;
  const [base = '', index = '', scale = '1'] = (inside ?? '').split(',').map((part) => part.trim());
  const named = (name: string): number | undefined => (name === '' ? Register.None : REGISTERS.get(name.slice(1)));
  const b = named(base);
  const i = named(index);
  if (b === undefined || i === undefined) return null;
  return {
    kind: 'memory',
    segment: segment === undefined ? Register.None : segment.toLowerCase() === 'gs' ? Register.GS : Register.FS,
    displacement: displacement === undefined ? null : number(displacement),
    base: b,
    index: i,
    scale: Number(scale),
  };
}

const number = (text: string): bigint => (text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text));

/** Commas outside parentheses part operands. */
const splitOperands = (text: string): string[] =>
  text === '' ? [] : text.split(/,(?![^(]*\))/).map((part) => part.trim());

/** binutils wrote no count for shifts by one until 2.41. */
const SHIFT_BY_ONE = /^((?:sh|sa|ro|rc)[lr][bwlq]?) \$(?:0x)?1,(?!.*,)/;

/** A line for comparison: no names, no comment, one space, suffixes that 64-bit mode implies left out. */
export function plainText(text: string): string {
  return text
    .toLowerCase()
    .replace(/\s*[#;].*$/, '')
    .replace(/\s*<[^<>]*>/g, '')
    .replace(/\s+/g, ' ')
    .replace(/, /g, ',')
    .replace(/^((?:\w+ )?)(call|ret|push|pop|jmp|leave)q\b/, '$1$2')
    .replace(SHIFT_BY_ONE, '$1 ')
    .replace(/(^|[\s,])(0x)?0+([0-9a-f])/g, '$1$2$3')
    .trim();
}

/**
 * Encodes one instruction of AT&T text as objdump and gdb write it.
 * @param address where it stands: branches and RIP-relative operands depend on it
 * @param length bytes that it has, or null: then the shortest encoding
 * @throws AssembleError where nothing that is encoded reads like the text
 */
export function assemble(text: string, address: bigint, length: number | null): Uint8Array {
  const wanted = plainText(text);
  const string = assembleString(wanted);
  if (string !== null && (length === null || string.length === length)) return string;
  let rest = wanted;
  const prefixes: string[] = [];
  for (let match = PREFIXES.exec(rest); match !== null; match = PREFIXES.exec(rest)) {
    prefixes.push(match[1]!);
    rest = rest.slice(match[0].length);
  }
  const [name = '', ...tail] = rest.split(' ');
  const operandTexts = splitOperands(tail.join(' '));
  const operands = operandTexts.map(parseOperand);
  if (operands.includes(null)) throw new AssembleError(`cannot read the operands of «${text.trim()}»`);
  const intel = (operands as Operand[]).reverse();
  let best: Uint8Array | null = null;
  for (const mnemonic of mnemonics(name)) {
    for (const form of formsOf(mnemonic)) {
      if (form.operands.length !== intel.length && !(intel.length === form.operands.length - 1)) continue;
      for (const bytes of encodings(form, intel, prefixes, address, length)) {
        if (length !== null && bytes.length !== length) continue;
        if (best !== null && best.length <= bytes.length) continue;
        if (sameText(plainText(disassemble(bytes, address).text), wanted)) best = bytes;
      }
    }
    if (best !== null) return best;
  }
  const size = length === null ? '' : ` of ${length} bytes`;
  throw new AssembleError(`no encoding${size} reads as «${text.trim()}»`);
}

/**
 * Numbers may be written in decimal, with another sign or with a zero displacement, and a suffix may be there or not where a register
 * says the width.
 */
function sameText(ours: string, wanted: string): boolean {
  if (ours === wanted) return true;
  const a = canonical(ours);
  const b = canonical(wanted);
  if (a === b) return true;
  return /[ ,*]%(?![fg]s:)/.test(wanted) && (a.replace(SUFFIXED, '$1 ') === b || a === b.replace(SUFFIXED, '$1 '));
}
const SUFFIXED = /^(\w+?)[bwlq] /;
const canonical = (text: string): string =>
  text
    .replace(/(?<![\w%])-?(?:0x[0-9a-f]+|\d+)\b/g, (digits) => BigInt.asUintN(64, number(digits)).toString(16))
    .replace(/(^|[\s,:*])0\(/g, '$1(');

const STRING = /^(?:(repn?[ze]?) )?(movs|cmps|stos|lods|scas)([bwlq]?)(?: (.*))?$/;
const STRING_OPCODES: Readonly<Record<string, number>> = { movs: 0xa4, cmps: 0xa6, stos: 0xaa, lods: 0xac, scas: 0xae };
const ACCUMULATORS: Readonly<Record<string, string>> = { '%al': 'b', '%ax': 'w', '%eax': 'l', '%rax': 'q' };

/** A string instruction: its operands are implied, and say the width at most. */
function assembleString(text: string): Uint8Array | null {
  const match = STRING.exec(text);
  if (match === null) return null;
  const [, repeat, name, suffix, operands = ''] = match;
  if (operands !== '' && !/[(%]/.test(operands)) return null;
  const register = /%(?:[er]?ax|al)\b/.exec(operands)?.[0];
  const width = suffix || (register === undefined ? '' : ACCUMULATORS[register]);
  if (!width || (name === 'movs' && /%xmm/.test(operands))) return null;
  const opcode = STRING_OPCODES[name!]! + (width === 'b' ? 0 : 1);
  return Uint8Array.from([
    ...(repeat === undefined ? [] : [repeat.startsWith('repn') ? 0xf2 : 0xf3]),
    ...(width === 'w' ? [0x66] : width === 'q' ? [0x48] : []),
    opcode,
  ]);
}

function* encodings(
  form: Form,
  operands: readonly Operand[],
  prefixes: readonly string[],
  address: bigint,
  length: number | null,
): Generator<Uint8Array> {
  const memory = operands.find((operand) => operand.kind === 'memory');
  const relative = memory !== undefined && memory.base === Register.RIP;
  const lengths = relative ? (length === null ? Array.from({ length: LONGEST }, (_, n) => n + 1) : [length]) : [0];
  const sizes = memory === undefined ? [0] : memory.base === Register.None ? [8] : relative ? [8] : [0, 1, 8];
  for (const guess of lengths) {
    for (const size of sizes) {
      const bytes = encode(form, operands, prefixes, address, guess, size);
      if (bytes !== null && (!relative || bytes.length === guess)) yield bytes;
    }
  }
}

function encode(
  form: Form,
  operands: readonly Operand[],
  prefixes: readonly string[],
  address: bigint,
  length: number,
  displacementSize: number,
): Uint8Array | null {
  const i = new Instruction();
  const encoder = new Encoder(64);
  try {
    i.code = form.code;
    for (const [n, kind] of form.operands.entries()) {
      const operand = operands[n];
      if (operand === undefined) {
        if (kind !== OpCodeOperandKind.imm8_const_1) return null;
        i.setOpKind(n, OpKind.Immediate8);
        i.setImmediateI32(n, 1);
      } else if (!setOperand(i, n, kind, operand, address, length, displacementSize)) return null;
    }
    if (prefixes.includes('lock')) i.hasLockPrefix = true;
    if (prefixes.some((prefix) => /^rep[ze]?$/.test(prefix))) i.hasRepPrefix = true;
    if (prefixes.some((prefix) => /^repn[ze]$/.test(prefix))) i.hasRepnePrefix = true;
    encoder.encode(i, address);
    return encoder.takeBuffer();
  } catch {
    // This form does not take these operands.
    return null;
  } finally {
    encoder.free();
    i.free();
  }
}

function setOperand(
  i: Instruction,
  n: number,
  kind: number,
  operand: Operand,
  address: bigint,
  length: number,
  displacementSize: number,
): boolean {
  switch (operand.kind) {
    case 'register':
      i.setOpKind(n, OpKind.Register);
      i.setOpRegister(n, operand.register);
      return true;
    case 'immediate': {
      const immediate = IMMEDIATES.get(kind);
      if (immediate === undefined) return false;
      i.setOpKind(n, immediate);
      i.setImmediateI64(n, BigInt.asIntN(64, operand.value));
      return true;
    }
    case 'memory': {
      if (BRANCHES.has(kind)) {
        if (operand.base !== Register.None || operand.index !== Register.None || operand.displacement === null)
          return false;
        i.setOpKind(n, OpKind.NearBranch64);
        i.nearBranch64 = BigInt.asUintN(64, operand.displacement);
        return true;
      }
      if (!MEMORY_KIND.test(OpCodeOperandKind[kind] as string)) return false;
      const displacement = operand.displacement ?? 0n;
      i.setOpKind(n, OpKind.Memory);
      i.memoryBase = operand.base;
      i.memoryIndex = operand.index;
      i.memoryIndexScale = operand.scale;
      i.memoryDisplSize = displacementSize;
      i.memoryDisplacement = BigInt.asUintN(
        64,
        operand.base === Register.RIP ? address + BigInt(length) + displacement : displacement,
      );
      i.segmentPrefix = operand.segment;
      return true;
    }
  }
}
