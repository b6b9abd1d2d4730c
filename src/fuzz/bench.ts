import { decode, MAX_INSN_LENGTH } from '../decode/decode.ts';
import type { Insn } from '../decode/insn.ts';
import { vectorName } from '../exec/exit.ts';
import { peek } from '../memory/page-walk.ts';
import { masksFor, misalignedSha } from '../oracle/campaign.ts';
import type { OracleCase, OracleEnding, OracleResult } from '../oracle/case.ts';
import { WRITABLE_CODE } from '../oracle/layout.ts';
import { hostFeatures, hostVendor, NativeOracle } from '../oracle/native.ts';
import { SANDBOX_XCR0 } from '../oracle/sandbox.ts';
import { FX, MXCSR_MASK } from '../state/fxsave.ts';
import { VECTOR } from '../state/pending.ts';
import { COMPONENTS, inUse } from '../state/xsave.ts';
import { agrees } from './agree.ts';
import {
  type Difference,
  endingText,
  engineDifferences,
  enginesAgree,
  failed,
  hostDifferences,
} from './differences.ts';
import { hasOwnMeaning, openBehind } from './open.ts';
import type { EngineOracleName, OracleName } from './oracle-names.ts';
import { type Ending, EngineOracle, type Judged } from './oracles.ts';
import { type FuzzCase, insnOf, offsetsOf, oracleCase } from './steps.ts';
import { Tracer } from './trace.ts';

/** Sequences that end take microseconds; those that do not are many enough to be felt. */
const TICK_MS = 1;

const NO_END = 'endless';

/** What came of a sequence on every oracle. */
export interface Verdict {
  /** On the first engine. */
  readonly ending: Ending;
  /** The step that it ended at, or the number of steps behind the last; -1 elsewhere. */
  readonly endStep: number;
  readonly rflags: number;
  readonly icount: number;
  /** Why nobody could judge it: the host gave no answer, or an engine lacks an instruction. */
  readonly unjudged: string | null;
  readonly mismatch: Mismatch | null;
}

export interface Mismatch {
  readonly oracle: EngineOracleName;
  readonly judge: OracleName;
  readonly differences: readonly Difference[];
}

/** Flags that are open where each step begins, and behind the last, as the branches ahead have it. */
export function openFlagsAt({ steps }: Pick<FuzzCase, 'steps'>): number[] {
  const open = new Array<number>(steps.length + 1).fill(0);
  steps.forEach((step, i) => {
    const insn = insnOf(step);
    const behind = insn === null ? open[i]! : openBehind(insn, open[i]!);
    open[i + 1]! |= behind;
    if (step.to !== undefined && step.to > i) open[Math.min(step.to, steps.length)]! |= behind;
  });
  return open;
}

/** Runs sequences on the chosen oracles and says where they part. The first of host, reference, interpreter, jit that is there judges. */
export class Bench {
  readonly engines: readonly EngineOracle[];
  readonly judge: OracleName;
  readonly #host: NativeOracle | null;
  readonly #intel: boolean = false;
  readonly #ymm: boolean = false;
  /** State components that the host has enabled and the engines' machines do not have, or have elsewhere in an XSAVE area. */
  readonly #ownComponents: bigint = 0n;
  readonly #tracer = new Tracer();

  /** @throws Error with one line where the host is asked for and cannot be had */
  constructor(oracles: readonly OracleName[], cpl: 0 | 3 = 3) {
    this.engines = oracles.filter((name) => name !== 'host').map((name) => new EngineOracle(name, cpl));
    this.#host = oracles.includes('host') ? new NativeOracle({ tickMs: TICK_MS }) : null;
    this.judge = this.#host !== null ? 'host' : this.engines[0]!.name;
    if (this.#host === null) return;
    this.#intel = hostVendor() === 'GenuineIntel';
    this.#ymm = hostFeatures().has('AVX');
    this.#ownComponents = ownComponents(this.#host);
  }

  /** Whether what the manual leaves open must not decide anything: see `open.ts`. */
  get strict(): boolean {
    return this.#host !== null && !this.#intel;
  }

  /** The process of the host's helper, or null. */
  get helperPid(): number | null {
    return this.#host?.helperPid ?? null;
  }

  close(): void {
    this.#host?.close();
  }

  /** Runs every sequence; `take` gets the verdicts in order. */
  run(cases: readonly FuzzCase[], take: (verdict: Verdict, index: number) => void): void {
    const placed = cases.map(oracleCase);
    const insns = cases.flatMap(({ steps }) => steps.flatMap((step) => insnOf(step) ?? []));
    for (const { sandbox } of this.engines) sandbox.machine.engine.prepare?.(insns);
    const answers = this.#host?.run(placed);
    cases.forEach((c, i) => {
      take(this.#judgeOne(c, placed[i]!, answers?.[i] ?? null), i);
    });
  }

  /** Runs one sequence. */
  verdict(c: FuzzCase): Verdict {
    let result: Verdict | undefined;
    this.run([c], (verdict) => {
      result = verdict;
    });
    return result!;
  }

  #judgeOne(c: FuzzCase, placed: OracleCase, host: OracleResult | null): Verdict {
    let ending: Ending | undefined;
    let unjudged: string | null = null;
    let mismatch: Mismatch | null = null;
    const refused = host !== null && (host.ending.kind === 'refused' || host.ending.kind === 'lost');
    if (refused)
      unjudged = host.ending.kind === 'lost' ? 'the host’s helper died of it' : 'the host does not take its state';
    const first = this.engines[0];
    let firstEnding: Ending | undefined;
    const offsets = offsetsOf(c.steps);
    for (const engine of this.engines) {
      expectSteps(engine, c, placed, offsets);
      ending = engine.run(placed);
      firstEnding ??= ending;
      if (ending.kind === 'unimplemented') unjudged ??= endingText(ending);
      if (unjudged !== null || mismatch !== null) continue;
      const found =
        ending.kind === 'error'
          ? failed(ending.message, host?.ending.kind ?? 'none')
          : host !== null
            ? this.#againstHost(c, placed, engine, ending, host)
            : engine === first || enginesAgree(engine.sandbox, ending, first!.sandbox, firstEnding)
              ? []
              : engineDifferences(engine.sandbox, ending, first!.sandbox, firstEnding);
      if (found.length > 0) mismatch = { oracle: engine.name, judge: this.judge, differences: found };
    }
    if (first === undefined || firstEnding === undefined) throw new Error('no engine to run on');
    const { cpu } = first.sandbox.machine;
    return {
      ending: firstEnding,
      endStep: offsets.indexOf(Number(BigInt.asIntN(64, cpu.rip - c.codeAddress))),
      rflags: cpu.rflags,
      icount: cpu.icount,
      unjudged,
      mismatch,
    };
  }

  #againstHost(
    c: FuzzCase,
    placed: OracleCase,
    engine: EngineOracle,
    ending: Judged,
    host: OracleResult,
  ): readonly Difference[] {
    const { sandbox } = engine;
    const open = this.#intel ? 0 : this.#openAtEnd(c, sandbox.machine.cpu.rip);
    if (agrees(sandbox, ending, placed, host, open, this.#ymm)) return [];
    const hangs = host.ending.kind === 'timeout';
    // Neither came to an end; how far each got says nothing.
    if (ending.kind === 'count' && hangs) return [];
    const trace = this.#tracer.trace(placed);
    if (trace.lacking || (trace.tainted && !this.#intel)) return [];
    const { cpu, memory } = sandbox.machine;
    if (!this.#intel && vectorOf(ending) === VECTOR.UD) {
      if (fetchesOn(host) || hasOwnMeaning(peek(memory, cpu, cpu.rip, MAX_INSN_LENGTH))) return [];
    }
    if (trace.last === null)
      return hostDifferences(sandbox, ending, placed, host, { ...NOTHING_MASKED, ymm: this.#ymm });
    const { last } = trace;
    // Whether bytes that the mask leaves out are touched is up to the CPU (SDM 2A MASKMOVDQU).
    if (/^v?maskmov(dqu|q)$/.test(last.mnemonic) && host.ending.kind === 'fault' && host.rip === trace.lastAt)
      return [];
    // MXCSR of AMD CPUs has a bit 17.
    if (!this.#intel && host.mxcsr > MXCSR_MASK) return [];
    if (ofOtherComponents(last, host, ending, this.#ownComponents)) return [];
    if (savesInitialState(last, host, inUse(sandbox.machine.cpu))) return [];
    if (!this.#intel && misalignedSha(last, ending)) return [];
    // An image over the code behind it holds pointers, which AMD CPUs leave out.
    const on = ending.kind !== 'normal' || host.ending.kind !== 'normal';
    if (!this.#intel && on && IMAGES.test(last.mnemonic) && trace.lastAt >= WRITABLE_CODE.base) return [];
    // Intel CPUs check an indirect target before the push, AMD CPUs behind it.
    if (!this.#intel && last.mnemonic === 'call' && ending.kind === 'fault' && ending.fault.vector === VECTOR.GP)
      return [];
    const fxsave = host.fxsave.slice();
    // AMD CPUs keep the pointers of every x87 instruction, Intel CPUs some only of those that raise an exception.
    const pointers = this.#intel || trace.x87 < 2;
    if (!pointers) new DataView(fxsave.buffer).setUint16(FX.sw, 0, true);
    const before = { ...placed, gpr: host.gpr, fxsave, codeAddress: trace.lastAt };
    const masks = masksFor(last, before, host, this.#intel);
    const rflags = this.#intel ? masks.rflags : masks.rflags | trace.openFlags;
    // Which comes first, a bad address or a misaligned one, is as open as which of several addresses does.
    const misaligned = [ending, host.ending].some((e) => vectorOf(e) === VECTOR.AC);
    // «Note treatment of #AC varies» (SDM 2A MOVUPS, LDDQU …): accesses of 16 bytes that need no alignment.
    const stopped = misaligned
      ? this.#insnAt(placed, vectorOf(host.ending) === VECTOR.AC ? host.rip : trace.lastAt)
      : null;
    if (stopped?.operands.some((op) => op.kind === 'mem' && op.width >= 128)) return [];
    const unordered = masks.anyMemoryFault || /gather|scatter/.test(last.mnemonic);
    if (unordered && misaligned && ending.kind === 'fault' && host.ending.kind === 'fault') return [];
    // Elements are checked for alignment (SDM 2A 2.4, type 12), but not by AMD CPUs.
    if (!this.#intel && vectorOf(ending) === VECTOR.AC && /gather|scatter/.test(last.mnemonic)) return [];
    // Behind some elements a single step may trap in lieu of the fault of the next (SDM 2C VPGATHERDD).
    const stepped = vectorOf(host.ending) === VECTOR.DB && host.rip === trace.lastAt;
    if (stepped && /gather|scatter/.test(last.mnemonic) && ending.kind === 'fault') return [];
    if (hangs) return [{ field: 'ending', got: endingText(ending), want: NO_END }];
    // A long way may still end as on the host.
    if (ending.kind === 'count')
      return engine.hasNoEnd(placed) ? [{ field: 'ending', got: NO_END, want: hostEndingText(host.ending) }] : [];
    const anyMemoryFault = masks.anyMemoryFault || (!this.#intel && wrapsAround(ending));
    const found = hostDifferences(sandbox, ending, placed, host, { ...masks, rflags, anyMemoryFault });
    return pointers ? found : found.filter(({ field }) => !POINTERS.has(field));
  }

  /** The instruction at an address, as the sequence has it at first. */
  #insnAt({ code, codeAddress }: OracleCase, rip: bigint): Insn | null {
    const insn = decode(code.subarray(Number(BigInt.asIntN(32, rip - codeAddress!))));
    return typeof insn === 'string' ? null : insn;
  }

  #openAtEnd(c: FuzzCase, rip: bigint): number {
    const open = openFlagsAt(c);
    const at = Number(BigInt.asIntN(64, rip - c.codeAddress));
    let step = 0;
    for (let offset = 0; step < c.steps.length && offset !== at; step++) offset += c.steps[step]!.bytes.length;
    return open[step]!;
  }
}

/** What stands in the sequence as it was made need not be decoded again. */
function expectSteps({ sandbox }: EngineOracle, { steps }: FuzzCase, { code }: OracleCase, offsets: number[]): void {
  const { decoding } = sandbox.machine;
  steps.forEach(({ insn, to, place, within }, i) => {
    if (insn !== undefined && to === undefined && place === undefined && within === undefined)
      decoding.expect(code, offsets[i]!, insn);
  });
}

/** CPUIDs of AMD tell other places: their CPUs have never had the components in front of the opmasks. */
function ownComponents(host: NativeOracle): bigint {
  const leaves = host.cpuid(COMPONENTS.map(({ number }) => [0x0d, number] as const));
  return COMPONENTS.reduce(
    (own, { number, offset }, i) => (leaves[i]!.ebx === offset ? own : own | (1n << BigInt(number))),
    BigInt(host.xcr0) & ~SANDBOX_XCR0,
  );
}

/** Whether XSAVE or XRSTOR is about components that are the host's own, or may refuse a header that names some. */
function ofOtherComponents({ mnemonic }: Insn, { gpr }: OracleResult, ending: Judged, own: bigint): boolean {
  if (own === 0n || !/^x(save|rstor)/.test(mnemonic)) return false;
  const asked = (gpr[0]! & 0xffff_ffffn) | ((gpr[2]! & 0xffff_ffffn) << 32n);
  return (asked & own) !== 0n || (mnemonic.startsWith('xrstor') && vectorOf(ending) === VECTOR.GP);
}

/**
 * Whether XSAVE is asked for a component that is in its initial configuration: a CPU may take it for one in use all the same, and saves it
 * then (SDM 1 13.6, XINUSE).
 */
function savesInitialState({ mnemonic }: Insn, { gpr }: OracleResult, used: bigint): boolean {
  if (!mnemonic.startsWith('xsave')) return false;
  return (gpr[0]! & SANDBOX_XCR0 & ~used) !== 0n;
}

/** AMD CPUs fetch what an opcode would need that 64-bit mode does not have, and fault on that first. */
const fetchesOn = ({ ending, rip }: OracleResult): boolean =>
  ending.kind === 'fault' &&
  ending.vector === VECTOR.PF &&
  ending.cr2 > rip &&
  ending.cr2 < rip + BigInt(MAX_INSN_LENGTH);

const hostEndingText = (ending: OracleEnding): string =>
  ending.kind === 'fault' ? vectorName(ending.vector) : ending.kind;

const vectorOf = (ending: Ending | OracleEnding): number | null =>
  ending.kind !== 'fault' ? null : 'fault' in ending ? ending.fault.vector : ending.vector;

/** The access may go on behind the last byte of the address space: which of its parts faults first is up to the CPU. */
const wrapsAround = (ending: Ending): boolean =>
  ending.kind === 'fault' && ending.fault.cr2 !== null && ending.fault.cr2 >= 0xffff_ffff_ffff_ffc0n;

const IMAGES = /^(fn(stenv|save)|fxsave(64)?|xsave(opt|c)?(64)?)$/;

const POINTERS: ReadonlySet<string> = new Set(['fop', 'fip', 'fdp']);

const NOTHING_MASKED = {
  rflags: 0,
  gpr: new Set<number>(),
  anyMemoryFault: false,
  approximate: null,
  x87Status: 0,
  x87Pointers: false,
  memory: [],
};
