import { Decoder, DecoderOptions, InstructionInfoFactory, MemorySizeExt, OpAccess, Register } from './iced.ts';
import { type RegisterRef, registerOf } from './registers.ts';

/** One memory access of an instruction, explicit or implied (stack, strings), as the manual lists it. */
export interface MemoryAccess {
  readonly kind: 'read' | 'write' | 'update';
  /** Bytes accessed; 0 where the manual gives no fixed size (XSAVE). */
  readonly bytes: number;
  /** It may not happen: a repeated string instruction with a count of zero, CMPXCHG's write. */
  readonly conditional: boolean;
  readonly segment: 'fs' | 'gs' | null;
  /** Base and index registers as encoded (32-bit names under 67h). */
  readonly base: RegisterRef | null;
  readonly index: RegisterRef | null;
  readonly scale: number;
  /** Signed; the whole effective address where the operand is RIP-relative. */
  readonly displacement: bigint;
  readonly ripRelative: boolean;
}

const KINDS = new Map<number, MemoryAccess['kind']>([
  [OpAccess.Read, 'read'],
  [OpAccess.CondRead, 'read'],
  [OpAccess.Write, 'write'],
  [OpAccess.CondWrite, 'write'],
  [OpAccess.ReadWrite, 'update'],
  [OpAccess.ReadCondWrite, 'update'],
]);

const CONDITIONAL = new Set<number>([OpAccess.CondRead, OpAccess.CondWrite, OpAccess.ReadCondWrite]);

let factory: InstructionInfoFactory | undefined;

/** Every memory access of the first instruction of `bytes` at linear address `address`; none where it is no instruction. */
export function memoryAccesses(bytes: Uint8Array, address: bigint): MemoryAccess[] {
  factory ??= new InstructionInfoFactory();
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = address;
  const i = decoder.decode();
  const info = factory.info(i);
  const accesses: MemoryAccess[] = [];
  const explicitRip = i.isIpRelMemoryOperand ? i.ipRelMemoryAddress : null;
  for (const used of info.usedMemory()) {
    const kind = KINDS.get(used.access);
    if (kind !== undefined) {
      const displacement = BigInt.asIntN(64, used.displacement);
      const noRegisters = isNone(used.base) && used.index === Register.None;
      accesses.push({
        kind,
        bytes: MemorySizeExt.size(used.memorySize) || (i.isStringInstruction ? MemorySizeExt.size(i.memorySize) : 0),
        conditional: CONDITIONAL.has(used.access),
        segment: used.segment === Register.FS ? 'fs' : used.segment === Register.GS ? 'gs' : null,
        base: isNone(used.base) ? null : registerOf(used.base),
        index: used.index === Register.None ? null : registerOf(used.index),
        scale: used.scale,
        displacement,
        ripRelative: noRegisters && explicitRip !== null && BigInt.asUintN(64, displacement) === explicitRip,
      });
    }
    used.free();
  }
  info.free();
  i.free();
  decoder.free();
  return accesses;
}

const isNone = (register: number): boolean =>
  register === Register.None || register === Register.RIP || register === Register.EIP;

/** Where register values come from. */
export interface AddressSource {
  /** The 64-bit general-purpose register `n`. */
  gpr(n: number): bigint;
  readonly fsBase: bigint;
  readonly gsBase: bigint;
}

/** The offset within the segment, as LEA computes it. */
export function effectiveAddress(access: MemoryAccess, source: AddressSource): bigint {
  const value = (register: RegisterRef | null): bigint =>
    register === null ? 0n : BigInt.asUintN(register.width, source.gpr(register.n));
  const sum = value(access.base) + value(access.index) * BigInt(access.scale) + access.displacement;
  const narrow = access.base?.width === 32 || access.index?.width === 32;
  return BigInt.asUintN(narrow ? 32 : 64, sum);
}

/** The linear address: the effective address plus the FS or GS base. */
export function linearAddress(access: MemoryAccess, source: AddressSource): bigint {
  const base = access.segment === null ? 0n : access.segment === 'fs' ? source.fsBase : source.gsBase;
  return BigInt.asUintN(64, effectiveAddress(access, source) + base);
}
