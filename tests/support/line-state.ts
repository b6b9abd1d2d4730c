import { parseHexBytes } from '../../src/bits/hex.ts';
import { mask } from '../../src/bits/width.ts';
import { GPR_NAMES, SEGMENT_NAMES } from '../../src/decode/registers.ts';
import type { MemoryPatch, OracleCase, OracleResult } from '../../src/oracle/case.ts';
import { CODE, DATA } from '../../src/oracle/layout.ts';
import { hostFeatures } from '../../src/oracle/native.ts';
import { initialFxsave } from '../../src/oracle/wire.ts';
import type { CpuState } from '../../src/state/cpu-state.ts';
import { FX } from '../../src/state/fxsave.ts';
import * as L from '../../src/state/layout.ts';
import type { VECTOR } from '../../src/state/pending.ts';
import { FIXED_ONE, FLAG } from '../../src/state/rflags.ts';
import { readExtended, writeExtended } from '../../src/state/x87.ts';

type Bit = 0 | 1;
type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
type Gpr = 'rax' | 'rcx' | 'rdx' | 'rbx' | 'rsp' | 'rbp' | 'rsi' | 'rdi' | 'r8' | 'r9' | `r1${0 | 1 | 2 | 3 | 4 | 5}`;
type Xmm = `xmm${Digit | 8 | 9}` | `xmm1${0 | 1 | 2 | 3 | 4 | 5}`;
/** All 256 bits of a vector register; `xmm0` alone means its low half. */
type Ymm = `ymm${Digit | 8 | 9}` | `ymm1${0 | 1 | 2 | 3 | 4 | 5}`;
type Mm = `mm${Digit}`;
type System = 'cr0' | 'cr2' | 'cr3' | 'cr4' | 'cr8' | 'dr0' | 'dr7' | 'kernelgsbase' | 'xcr0';

/** RFLAGS by their lower-case names; RF depends on who delivers an exception. */
const FLAGS = {
  cf: FLAG.CF,
  pf: FLAG.PF,
  af: FLAG.AF,
  zf: FLAG.ZF,
  sf: FLAG.SF,
  of: FLAG.OF,
  tf: FLAG.TF,
  if: FLAG.IF,
  df: FLAG.DF,
  nt: FLAG.NT,
  ac: FLAG.AC,
  id: FLAG.ID,
} as const;
type FlagKey = keyof typeof FLAGS;
/** All six arithmetic flags at once: those that are set, in this order. */
type FlagLetters = `${'o' | ''}${'s' | ''}${'z' | ''}${'a' | ''}${'p' | ''}${'c' | ''}`;
export const ARITHMETIC = { o: 'of', s: 'sf', z: 'zf', a: 'af', p: 'pf', c: 'cf' } as const;

/** Memory at an offset from the start of the data region: `'m32[0x200]': 5n`. */
type MemoryKey = `m${8 | 16 | 32 | 64 | 80 | 128 | 256}[${number}]`;
/** The same as bytes: `'bytes[0x200]': '01 02 03'`. */
type BytesKey = `bytes[${number}]`;

type Small = 'mxcsr' | 'fcw' | 'fsw' | 'ftw' | 'es' | 'cs' | 'ss' | 'ds' | 'fs' | 'gs';

/** Registers, flags and memory. */
export type LineState = Partial<Record<Gpr | Xmm | Ymm | Mm | `st${Digit}` | System | 'fsbase' | 'gsbase', bigint>> &
  Partial<Record<FlagKey, Bit>> &
  Partial<Record<Small, number>> & { flags?: FlagLetters } & { [key: MemoryKey]: bigint } & { [key: BytesKey]: string };

type FaultName = `#${Exclude<keyof typeof VECTOR, 'DF' | 'MC' | 'NMI' | 'TS' | 'NP' | 'BR'>}`;

/** What changes; everything else must stay. */
export type LineResult = LineState & {
  /** The exception that ends it, with its error code where it has one. */
  fault?: FaultName | `${FaultName}(${number})`;
  /** Where it ends, counted from the first byte; default: behind the code, with a fault at its start. */
  rip?: number;
  /** Another ending than the marker behind the code. */
  ends?: 'hlt' | 'syscall' | `unimplemented ${string}`;
};

export const CODE_AT = CODE.base + 0x800n;
export const STACK = DATA.base + 0x1800n;
/** Address in the data region, which spans two pages. */
export const data = (offset: number): bigint => DATA.base + BigInt(offset);

/** Every register as a number by its name. */
export type Facts = Map<string, bigint>;

const gprSentinel = (n: number): bigint => 0xa5c3_96e1_5a00_0000n + 0x0001_0101_0001_0101n * BigInt(n);
const xmmSentinel = (n: number): bigint => 0x3c10_8f1e_2d4b_6978_8796_a5b4_c3d2_e1f0n + (0x1_0101n << 64n) * BigInt(n);

const ymmSentinel = (n: number): bigint => (0x5eed_1234_9abc_def0n << 64n) + 0x0fed_cba9_8765_4321n + BigInt(n);

const CONTROL: Readonly<Record<System, number>> = {
  cr0: L.CR0,
  cr2: L.CR2,
  cr3: L.CR3,
  cr4: L.CR4,
  cr8: L.CR8,
  dr0: L.DR,
  dr7: L.DR + 56,
  kernelgsbase: L.KERNEL_GS_BASE,
  xcr0: L.XCR0,
};
const WORDS = { ...CONTROL, fsbase: L.FS_BASE, gsbase: L.GS_BASE };

const MEMORY = /^(?:m(\d+)|bytes)\[(.+)\]$/;

function patchesOf(state: LineState): MemoryPatch[] {
  const patches: MemoryPatch[] = [];
  for (const [key, value] of Object.entries(state)) {
    const match = MEMORY.exec(key);
    if (match === null) continue;
    const bytes =
      typeof value === 'string'
        ? parseHexBytes(value)
        : Uint8Array.from({ length: Number(match[1]) / 8 }, (_, i) =>
            Number(((value as bigint) >> BigInt(8 * i)) & 0xffn),
          );
    patches.push({ address: data(Number(match[2])), bytes });
  }
  return patches;
}

/** The part of the state that a fact of this name is about. */
const WHOLE = /^(ymm|mm)(\d+)$/;
const MMX_EXPONENT = 0xffffn << 64n;

/** `state` with `flags`, `ymm…` and `mm…` taken apart. A written MMX register is ST of the same number, as TOP is 0 then. */
function spread(state: LineState): LineState {
  const out: Record<string, unknown> = { ...state };
  if (state.flags !== undefined) {
    for (const [letter, flag] of Object.entries(ARITHMETIC)) out[flag] = state.flags.includes(letter) ? 1 : 0;
    delete out['flags'];
  }
  for (const [name, value] of Object.entries(state)) {
    const match = WHOLE.exec(name);
    if (match === null) continue;
    const [, file, n] = match;
    delete out[name];
    if (file === 'mm') out[`st${n}`] = MMX_EXPONENT | (value as bigint);
    else {
      out[`xmm${n}`] = (value as bigint) & mask(128);
      out[`upper${n}`] = (value as bigint) >> 128n;
    }
  }
  return out as LineState;
}

const upperOf = (state: LineState, n: number): bigint | undefined =>
  (state as Record<string, unknown>)[`upper${n}`] as bigint | undefined;

/** Names of the arithmetic flags that a line does not set: they may be anything before. */
export function openFlags(before: LineState): FlagKey[] {
  const known = spread(before);
  return Object.values(ARITHMETIC).filter((flag) => known[flag] === undefined);
}

/** The case of a line's start; flags it does not name are all `background`. */
export function caseOf(code: Uint8Array, before: LineState, background: Bit): OracleCase {
  const state = spread(before);
  const gpr = GPR_NAMES.map((name, n) => state[name as Gpr] ?? (name === 'rsp' ? STACK : gprSentinel(n)));
  const xmm = Array.from({ length: 16 }, (_, n) => state[`xmm${n}` as Xmm] ?? xmmSentinel(n));
  const ymmHigh = Array.from({ length: 16 }, (_, n) => upperOf(state, n) ?? ymmSentinel(n));
  let rflags = FIXED_ONE | FLAG.IF;
  for (const flag of openFlags(before)) if (background) rflags |= FLAGS[flag];
  for (const [name, bit] of Object.entries(FLAGS)) {
    const value = state[name as FlagKey];
    if (value !== undefined) rflags = value ? rflags | bit : rflags & ~bit;
  }
  const fxsave = initialFxsave();
  const view = new DataView(fxsave.buffer);
  view.setUint16(FX.cw, state.fcw ?? 0x37f, true);
  view.setUint16(FX.sw, state.fsw ?? 0, true);
  const top = ((state.fsw ?? 0) >> 11) & 7;
  for (let i = 0; i < 8; i++) {
    const value = state[`st${i as Digit}`];
    if (value === undefined) continue;
    writeExtended(view, FX.st + FX.stride * i, value);
    fxsave[FX.tw]! |= 1 << ((top + i) & 7);
  }
  if (state.ftw !== undefined) fxsave[FX.tw] = state.ftw;
  return {
    code,
    codeAddress: CODE_AT,
    gpr,
    xmm,
    ymmHigh,
    rflags,
    fxsave,
    mxcsr: state.mxcsr ?? 0x1f80,
    fsBase: state.fsbase ?? 0n,
    gsBase: state.gsbase ?? 0n,
    memory: patchesOf(state),
  };
}

/** Sets what a case does not carry: control and debug registers, selectors. */
export function applySystem(cpu: CpuState, before: LineState): void {
  for (const [name, at] of Object.entries(CONTROL)) {
    const value = before[name as System];
    if (value !== undefined) cpu.setU64(at, value);
  }
  cpu.settleUsable();
  SEGMENT_NAMES.forEach((name, n) => {
    const value = before[name as Small];
    if (value !== undefined) cpu.setSelector(n, value);
  });
}

/** Everything about a CPU but its memory and the pointers of the last x87 instruction. */
export function factsOf(cpu: CpuState): Facts {
  const facts: Facts = new Map();
  GPR_NAMES.forEach((name, n) => facts.set(name, cpu.gpr(n)));
  for (const [name, bit] of Object.entries(FLAGS)) facts.set(name, cpu.rflags & bit ? 1n : 0n);
  for (let n = 0; n < 16; n++) facts.set(`xmm${n}`, cpu.xmm(n)).set(`upper${n}`, cpu.ymmHigh(n));
  for (const [name, at] of Object.entries(WORDS)) facts.set(name, cpu.u64(at));
  SEGMENT_NAMES.forEach((name, n) => facts.set(name, BigInt(cpu.selector(n))));
  facts.set('mxcsr', BigInt(cpu.mxcsr));
  facts.set('fcw', BigInt(cpu.x87.controlWord));
  facts.set('fsw', BigInt(cpu.x87.statusWord));
  facts.set('ftw', BigInt(cpu.x87.abridgedTags));
  for (let i = 0; i < 8; i++) facts.set(`st${i}`, cpu.x87.read(i));
  facts.set('rip', BigInt.asIntN(64, cpu.rip - CODE_AT));
  return facts;
}

/** The same of the host's answer, as far as it has it. */
export function factsOfHost(host: OracleResult): Facts {
  const facts: Facts = new Map();
  GPR_NAMES.forEach((name, n) => facts.set(name, host.gpr[n]!));
  for (const [name, bit] of Object.entries(FLAGS)) facts.set(name, host.rflags & bit ? 1n : 0n);
  for (let n = 0; n < 16; n++) facts.set(`xmm${n}`, host.xmm(n));
  if (hostFeatures().has('AVX')) for (let n = 0; n < 16; n++) facts.set(`upper${n}`, host.ymmHigh(n));
  facts.set('fsbase', host.fsBase);
  facts.set('gsbase', host.gsBase);
  for (const [name, value] of Object.entries(host.selectors)) facts.set(name, BigInt(value));
  facts.set('mxcsr', BigInt(host.mxcsr));
  const view = new DataView(host.fxsave.buffer, host.fxsave.byteOffset);
  facts.set('fcw', BigInt(view.getUint16(FX.cw, true)));
  facts.set('fsw', BigInt(view.getUint16(FX.sw, true)));
  facts.set('ftw', BigInt(host.fxsave[FX.tw]!));
  for (let i = 0; i < 8; i++) facts.set(`st${i}`, readExtended(view, FX.st + FX.stride * i));
  facts.set('rip', BigInt.asIntN(64, host.rip - CODE_AT));
  return facts;
}

/** Facts after a line, and the patches of memory that it makes, by what it says. */
export function expectation(start: Facts, after: LineResult, length: number): { facts: Facts; patches: MemoryPatch[] } {
  const facts: Facts = new Map(start);
  const { fault, ends: _, rip, ...state } = after;
  for (const [name, value] of Object.entries(spread(state))) {
    if (MEMORY.test(name)) continue;
    const width = /^(xmm|upper)/.test(name) ? 128 : name.startsWith('st') ? 80 : 64;
    facts.set(name, BigInt(value as bigint | number) & mask(width));
  }
  facts.set('rip', BigInt(rip ?? (fault === undefined ? length : 0)));
  return { facts, patches: patchesOf(state) };
}
