import { hex } from '../bits/hex.ts';
import { mask } from '../bits/width.ts';
import { registerNamed } from '../decode/registers.ts';
import type { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { FIXED_ONE, FLAG } from '../state/rflags.ts';
import { X87 } from '../state/x87.ts';

/** A register that cannot be set as asked: one line. */
export class RegisterError extends Error {
  override readonly name = 'RegisterError';
}

interface NamedRegister {
  readonly width: number;
  readonly set: (cpu: CpuState, value: bigint) => void;
  /** Registers of a lower rank are set first: TOP decides which register ST(0) is. */
  readonly rank: number;
}

/** Bits of RFLAGS that exist; VM cannot be set in long mode. */
const RFLAGS_BITS = Object.values(FLAG).reduce((bits, flag) => bits | flag, 3 << 12) & ~FLAG.VM;
const CR0_REQUIRED = 0x8000_0001n; // PG, PE
const CR4_REQUIRED = 0x20n; // PAE
const EMPTY = 3;

const word = (at: number, width: 16 | 32 | 64): NamedRegister => ({
  width,
  rank: 0,
  set: (cpu, value) => {
    if (width === 16) cpu.view.setUint16(at, Number(value), true);
    else if (width === 32) cpu.view.setUint32(at, Number(value), true);
    else cpu.setU64(at, value);
  },
});

const demanding = (at: number, required: bigint, why: string): NamedRegister => ({
  width: 64,
  rank: 0,
  set: (cpu, value) => {
    if ((value & required) !== required) throw new RegisterError(`needs ${hex(required)}: ${why}`);
    cpu.setU64(at, value);
    cpu.settleUsable();
  },
});

function setTags(cpu: CpuState, tags: bigint): void {
  let full = 0;
  for (let n = 0; n < 8; n++) if (((Number(tags) >> (2 * n)) & EMPTY) !== EMPTY) full |= 1 << n;
  new X87(cpu).retag(full);
}

const flags: NamedRegister = {
  width: 64,
  rank: 0,
  set: (cpu, value) => {
    cpu.rflags = (Number(value & 0xffff_ffffn) & RFLAGS_BITS) | FIXED_ONE;
  },
};
const tag: NamedRegister = { width: 16, rank: 3, set: setTags };
const status: NamedRegister = {
  width: 16,
  rank: 1,
  set: (cpu, value) => {
    new X87(cpu).statusWord = Number(value);
  },
};
const control: NamedRegister = {
  width: 16,
  rank: 0,
  set: (cpu, value) => {
    new X87(cpu).controlWord = Number(value);
  },
};

/** Everything that is not a general-purpose, vector, x87 or segment register. */
const SPECIAL: Readonly<Record<string, NamedRegister>> = {
  rip: word(L.RIP, 64),
  rflags: flags,
  eflags: flags,
  mxcsr: word(L.MXCSR, 32),
  cw: control,
  fcw: control,
  sw: status,
  fsw: status,
  tag,
  ftw: tag,
  cr0: demanding(L.CR0, CR0_REQUIRED, 'this machine is always in long mode'),
  cr2: word(L.CR2, 64),
  cr3: word(L.CR3, 64),
  cr4: demanding(L.CR4, CR4_REQUIRED, 'this machine is always in long mode'),
  cr8: word(L.CR8, 64),
  fsbase: word(L.FS_BASE, 64),
  gsbase: word(L.GS_BASE, 64),
  kernelgsbase: word(L.KERNEL_GS_BASE, 64),
};

const ST = /^st\(?([0-7])\)?$/;
const X87_WIDTH = 80;

function find(name: string): NamedRegister | undefined {
  const lower = name.toLowerCase();
  if (Object.hasOwn(SPECIAL, lower)) return SPECIAL[lower];
  const st = ST.exec(lower);
  if (st) {
    return { width: X87_WIDTH, rank: 2, set: (cpu, value) => new X87(cpu).write(Number(st[1]), value) };
  }
  const ref = registerNamed(lower);
  if (ref === undefined) return undefined;
  const { n, width } = ref;
  if (ref.file === 'gpr') return { width, rank: 0, set: (cpu, value) => setGpr(cpu, n, width, ref.high, value) };
  if (ref.file === 'vector') return { width, rank: 0, set: (cpu, value) => setVector(cpu, n, width, value) };
  if (ref.file === 'k') return word(L.opmaskAt(n), 64);
  if (ref.file === 'seg') return { width: 16, rank: 0, set: (cpu, value) => cpu.setSelector(n, Number(value)) };
  return undefined;
}

/** As an instruction would: a 32-bit write clears the upper half, narrower ones leave the rest. */
function setGpr(cpu: CpuState, n: number, width: number, high: boolean, value: bigint): void {
  const at = BigInt(high ? 8 : 0);
  const kept = width >= 32 ? 0n : cpu.gpr(n) & ~(mask(width) << at);
  cpu.setGpr(n, kept | (value << at));
}

/** The low bits of a vector register; what lies above stays. */
function setVector(cpu: CpuState, n: number, width: number, value: bigint): void {
  for (let bit = 0; bit < width; bit += 64)
    cpu.setU64(L.vectorAt(n) + bit / 8, BigInt.asUintN(64, value >> BigInt(bit)));
}

/** One register to set: its name as given, and what to do. */
export interface RegisterSetting {
  readonly name: string;
  readonly rank: number;
  apply(cpu: CpuState): void;
}

/**
 * Prepares `name` = `value`: general-purpose registers in every width, `rip`, `rflags`, `xmm0`, `ymm0`, `zmm0` … of 32, `k0`–`k7`, `st0`–`st7` (80 bits),
 * `mxcsr`, `cw`, `sw`, `tag`, `cr0` `cr2` `cr3` `cr4` `cr8`, `fsbase`, `gsbase`, `kernelgsbase`, segment selectors.
 * Apply settings in ascending `rank`.
 * @throws RegisterError for a name there is not, or a value that does not fit
 */
export function registerSetting(name: string, value: bigint): RegisterSetting {
  const register = find(name);
  if (register === undefined) throw new RegisterError(`no register ${name}; as rax, eax, xmm0, st0, rflags, gsbase`);
  const { width } = register;
  const low = -(1n << BigInt(width - 1));
  if (value > mask(width) || value < low) {
    throw new RegisterError(`${value < 0n ? value : hex(value)} does not fit the ${width} bits of ${name}`);
  }
  if (name.toLowerCase() === 'mxcsr' && value > 0xffffn) throw new RegisterError(`${hex(value)} has reserved bits set`);
  return { name, rank: register.rank, apply: (cpu) => register.set(cpu, BigInt.asUintN(width, value)) };
}
