import type { Random } from '../bits/random.ts';
import type { MemoryPatch } from '../oracle/case.ts';
import { DATA, WRITABLE_CODE } from '../oracle/layout.ts';
import { ATTRIBUTE, FLAT, flatDescriptor, SYSTEM_TYPE } from '../state/descriptors.ts';
import { VECTOR } from '../state/pending.ts';
import { drawTarget, STACK } from './targets.ts';

/**
 * System instructions with operands that mean something: drawn anywhere, nearly all of them would end in #GP. Tables lie in memory
 * from the start, and short pieces of code load them, change bits of control registers, or go elsewhere by them.
 */

/** One step of a piece. */
export interface SystemStep {
  readonly bytes: readonly number[];
  /** The RIP-relative operand lies at the first instruction behind the piece. */
  readonly behind?: true;
}

const at = (offset: number): number => Number(DATA.base) + 0x1a00 + offset;
const AT = {
  gdtr: at(0x00),
  idtr: at(0x10),
  invpcid: at(0x20),
  far: at(0x30),
  ldt: at(0x40),
  gdt: at(0x80),
  tss: at(0x108),
  idt: at(0x200),
  handlers: Number(WRITABLE_CODE.base) + 0x1f00,
} as const;
const SELECTOR = {
  kernelCode: 0x10,
  kernelData: 0x18,
  code32: 0x23,
  userData: 0x2b,
  userCode: 0x33,
  tss: 0x38,
  ldt: 0x48,
};
const TSS_BYTES = 0x68;
const GATES = 32;
/** Vectors whose exceptions push an error code. */
const WITH_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17, 21]);

function little(value: bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));
}
const u32 = (value: number): number[] => little(BigInt(value >>> 0), 4);

function systemDescriptor(type: number, base: number, limit: number): number[] {
  const low = (BigInt(base & 0xffff) << 16n) | BigInt(limit);
  const high = BigInt((base & 0xff00_0000) >>> 0) | BigInt((base >>> 16) & 0xff) | BigInt((ATTRIBUTE.P | type) << 8);
  return [...little(low | (high << 32n), 8), ...little(0n, 8)];
}

function table(): number[] {
  const plain = [
    0n,
    flatDescriptor(FLAT.code32(0)),
    flatDescriptor(FLAT.longCode(0)),
    flatDescriptor(FLAT.data(0)),
    flatDescriptor(FLAT.code32(3)),
    flatDescriptor(FLAT.data(3)),
    flatDescriptor(FLAT.longCode(3)),
  ];
  return [
    ...plain.flatMap((descriptor) => little(descriptor, 8)),
    ...systemDescriptor(SYSTEM_TYPE.availableTss, AT.tss, TSS_BYTES - 1),
    ...systemDescriptor(SYSTEM_TYPE.ldt, AT.ldt, 0x1f),
    ...little(flatDescriptor(FLAT.longCode(0) | ATTRIBUTE.DOWN_CONFORMING), 8),
    ...little(flatDescriptor(FLAT.data(0) & ~ATTRIBUTE.P), 8),
    ...little(flatDescriptor(FLAT.data(0) & ~ATTRIBUTE.READ_WRITE), 8),
    ...little(flatDescriptor(FLAT.code32(0) & ~ATTRIBUTE.DB), 8),
  ];
}

/** IRETQ behind one more byte of what faulted; HLT for the breakpoint that ends a sequence. */
const HANDLERS = {
  stop: [0xf4],
  plain: [0x48, 0x83, 0x04, 0x24, 0x01, 0x48, 0xcf],
  coded: [0x48, 0x83, 0xc4, 0x08, 0x48, 0x83, 0x04, 0x24, 0x02, 0x48, 0xcf],
} as const;
const HANDLER_BYTES = 16;

function gate(vector: number, random: Random): number[] {
  const kind = vector === VECTOR.BP ? 0 : WITH_CODE.has(vector) ? 2 : 1;
  const offset = AT.handlers + HANDLER_BYTES * kind;
  const type = random.below(2) ? SYSTEM_TYPE.interruptGate : SYSTEM_TYPE.trapGate;
  const dpl = random.below(2) ? 3 : 0;
  const attributes = (random.below(16) ? ATTRIBUTE.P : 0) | (dpl << 5) | type;
  const selector = random.below(16) ? SELECTOR.kernelCode : random.below(0x70);
  const ist = random.below(4) === 0 ? 1 + random.below(2) : 0;
  return [
    ...little(BigInt(offset & 0xffff), 2),
    ...little(BigInt(selector), 2),
    ist,
    attributes,
    ...little(BigInt(offset >>> 16), 2),
    ...little(0n, 8),
  ];
}

/** Descriptor tables, a task-state segment, gates and their handlers. */
export function systemMemory(random: Random): MemoryPatch[] {
  const patch = (address: number, bytes: readonly number[]): MemoryPatch => ({
    address: BigInt(address),
    bytes: Uint8Array.from(bytes),
  });
  const pointer = (limit: number, base: number): number[] => [...little(BigInt(limit), 2), ...little(BigInt(base), 8)];
  const stacks = [STACK, STACK - 0x400, STACK - 0x600, STACK - 0x800].map((top) => little(BigInt(top), 8));
  const [rsp0, rsp1, ist1, ist2] = stacks as [number[], number[], number[], number[]];
  const tss = [...u32(0), ...rsp0, ...rsp1, ...rsp1, ...little(0n, 8), ...ist1, ...ist2];
  return [
    patch(AT.gdtr, pointer(random.below(8) ? 0x87 : random.below(0x88), AT.gdt)),
    patch(AT.idtr, pointer(random.below(8) ? 16 * GATES - 1 : random.below(16 * GATES), AT.idt)),
    patch(AT.invpcid, [...little(BigInt(random.below(4)), 8), ...little(BigInt(drawTarget(random)), 8)]),
    patch(AT.ldt, [...little(0n, 8), ...little(flatDescriptor(FLAT.data(0)), 8), ...little(random.u64(), 8)]),
    patch(AT.gdt, table()),
    patch(AT.tss, tss),
    patch(AT.idt, Array.from({ length: GATES }, (_, vector) => gate(vector, random)).flat()),
    ...[HANDLERS.stop, HANDLERS.plain, HANDLERS.coded].map((code, n) => patch(AT.handlers + HANDLER_BYTES * n, code)),
  ];
}

const MSRS = [
  0x10, 0x1b, 0x3b, 0x8b, 0x174, 0x175, 0x176, 0x1a0, 0x1d9, 0x277, 0xc000_0080, 0xc000_0081, 0xc000_0082, 0xc000_0083,
  0xc000_0084, 0xc000_0100, 0xc000_0101, 0xc000_0102, 0xc000_0103,
] as const;
const EFER = 0xc000_0080;
const STAR = 0xc000_0081;
/** STAR[63:48] and [47:32]: where SYSRET and SYSCALL take their selectors from. */
const STAR_HIGH = ((SELECTOR.code32 << 16) | SELECTOR.kernelCode) >>> 0;
const EFER_VALUES = [0xd00, 0xd01, 0xd01, 0xd01, 0xd01, 0x501] as const;

const movEax = (value: number): SystemStep => ({ bytes: [0xb8, ...u32(value)] });
const movEcx = (value: number): SystemStep => ({ bytes: [0xb9, ...u32(value)] });
const movEdx = (value: number): SystemStep => ({ bytes: [0xba, ...u32(value)] });
const step = (...bytes: number[]): SystemStep => ({ bytes });
/** With an absolute operand of 32 bits: `reg` is the field of ModRM. */
const absolute = (opcode: readonly number[], reg: number, address: number): SystemStep => ({
  bytes: [...opcode, (reg << 3) | 4, 0x25, ...u32(address)],
});
const leaRax: SystemStep = { bytes: [0x48, 0x8d, 0x05, 0, 0, 0, 0], behind: true };
const leaRcx: SystemStep = { bytes: [0x48, 0x8d, 0x0d, 0, 0, 0, 0], behind: true };
const push = (value: number): SystemStep => step(0x6a, value);
const PUSH_RAX = step(0x50);
const PUSH_RSP = step(0x54);
const PUSHF = step(0x9c);

const LGDT = absolute([0x0f, 0x01], 2, AT.gdtr);
const LIDT = absolute([0x0f, 0x01], 3, AT.idtr);

/** Bits of control registers that a piece may turn over. */
const CR_BITS: readonly (readonly [cr: number, bits: readonly number[]])[] = [
  [0, [0, 1, 2, 3, 5, 16, 18, 29, 30, 31]],
  [2, [0, 12, 47, 63]],
  [3, [3, 4, 12, 61, 63]],
  [4, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 20, 21, 22, 23]],
  [8, [0, 1, 2, 3, 4]],
];
const DEBUG_CONTROLS = [0x400, 0x401, 0x403, 0xd_0401, 0xf_0403, 0x55, 0x2400, 0x700] as const;

const code = (random: Random): number => random.pick([SELECTOR.kernelCode, SELECTOR.kernelCode, SELECTOR.userCode]);
const stackFor = (selector: number): number =>
  selector === SELECTOR.userCode ? SELECTOR.userData : SELECTOR.kernelData;

const PIECES: readonly ((random: Random) => SystemStep[])[] = [
  // LGDT, LIDT.
  () => [LGDT],
  () => [LIDT],
  // LTR, LLDT, mostly by the table that has them; VERR, VERW, LAR, LSL of the same.
  (random) => [LGDT, movEax(SELECTOR.tss), step(0x0f, 0x00, 0xd8), ...(random.below(2) ? [LIDT] : [])],
  (random) => [movEax(random.below(0x90)), step(0x0f, 0x00, random.below(2) ? 0xd8 : 0xd0)],
  () => [LGDT, movEax(SELECTOR.ldt), step(0x0f, 0x00, 0xd0)],
  (random) => [
    movEax(random.below(0x90)),
    random.pick([step(0x0f, 0x00, 0xe0), step(0x0f, 0x00, 0xe8), step(0x0f, 0x02, 0xc8), step(0x0f, 0x03, 0xc8)]),
  ],
  // A data segment.
  (random) => [movEax(random.below(0x90)), step(0x8e, 0xc0 | (random.pick([0, 2, 3, 4, 5]) << 3))],
  // MOV of control registers with a bit turned over.
  (random) => {
    const [cr, bits] = random.pick(CR_BITS);
    const rex = cr === 8 ? [0x44] : [];
    const modrm = 0xc0 | ((cr & 7) << 3);
    const turned = step(0x48, 0x0f, 0xba, 0xf8, random.pick(bits));
    return [step(...rex, 0x0f, 0x20, modrm), turned, step(...rex, 0x0f, 0x22, modrm)];
  },
  // MOV of debug registers.
  (random) => {
    const n = random.pick([0, 1, 2, 3, 6, 7]);
    const value = n === 7 ? random.pick(DEBUG_CONTROLS) : n === 6 ? 0xffff_0ff0 : drawTarget(random);
    return [movEax(value), step(0x0f, 0x23, 0xc0 | (n << 3)), step(0x0f, 0x21, 0xc3 | (n << 3))];
  },
  // WRMSR and RDMSR.
  (random) => {
    const msr = random.pick(MSRS);
    const value = msr === EFER ? random.pick(EFER_VALUES) : drawTarget(random);
    const high = msr === STAR ? STAR_HIGH : random.below(8) ? 0 : random.u32();
    return [movEcx(msr), movEax(value), movEdx(high), step(0x0f, 0x30), step(0x0f, 0x32)];
  },
  (random) => [movEcx(random.pick(MSRS)), step(0x0f, 0x32)],
  // XSETBV and XGETBV.
  (random) => [
    movEcx(0),
    movEax(random.pick([1, 3, 7, 0xe7, 0x67, 2, 5, 0x207])),
    movEdx(0),
    step(0x0f, 0x01, 0xd1),
    step(0x0f, 0x01, 0xd0),
  ],
  // INVLPG and INVPCID.
  (random) => [absolute([0x0f, 0x01], 7, drawTarget(random))],
  (random) => [movEax(random.below(5)), absolute([0x66, 0x0f, 0x38, 0x82], 0, AT.invpcid)],
  // IRETQ, RETFQ, JMP FAR and CALL FAR to what follows.
  (random) => {
    const cs = code(random);
    return [push(stackFor(cs)), PUSH_RSP, PUSHF, push(cs), leaRax, PUSH_RAX, step(0x48, 0xcf)];
  },
  (random) => [push(code(random)), leaRax, PUSH_RAX, step(0x48, 0xcb)],
  (random) => [
    leaRax,
    absolute([0x48, 0x89], 0, AT.far),
    { bytes: [...absolute([0x66, 0xc7], 0, AT.far + 8).bytes, code(random), 0] },
    absolute([0x48, 0xff], random.below(2) ? 5 : 3, AT.far),
  ],
  // SYSRET behind what makes it possible.
  (random) => [
    movEcx(EFER),
    movEax(random.pick(EFER_VALUES)),
    movEdx(0),
    step(0x0f, 0x30),
    movEcx(STAR),
    movEdx(STAR_HIGH),
    step(0x0f, 0x30),
    leaRcx,
    step(0x41, 0xbb, ...u32(random.below(4) ? 0x202 : random.u32())),
    step(0x48, 0x0f, 0x07),
  ],
  // INT n, with IF and its shadow, and flags of the system.
  (random) => [step(0xcd, random.below(GATES + 2))],
  (random) => [
    random.pick([
      step(0xfa),
      step(0xfb),
      step(0x0f, 0x01, 0xf8),
      step(0x0f, 0x06),
      step(0x0f, 0x01, 0xca),
      step(0x0f, 0x01, 0xcb),
    ]),
  ],
  (random) => [{ bytes: [0x68, ...u32(0x202 | (random.u32() & 0x25_4fd5))] }, step(0x9d)],
];

/** A piece of code around a system instruction. */
export const drawSystemPiece = (random: Random): readonly SystemStep[] => random.pick(PIECES)(random);
