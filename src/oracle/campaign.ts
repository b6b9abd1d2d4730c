import { INFINITY, unpack } from '../bits/float/unpack.ts';
import { hexBytes } from '../bits/hex.ts';
import { Random } from '../bits/random.ts';
import { F80 } from '../bits/softfloat.ts';
import type { Insn } from '../decode/insn.ts';
import type { EngineName } from '../exec/engine.ts';
import type { Exit } from '../exec/exit.ts';
import '../semantics/index.ts';
import { undefinedFlags } from '../decode/undefined-flags.ts';
import { instructionNamed } from '../semantics/define.ts';
import { isSupported } from '../semantics/lift.ts';
import { constantOperands } from '../semantics/operands.ts';
import { FX } from '../state/fxsave.ts';
import { VECTOR } from '../state/pending.ts';
import { FLAG } from '../state/rflags.ts';
import { readExtended, SW } from '../state/x87.ts';
import type { OracleCase, OracleResult } from './case.ts';
import { differences, initialSnapshot, type Masks, memoryDifferences, snapshot, type Tolerance } from './compare.ts';
import { drawInsn, type Encoding, findEncodings } from './encodings.ts';
import { hostFeatures, hostVendor, NativeOracle } from './native.ts';
import { Sandbox } from './sandbox.ts';
import { drawCase } from './states.ts';
import { ownRegisters, whyUncompared } from './uncompared.ts';
import { x87Masks } from './x87-masks.ts';

export interface CampaignOptions {
  readonly cases: number;
  readonly seed: number;
  readonly engines: readonly EngineName[];
  /** Only these mnemonics. */
  readonly only?: ReadonlySet<string>;
  readonly onProgress?: (done: number, mismatches: number) => void;
}

export interface Mismatch {
  readonly engine: EngineName;
  readonly bytes: string;
  readonly codeName: string;
  readonly differences: readonly string[];
  readonly state: OracleCase;
}

export interface CampaignResult {
  readonly cases: number;
  readonly encodings: number;
  /** Encodings of which no instance could be drawn or that the host lacks. */
  readonly untried: readonly string[];
  readonly mismatches: readonly Mismatch[];
  readonly perCode: ReadonlyMap<string, { cases: number; mismatches: number; faults: number }>;
}

/**
 * Instructions whose result is a matter of the machine around the CPU: identity, time, the kernel's tables. The interrupt and segment
 * instructions depend on descriptor tables; they have tests of their own.
 */
export const BANNED: ReadonlySet<string> = new Set(
  'syscall sysenter int int1 cpuid rdtsc rdtscp xgetbv hlt cli sti invlpg swapgs rdmsr wrmsr stac clac in out ins outs lgdt lidt lldt ltr clts invd wbinvd rdpmc lmsw invpcid sgdt sidt sldt str smsw lar lsl verr verw lss lfs lgs jmpf callf retf iret sysret sysexit rdpkru wrpkru wrgsbase rdsspd rdsspq rdrand rdseed rdpid xsetbv'.split(
    ' ',
  ),
);

function testable(insn: Insn): boolean {
  if (!insn.features.every((name) => hostFeatures().has(name) || HINTS.has(name) || name === SHADOW_STACKS))
    return false;
  if (whyUncompared(insn) !== null || instructionNamed(insn.mnemonic) === undefined) return false;
  return constantOperands(insn, 0n).every(isSupported);
}

/** Features whose instructions are no-operations on a CPU without them. */
export const HINTS: ReadonlySet<string> = new Set(['CET_IBT', 'CLDEMOTE', 'PREFETCHWT1', 'PREFETCHITI']);

/** Their instructions are no-operations or #UD on a CPU without them, and on one whose system has not switched them on. */
const SHADOW_STACKS = 'CET_SS';

/** TOP in the status word. */
const X87_TOP = 7 << 11;

/** Codes that AMD CPUs do not have as no-operations. */
export const INTEL_NOPS = /^Reservednop_.*_0F0D$/;

/** Whether a case starts with the x87 as MMX instructions leave it. */
function isMmxState(c: OracleCase): boolean {
  const image = new DataView(c.fxsave!.buffer, c.fxsave!.byteOffset);
  const sw = image.getUint16(FX.sw, true);
  return (sw & (SW.ES | X87_TOP)) === 0 && image.getUint8(FX.tw) === 0xff;
}

/** Whether ST(0) is farther from zero than the manual says a result for. */
function beyondReach(mnemonic: string, c: OracleCase): boolean {
  const image = new DataView(c.fxsave!.buffer, c.fxsave!.byteOffset);
  const { kind, exp, sig } = unpack(F80, readExtended(image, FX.st));
  if (kind === INFINITY) return false;
  const value = Number(sig) * 2 ** exp;
  return mnemonic === 'f2xm1' ? value > 1 : value > 1 - Math.SQRT1_2;
}

/** Whether the manual leaves the whole result open, so that another vendor's CPU cannot judge it. */
function undefinedResult(insn: Insn, c: OracleCase): boolean {
  if (INTEL_NOPS.test(insn.codeName)) return true;
  // REP prefixes are reserved there: AMD CPUs let them choose between LOOPE and LOOPNE.
  if (/^loopn?e$/.test(insn.mnemonic) && insn.repeat !== null) return true;
  // Intel CPUs read 16 bits, AMD CPUs 32.
  if (insn.codeName === 'Movsxd_r16_rm16') return true;
  // The manual has CVTPI2PS enter MMX for a source in memory too; AMD CPUs do only for a register.
  if (insn.mnemonic === 'cvtpi2ps' && insn.operands[1]!.kind === 'mem') return !isMmxState(c);
  if (insn.mnemonic === 'f2xm1' || insn.mnemonic === 'fyl2xp1') return beyondReach(insn.mnemonic, c);
  if (!/^sh[lr]d$/.test(insn.mnemonic) || insn.operands[0]!.width !== 16) return false;
  const by = insn.operands[2]!;
  const count = by.kind === 'imm' ? by.value : c.gpr[1]!;
  return (count & 31n) > 16n;
}

/**
 * AMD CPUs have done the transition to MMX when MASKMOVQ or a conversion faults, where nothing has changed on others: only what
 * TOP names which register differs.
 */
function entersMmxEarly(insn: Insn, host: OracleResult): boolean {
  if (host.ending.kind !== 'fault') return false;
  return insn.mnemonic === 'maskmovq' || (/^cvt(pi2ps|.*2pi)$/.test(insn.mnemonic) && host.ending.vector === VECTOR.XM);
}

/** AMD CPUs take operands of SHA from anywhere, the manual (SDM 2A 2.4.4, exceptions type 4) wants them aligned. */
export function misalignedSha(insn: Insn, ending: Exit | { readonly kind: 'normal' }): boolean {
  return /^sha(1|256)/.test(insn.mnemonic) && ending.kind === 'fault' && ending.fault.vector === VECTOR.GP;
}

/** The manual gives an error bound for these, not a result (SDM 2B RCPPS, RSQRTPS, 2C VRCP14PS …). */
export function toleranceOf(mnemonic: string): Tolerance | null {
  if (/^(v?|evex\.v)r(cp|sqrt)[ps]s$/.test(mnemonic)) return { w: 32, error: 1.5 * 2 ** -12 };
  const form = /^evex\.vr(?:cp|sqrt)14[ps]([sd])$/.exec(mnemonic)?.[1];
  return form === undefined ? null : { w: form === 's' ? 32 : 64, error: 2 ** -14 };
}

/** What the manual leaves open and another vendor's CPU may decide otherwise; an Intel host is held to all of it. */
export function masksFor(insn: Insn, c: OracleCase, host: OracleResult, intel: boolean): Masks {
  const gpr = new Set(ownRegisters(insn));
  // Which of its bytes a masked store or an image of the x87 blames, and which of its operands a string comparison, is not documented.
  const unnamed =
    /^(v?maskmov(dqu|q)|cmps|fn(stenv|save)|fldenv|frstor|fx(save|rstor)(64)?|xsave(opt|c)?(64)?|xrstor(64)?)$/.test(
      insn.mnemonic,
    );
  // Elements of a masked move with addresses of 32 bits: AMD CPUs compute each by itself.
  const anyElement =
    /^vp?maskmov(ps|pd|d|q)$/.test(insn.mnemonic) && insn.operands.some((op) => op.kind === 'mem' && op.address32);
  const anyMemoryFault = unnamed || anyElement;
  const approximate = toleranceOf(insn.mnemonic);
  const ymm = hostFeatures().has('AVX');
  const zmm = hostFeatures().has('AVX512F');
  if (intel)
    return { rflags: 0, gpr, ymm, zmm, approximate, anyMemoryFault, x87Status: 0, x87Pointers: true, memory: [] };
  const x87 = x87Masks(insn, c, host);
  let rflags = undefinedFlags(insn) | x87.rflags;
  // OF is undefined for every count but one, also where the count is a multiple of the rotation's length.
  if (/^rc[lr]$/.test(insn.mnemonic)) rflags |= FLAG.OF;
  return { ...x87, rflags, gpr, ymm, zmm, approximate, anyMemoryFault, x87Stack: entersMmxEarly(insn, host) };
}
/** Repeated string instructions and the marker fit well below this. */
const BUDGET = 4096;
const BATCH = 2048;

/** Runs random instances of every testable encoding on the engines and on the host CPU and compares everything they leave behind. */
export function runCampaign(options: CampaignOptions): CampaignResult {
  const random = new Random(options.seed);
  const intel = hostVendor() === 'GenuineIntel';
  const encodings = findEncodings(
    (insn) => testable(insn) && (options.only === undefined || options.only.has(insn.mnemonic)),
  );
  const sandboxes = options.engines.map((engine) => ({ engine, sandbox: new Sandbox(engine) }));
  const oracle = new NativeOracle();
  const perCode = new Map<string, { cases: number; mismatches: number; faults: number }>();
  const mismatches: Mismatch[] = [];
  let failed = 0;
  let done = 0;
  try {
    while (done < options.cases && encodings.length > 0) {
      const batch: { insn: Insn; c: OracleCase }[] = [];
      while (batch.length < Math.min(BATCH, options.cases - done)) {
        const e: Encoding = encodings[(done + batch.length) % encodings.length]!;
        const insn = drawInsn(e, random) ?? drawInsn(random.pick(encodings), random);
        if (insn !== null && testable(insn)) batch.push({ insn, c: drawCase(insn, random) });
      }
      const answers = oracle.run(batch.map(({ c }) => c));
      batch.forEach(({ insn, c }, i) => {
        const host = answers[i]!;
        const tally = perCode.get(insn.codeName) ?? { cases: 0, mismatches: 0, faults: 0 };
        perCode.set(insn.codeName, tally);
        if (host.ending.kind === 'refused' || host.ending.kind === 'lost') return;
        if (!intel && undefinedResult(insn, c)) return;
        tally.cases++;
        if (host.ending.kind === 'fault') tally.faults++;
        for (const { engine, sandbox } of sandboxes) {
          const ending = sandbox.run(c, BUDGET);
          // Neither came to an end; how far each got says nothing.
          if (ending.kind === 'count' && (host.ending.kind === 'timeout' || insn.mnemonic.startsWith('loop'))) continue;
          // Whether bytes that the mask leaves out are touched is up to the CPU (SDM 2A MASKMOVDQU).
          if (/^v?maskmov(dqu|q)$/.test(insn.mnemonic) && ending.kind === 'normal' && host.ending.kind === 'fault')
            continue;
          if (!intel && misalignedSha(insn, ending)) continue;
          // Intel CPUs check an indirect target before the push, AMD CPUs behind it.
          if (!intel && insn.mnemonic === 'call' && ending.kind === 'fault' && ending.fault.vector === VECTOR.GP)
            continue;
          const masks = masksFor(insn, c, host, intel);
          const found = differences(sandbox, ending, host, masks);
          found.push(...memoryDifferences(initialSnapshot(c), snapshot(sandbox), host, masks));
          if (found.length === 0) continue;
          failed++;
          tally.mismatches++;
          if (mismatches.length < 200)
            mismatches.push({
              engine,
              bytes: hexBytes(insn.bytes),
              codeName: insn.codeName,
              differences: found,
              state: c,
            });
        }
      });
      done += batch.length;
      options.onProgress?.(done, failed);
    }
  } finally {
    oracle.close();
  }
  const untried = encodings.map((e) => e.codeName).filter((name) => !perCode.has(name));
  return { cases: done, encodings: perCode.size, untried, mismatches, perCode };
}
