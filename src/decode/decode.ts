import { Random } from '../bits/random.ts';
import {
  Code,
  CpuidFeature,
  Decoder,
  DecoderError,
  DecoderOptions,
  EncodingKind,
  Instruction,
  MemorySizeExt,
  Mnemonic,
  OpKind,
  Register,
} from './iced.ts';
import { type DecodeFailure, type Insn, isPrefix, type LegacyInsn, type MemoryOperand, type Operand } from './insn.ts';
import { registerOf, SEGMENT_NAMES } from './registers.ts';

/** The architecture's limit (SDM 2A 2.3.11). */
export const MAX_INSN_LENGTH = 15;

const MNEMONICS = new Map<number, string>();
for (const [name, value] of Object.entries(Mnemonic))
  if (typeof value === 'number') MNEMONICS.set(value, name.toLowerCase());

/** Encodings whose mnemonic says a width: the definition is shared and takes `insn.width`. */
const STRING_CODES = /^(Movs|Cmps|Stos|Lods|Scas|Ins|Outs)([bwdq])_(?!xmm)/;
const STRING_WIDTH: Record<string, number> = { b: 8, w: 16, d: 32, q: 64 };
/** Stack instructions that come in 16- and 64-bit forms without saying so in an operand. */
const STACK_FORM = /^(Pushf|Popf|Leave|Enter|Iret|Retf|Sysret|Sysexit|Push(?=[wq]_[FG]S$)|Pop(?=[wq]_[FG]S$))([wdq])/;

/** Far transfers are instructions of their own: CALLF, JMPF. */
const FAR = /^(Call|Jmp)_(?:m16|ptr)\d+$/;

/** LOOPcc: the counter's width is the address size. */
const COUNTER = /^Loop.*_(R|E)CX$/;

/** An address in EAX that no operand shows. */
const IMPLIED_EAX = /^(?:Monitorx?|Clzero)d$/;

/** Encodings with registers and operand forms of their own: their definitions stand under a name with this in front. */
const OWN_NAME = new Map<number, string>([
  [EncodingKind.EVEX, 'evex.'],
  [EncodingKind.MVEX, 'mvex.'],
]);

interface CodeInfo {
  readonly name: string;
  readonly features: readonly string[];
  readonly mnemonic: string;
  readonly width: number;
}
const CODES = new Map<number, CodeInfo>();

function codeInfo(i: Instruction): CodeInfo {
  const { code, mnemonic } = i;
  let info = CODES.get(code);
  if (info === undefined) {
    const features = [...i.cpuidFeatures()].map((feature) => CpuidFeature[feature] as string);
    const name = Code[code] as string;
    const string = STRING_CODES.exec(name);
    const stack = STACK_FORM.exec(name);
    const far = FAR.exec(name);
    const counter = COUNTER.exec(name);
    if (string) info = { name, features, mnemonic: string[1]!.toLowerCase(), width: STRING_WIDTH[string[2]!]! };
    else if (stack) info = { name, features, mnemonic: stack[1]!.toLowerCase(), width: STRING_WIDTH[stack[2]!]! };
    else if (far) info = { name, features, mnemonic: `${far[1]!.toLowerCase()}f`, width: 0 };
    else if (counter)
      info = { name, features, mnemonic: MNEMONICS.get(mnemonic)!, width: counter[1] === 'E' ? 32 : 64 };
    else info = { name, features, mnemonic: (OWN_NAME.get(i.encoding) ?? '') + MNEMONICS.get(mnemonic)!, width: 0 };
    CODES.set(code, info);
  }
  return info;
}

const EVEX = 0x62;
const RSP = 4;
const RBP = 5;

function memoryOperand(i: Instruction): MemoryOperand {
  const base = i.memoryBase;
  const index = i.memoryIndex;
  const indexed = index === Register.None ? null : registerOf(index);
  const vector = indexed?.file === 'vector' ? { n: indexed.n, width: indexed.width } : null;
  const ripRelative = base === Register.RIP || base === Register.EIP;
  const baseNumber = ripRelative || base === Register.None ? null : registerOf(base).n;
  const segment = segmentOf(i.memorySegment);
  const address32 =
    base === Register.EIP ||
    (!ripRelative && base !== Register.None && registerOf(base).width === 32) ||
    (index !== Register.None && registerOf(index).width === 32) ||
    (base === Register.None && (index === Register.None || vector !== null) && i.memoryDisplSize === 4);
  return {
    kind: 'mem',
    width: MemorySizeExt.size(i.memorySize) * 8,
    base: ripRelative ? 'rip' : baseNumber,
    index: index === Register.None || vector !== null ? null : registerOf(index).n,
    vector,
    shift: Math.log2(i.memoryIndexScale),
    displacement: BigInt.asIntN(64, i.memoryDisplacement),
    segment,
    address32,
    stack: segment === null && (baseNumber === RSP || baseNumber === RBP),
  };
}

function segmentOf(register: number): 'fs' | 'gs' | null {
  return register === Register.FS ? 'fs' : register === Register.GS ? 'gs' : null;
}

function operand(i: Instruction, n: number): Operand | null {
  const kind = i.opKind(n);
  switch (kind) {
    case OpKind.Register: {
      const register = registerOf(i.opRegister(n));
      return { kind: 'reg', register, width: register.width };
    }
    case OpKind.Memory:
      return memoryOperand(i);
    case OpKind.NearBranch16:
      return { kind: 'rel', offset: BigInt.asIntN(16, BigInt(i.nearBranch16)), width: 16 };
    case OpKind.NearBranch32:
      return { kind: 'rel', offset: BigInt.asIntN(32, BigInt(i.nearBranch32)), width: 32 };
    case OpKind.NearBranch64:
      return { kind: 'rel', offset: BigInt.asIntN(64, i.nearBranchTarget), width: 64 };
    case OpKind.Immediate8:
    case OpKind.Immediate8_2nd:
      return { kind: 'imm', value: i.immediate(n), width: 8 };
    case OpKind.Immediate16:
      return { kind: 'imm', value: i.immediate(n), width: 16 };
    case OpKind.Immediate32:
      return { kind: 'imm', value: i.immediate(n), width: 32 };
    case OpKind.Immediate64:
    case OpKind.Immediate8to64:
    case OpKind.Immediate32to64:
      return { kind: 'imm', value: BigInt.asUintN(64, i.immediate(n)), width: 64 };
    case OpKind.Immediate8to16:
      return { kind: 'imm', value: BigInt.asUintN(16, i.immediate(n)), width: 16 };
    case OpKind.Immediate8to32:
      return { kind: 'imm', value: BigInt.asUintN(32, i.immediate(n)), width: 32 };
    default:
      // Implicit memory of string instructions: the definition knows it.
      return null;
  }
}

const ADDRESS32_STRING = new Set<number>([OpKind.MemorySegESI, OpKind.MemorySegEDI, OpKind.MemoryESEDI]);

const REX_B = 0x41;
const REPZ = 0xf3;
const IGNORED_PREFIX = 0x3e;

/** F3 with REX.B and 90 exchanges R8 with RAX: the CPU looks at REX.B before it takes F3 90 for PAUSE. */
const isExchange = (bytes: Uint8Array, length: number): boolean => (bytes[length - 2]! & 0xf1) === REX_B;

function decodeExchange(bytes: Uint8Array): ReturnType<typeof decodeAlone> {
  const plain = decodeAlone(bytes.map((byte) => (byte === REPZ ? IGNORED_PREFIX : byte)));
  if (typeof plain === 'string') return plain;
  return Object.freeze({ ...plain, bytes: bytes.slice(0, plain.length) });
}

const REX = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xf0) === 0x40;
/** Segment overrides and the address size say nothing about what is an instruction. */
const NEUTRAL = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x67]);
const REPEATS = new Set([0xf2, 0xf3]);

/** The same instruction with only those prefixes that decide whether it is one. */
function withoutIdlePrefixes(bytes: Uint8Array): Uint8Array {
  const opcode = bytes.findIndex((byte) => !isPrefix(byte));
  const end = opcode < 0 ? bytes.length : opcode;
  const kept: number[] = [];
  for (let at = 0; at < end; at++) {
    const byte = bytes[at]!;
    const later = bytes.subarray(at + 1, end);
    const idle = REX(byte) ? later.length > 0 : NEUTRAL.has(byte) || later.includes(byte);
    if (!idle && !(REPEATS.has(byte) && later.some((other) => REPEATS.has(other)))) kept.push(byte);
  }
  return Uint8Array.from([...kept, ...bytes.subarray(end)]);
}

/** Continuations tried before bytes are taken for hopeless. */
const TRIES = 512;

/** Whether some continuation makes these bytes an instruction, be it longer than 15 bytes. */
export function mayContinue(bytes: Uint8Array): boolean {
  const short = withoutIdlePrefixes(bytes);
  if (short.length >= MAX_INSN_LENGTH) return false;
  const random = new Random(short.length);
  const padded = new Uint8Array(MAX_INSN_LENGTH);
  for (let n = 0; n < TRIES; n++) {
    padded.set(random.bytes(MAX_INSN_LENGTH));
    padded.set(short);
    if (typeof decodeAlone(padded) !== 'string') return true;
  }
  return false;
}

/** Whether 15 bytes that are no instruction are the start of a longer one, which iced does not tell from other bad bytes. */
function isCut(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, MAX_INSN_LENGTH);
  return decodeAlone(head.subarray(0, MAX_INSN_LENGTH - 1)) === 'more' && mayContinue(head);
}

let scratch: Instruction | undefined;

/**
 * Decodes the instruction at the start of `bytes` in 64-bit mode, as an Intel CPU does.
 * RIP-relative displacements and branch targets count from the instruction's first byte.
 *
 * @param bytes what could be fetched: 15 bytes, or fewer where a page ends
 */
export function decode(bytes: Uint8Array): Insn | DecodeFailure {
  const insn = decodeAlone(bytes);
  return insn === 'invalid' && bytes.length >= MAX_INSN_LENGTH && isCut(bytes) ? 'too-long' : insn;
}

/** The same on a CPU without TZCNT and LZCNT: with their prefix BSF and BSR. */
export const decodeWithoutBitCounts = (bytes: Uint8Array): Insn | DecodeFailure =>
  decodeAlone(bytes, WITHOUT_BIT_COUNTS);
const WITHOUT_BIT_COUNTS = DecoderOptions.NoMPFX_0FBC | DecoderOptions.NoMPFX_0FBD;

/** Instruction of `bits`-bit code at the start of the bytes, in `i`. */
function decodeInto(
  i: Instruction,
  bytes: Uint8Array,
  bits: 16 | 32 | 64,
  options: number = DecoderOptions.None,
): 'decoded' | 'invalid' | 'more' {
  const decoder = new Decoder(
    bits,
    bytes.length > MAX_INSN_LENGTH ? bytes.subarray(0, MAX_INSN_LENGTH) : bytes,
    options,
  );
  decoder.decodeOut(i);
  const error = decoder.lastError;
  decoder.free();
  if (error === DecoderError.NoMoreBytes) return 'more';
  return error !== DecoderError.None || i.code === Code.INVALID ? 'invalid' : 'decoded';
}

function decodeAlone(bytes: Uint8Array, options: number = DecoderOptions.None): Insn | 'invalid' | 'more' {
  scratch ??= new Instruction();
  const i = scratch;
  const decoded = decodeInto(i, bytes, 64, options);
  if (decoded !== 'decoded') return decoded;
  if (i.code === Code.Pause && isExchange(bytes, i.length)) return decodeExchange(bytes);
  return Object.freeze(described(i, bytes));
}

/** P2 of an EVEX prefix as an operand: aaa in bits 2:0, b 4, L'L 6:5, z 7 (SDM 2A 2.7.1). V' is part of a register operand. */
function evexControl(bytes: Uint8Array, length: number): Operand {
  const at = bytes.subarray(0, length).indexOf(EVEX);
  return { kind: 'imm', value: BigInt(bytes[at + 3]! & 0xf7), width: 8 };
}

function described(i: Instruction, bytes: Uint8Array): Insn {
  const info = codeInfo(i);
  const operands: Operand[] = [];
  let address32 = IMPLIED_EAX.test(info.name);
  for (let n = 0; n < i.opCount; n++) {
    const op = operand(i, n);
    if (op !== null) operands.push(op);
    else if (ADDRESS32_STRING.has(i.opKind(n))) address32 = true;
  }
  const length = i.length;
  if (info.mnemonic.startsWith('evex.')) operands.push(evexControl(bytes, length));
  return {
    bytes: bytes.slice(0, length),
    length,
    code: i.code,
    codeName: info.name,
    features: info.features,
    mnemonic: info.mnemonic,
    operands: Object.freeze(operands),
    lock: i.hasLockPrefix,
    repeat: i.hasRepnePrefix ? 'repne' : i.hasRepPrefix ? 'rep' : null,
    width: info.width,
    addressWidth: address32 || operands.some((op) => op.kind === 'mem' && op.address32) ? 32 : 64,
    segment: segmentOf(i.segmentPrefix),
  };
}

const ADDRESS16_STRING = new Set<number>([OpKind.MemorySegSI, OpKind.MemorySegDI, OpKind.MemoryESDI]);

/** Address size of an instruction of 16- or 32-bit code. */
function legacyAddressSize(i: Instruction, bits: 16 | 32): 16 | 32 {
  const counter = /_(E?)CX$/.exec(Code[i.code] as string);
  if (counter) return counter[1] === 'E' ? 32 : 16;
  for (let n = 0; n < i.opCount; n++) {
    const kind = i.opKind(n);
    if (ADDRESS16_STRING.has(kind)) return 16;
    if (ADDRESS32_STRING.has(kind)) return 32;
    if (kind !== OpKind.Memory) continue;
    const register = i.memoryBase !== Register.None ? i.memoryBase : i.memoryIndex;
    if (register !== Register.None) return registerOf(register).width === 16 ? 16 : 32;
    return i.memoryDisplSize === 2 ? 16 : 32;
  }
  return bits;
}

function farTarget(i: Instruction): LegacyInsn['far'] {
  if (i.opCount === 0) return null;
  const kind = i.opKind(0);
  if (kind === OpKind.FarBranch16) return { offset: i.farBranch16, selector: i.farBranchSelector, width: 16 };
  return kind === OpKind.FarBranch32 ? { offset: i.farBranch32, selector: i.farBranchSelector, width: 32 } : null;
}

/** Decodes an instruction of 16- or 32-bit code. Branch targets count from its first byte. */
export function decodeLegacy(bytes: Uint8Array, bits: 16 | 32, withoutBitCounts = false): LegacyInsn | DecodeFailure {
  scratch ??= new Instruction();
  const i = scratch;
  const decoded = decodeInto(i, bytes, bits, withoutBitCounts ? WITHOUT_BIT_COUNTS : DecoderOptions.None);
  if (decoded !== 'decoded') return decoded;
  const segment = i.memorySegment === Register.None ? SEGMENT_NAMES.indexOf('ds') : registerOf(i.memorySegment).n;
  const addressSize = legacyAddressSize(i, bits);
  return Object.freeze({ ...described(i, bytes), bits, addressSize, memorySegment: segment, far: farTarget(i) });
}
