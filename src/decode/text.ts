import { Code, Decoder, DecoderOptions, Formatter, FormatterSyntax, Instruction, OpKind, Register } from './iced.ts';

/** One instruction as text in AT&T syntax. */
export interface InsnText {
  readonly address: bigint;
  /** Bytes of the instruction; a single one where they are no instruction. */
  readonly bytes: Uint8Array;
  /** As objdump writes it, without symbols: `mov    %gs:0x2ac80,%rax`; `(bad)` where the bytes are no instruction. */
  readonly text: string;
  /** Where a near branch goes. */
  readonly target: bigint | null;
  /** The effective address of a memory operand that no register decides: RIP-relative or absolute. Without FS and GS base. */
  readonly place: bigint | null;
  readonly ripRelative: boolean;
  readonly segment: 'fs' | 'gs' | null;
}

/** objdump pads mnemonics to six letters. */
const OPERAND_COLUMN = 7;

let formatter: Formatter | undefined;

function gas(): Formatter {
  if (formatter !== undefined) return formatter;
  formatter = new Formatter(FormatterSyntax.Gas);
  formatter.firstOperandCharIndex = OPERAND_COLUMN;
  formatter.ripRelativeAddresses = true;
  formatter.smallHexNumbersInDecimal = false;
  formatter.signedImmediateOperands = false;
  formatter.uppercaseHex = false;
  formatter.branchLeadingZeros = false;
  formatter.showUselessPrefixes = true;
  formatter.showZeroDisplacements = true;
  return formatter;
}

const NEAR = [OpKind.NearBranch16, OpKind.NearBranch32, OpKind.NearBranch64];

/** Target of a near branch, or null for every other instruction. */
function nearTarget(i: Instruction): bigint | null {
  return i.opCount > 0 && NEAR.includes(i.op0Kind) ? i.nearBranchTarget : null;
}

function hasMemory(i: Instruction): boolean {
  for (let n = 0; n < i.opCount; n++) if (i.opKind(n) === OpKind.Memory) return true;
  return false;
}

function constantPlace(i: Instruction): bigint | null {
  if (!hasMemory(i) || i.memoryIndex !== Register.None) return null;
  if (i.memoryBase !== Register.None && !i.isIpRelMemoryOperand) return null;
  return i.isIpRelMemoryOperand ? i.ipRelMemoryAddress : BigInt.asUintN(64, i.memoryDisplacement);
}

/** Suffixes that objdump leaves out, as the operation has no other width in 64-bit mode. */
const IMPLIED_SUFFIX = /^((?:bnd |notrack )*)(call|jmp|push|pop|ret|leave|sysret)q( *)/;
const THREE_OPERAND_IMUL = /^Imul_r\d+_rm\d+_imm/;
/** x87 instructions whose operands the formatter leaves out where they are the usual ones. */
const X87_ARITHMETIC = /^f(add|mul|subr?|divr?)p *$/;
const X87_ONE = /^f(xch|u?comp?) *$/;
const SHIFT_BY_ONE = /^(Rol|Ror|Rcl|Rcr|Shl|Shr|Sal|Sar)_rm\d+_1$/;

const pad = (mnemonic: string, spaces: string): string =>
  spaces === '' ? mnemonic : `${mnemonic} `.padEnd(OPERAND_COLUMN);

/** The few places in which objdump 2.40 writes something else than the formatter. */
function asObjdump(i: Instruction, bytes: Uint8Array, formatted: string): string {
  let text = formatted.replace(IMPLIED_SUFFIX, (_, prefix, name, spaces) => prefix + pad(name, spaces));
  if (hasMemory(i)) {
    if (i.memoryDisplSize === 0) text = text.replace(/(^|[ ,*:])0x0\(/, '$1(');
    if (i.memoryIndexScale === 1) text = text.replace(/\((%\w+)?,(%\w+)\)/, '($1,$2,1)');
  }
  if (i.isStringInstruction)
    text = text.replace(/(?<!:)\(%([re])si\)/, '%ds:(%$1si)').replace(/(?<!:)\(%([re])di\)/, '%es:(%$1di)');
  if (SHIFT_BY_ONE.test(Code[i.code] as string)) text = text.replace('$0x1,', '');
  if (i.code === Code.Nop_rm16)
    text = `${'data16 '.repeat(extraSizePrefixes(bytes))}${text.replace(/^nopw +%cs:/, 'cs nopw ')}`;
  if (THREE_OPERAND_IMUL.test(Code[i.code] as string)) text = text.replace(/^(imul +[^,]+),(%\w+)$/, '$1,$2,$2');
  if (X87_ARITHMETIC.test(text)) text = `${pad(text.trim(), ' ')}%st,%st(1)`;
  else if (X87_ONE.test(text)) text = `${pad(text.trim(), ' ')}%st(1)`;
  if (i.hasRepPrefix) text = text.replace(/^rep ret/, 'repz ret');
  return text;
}

/** Compilers fill gaps with a no-op of many operand-size prefixes. */
function extraSizePrefixes(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0x66);
  return Math.max(0, first - 1);
}
/**
 * The first instruction of `bytes` as text.
 * @param address linear address of the first byte: RIP-relative operands and branch targets count from it
 */
export function disassemble(bytes: Uint8Array, address: bigint): InsnText {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = address;
  const i = new Instruction();
  decoder.decodeOut(i);
  decoder.free();
  if (i.code === Code.INVALID) {
    i.free();
    const none = { target: null, place: null, ripRelative: false, segment: null };
    return { address, bytes: bytes.slice(0, 1), text: '(bad)', ...none };
  }
  const target = nearTarget(i);
  const text = asObjdump(i, bytes, gas().format(i));
  const place = constantPlace(i);
  const segment = hasMemory(i) ? i.memorySegment : i.segmentPrefix;
  const result: InsnText = {
    address,
    bytes: bytes.slice(0, i.length),
    text,
    target,
    place,
    ripRelative: place !== null && i.isIpRelMemoryOperand,
    segment: segment === Register.FS ? 'fs' : segment === Register.GS ? 'gs' : null,
  };
  i.free();
  return result;
}
