import { Random } from '../bits/random.ts';
import { Code, CodeExt, CpuidFeature, DecoderOptions, EncodingKind, Instruction } from '../decode/iced.ts';
import type { Insn } from '../decode/insn.ts';
import { profileNamed } from '../machine/profiles.ts';
import '../semantics/index.ts';
import { instructionNamed } from '../semantics/define.ts';
import { helperNamed } from '../semantics/helpers/helper.ts';
import { isSupported, liftInsn } from '../semantics/lift.ts';
import { constantOperands } from '../semantics/operands.ts';
import { drawInsn, findEncodings } from './encodings.ts';
import { whyUncompared } from './uncompared.ts';

/**
 * How an encoding is done: `emit`, by WebAssembly alone; `helper`, with a part in TypeScript; `ud`, as #UD, since no CPU here has
 * it; `other`, its bytes are another instruction to an Intel CPU; `no`, not at all.
 */
export type Means = 'emit' | 'helper' | 'ud' | 'other' | 'no';

/** One 64-bit encoding of the decoder. */
export interface CoverageRow {
  /** iced's name. */
  readonly code: string;
  /** Features that it needs, joined by +. */
  readonly feature: string;
  readonly means: Means;
  /** Why no host is asked, or null. */
  readonly uncompared: string | null;
}

const SEED = 1;

/** Every encoding that the decoder knows in 64-bit mode, MVEX aside, in its order. */
function everyCode(): { code: number; name: string; feature: string; absent: Means }[] {
  const out: ReturnType<typeof everyCode> = [];
  const instruction = new Instruction();
  for (const [name, code] of Object.entries(Code)) {
    if (typeof code !== 'number') continue;
    const info = CodeExt.opCode(code);
    if (info.mode64 && info.isInstruction && info.encoding !== EncodingKind.MVEX) {
      instruction.code = code;
      const features = [...instruction.cpuidFeatures()].map((feature) => CpuidFeature[feature] as string);
      // WAIT in front of an x87 instruction is an instruction of its own.
      const other = info.fwait || !info.intelDecoder64 || info.decoderOption !== DecoderOptions.None;
      const absent = other ? 'other' : features.every(profileNamed('default').has) ? 'no' : 'ud';
      out.push({ code, name, feature: features.join('+'), absent });
    }
    info.free();
  }
  instruction.free();
  return out;
}

const isDone = (insn: Insn): boolean =>
  instructionNamed(insn.mnemonic) !== undefined && constantOperands(insn, 0n).every(isSupported);

/** How the lift of an instance does its work. */
function meansOf(insn: Insn): Means {
  const block = liftInsn(insn, 0n);
  if (block === null) return 'no';
  const slow = block.nodes.some(
    ({ op, attr }) => (op === 'call' || op === 'calls') && helperNamed(attr.helper!).fast === undefined,
  );
  return slow ? 'helper' : 'emit';
}

/** Every encoding, and how it is done. */
export function coverageRows(): CoverageRow[] {
  const random = new Random(SEED);
  const means = new Map<number, Means>();
  const uncompared = new Map<number, string | null>();
  for (const encoding of findEncodings(isDone)) {
    const insn = drawInsn(encoding, random);
    means.set(encoding.code, insn === null ? 'helper' : meansOf(insn));
    uncompared.set(encoding.code, insn === null ? null : whyUncompared(insn));
  }
  return everyCode().map(({ code, name, feature, absent }) => ({
    code: name,
    feature,
    means: means.get(code) ?? absent,
    uncompared: uncompared.get(code) ?? null,
  }));
}

/** What a campaign against the host CPU found, by encoding. */
export type Tallies = ReadonlyMap<string, { readonly cases: number; readonly mismatches: number }>;

/** What checks instructions that few hosts have. */
const JUDGES: Readonly<Record<string, string>> = {
  AMX_INT8: 'exact integers judge',
  AMX_BF16: 'exact integers judge',
  AMX_FP16: 'exact integers judge',
  AMX_COMPLEX: 'exact integers judge',
  AVX512_FP16: 'exact integers judge',
  AVX_IFMA: 'the EVEX form judges',
  AVX_VNNI: 'the EVEX form judges',
  AVX_VNNI_INT8: 'exact integers judge',
  AVX_VNNI_INT16: 'exact integers judge',
  SHA512: 'known answers judge',
  SM3: 'known answers judge',
  SM4: 'known answers judge',
};

/** What CPUs of AMD have otherwise: 32 bits are read, and there is no such no-operation. */
const BY_VENDOR = /^(Movsxd_r16_rm16|Reservednop_.*_0F0D)$/;

/** Why a row has no cases. */
function reason({ code, means, feature, uncompared }: CoverageRow, host: ReadonlySet<string>): string {
  if (means !== 'emit' && means !== 'helper') return '–';
  const lacking = feature.split('+').filter((name) => !host.has(name));
  if (lacking.length === 0) return uncompared ?? (BY_VENDOR.test(code) ? 'CPUs of AMD differ' : '–');
  const judge = lacking.map((name) => JUDGES[name]).find((text) => text !== undefined);
  return `no ${lacking.join(', ')} here${judge === undefined ? '; tests only' : `; ${judge}`}`;
}

/** `docs/coverage.md`; `host` are the features of the CPU that was asked. */
export function coverageText(
  rows: readonly CoverageRow[],
  tallies: Tallies,
  how: string,
  host: ReadonlySet<string>,
): string {
  const features = new Map<string, CoverageRow[]>();
  for (const row of rows) features.set(row.feature, [...(features.get(row.feature) ?? []), row]);
  const tally = ({ code }: CoverageRow) => tallies.get(code) ?? { cases: 0, mismatches: 0 };
  const sum = (of: readonly CoverageRow[], f: (row: CoverageRow) => number): number =>
    of.reduce((total, row) => total + f(row), 0);
  const totals = (of: readonly CoverageRow[]): string => {
    const count = (means: Means): number => sum(of, (row) => Number(row.means === means));
    const cases = sum(of, (row) => tally(row).cases);
    const tried = sum(of, (row) => Number(tally(row).cases > 0));
    return `${of.length} | ${count('emit')} | ${count('helper')} | ${count('ud')} | ${count('other')} | ${count('no')} | ${tried} | ${cases} | ${sum(of, (row) => tally(row).mismatches)}`;
  };
  const byFeature = [...features].sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = [
    '# Coverage of the instruction set',
    '',
    'Every encoding that the decoder knows in 64-bit mode, MVEX aside. `emit`: WebAssembly does all of it; `helper`: a part is',
    'TypeScript; `ud`: #UD, since no CPU profile has it; `other`: to an Intel CPU its bytes are another instruction or none (WAIT in',
    'front of x87 instructions, branches that 66 makes 16 bits wide on CPUs of AMD); `no`: it ends the run by name. Cases are random',
    'instances with random states at CPL 3, compared with the host CPU in every register, flag, fault and byte of memory; privileged',
    'instructions fault there on both. Left out of the comparison are registers that hold who the CPU is, the time or a random number. An',
    'encoding without cases says why: no host here can judge it (`tests only`: lines of `tests/semantics` by the manual; `exact integers',
    'judge`: a second definition in the tests), or its result is a matter of the system around the CPU.',
    '',
    'The host executes, and no case compares: system calls, INT1, loads of segment registers and far transfers (descriptors of its kernel),',
    'SGDT and its kin (its kernel answers), WRGSBASE; MONITORX and MWAITX, which this host executes without reporting them (MONITORX without a fault); branches with',
    '66 that CPUs of AMD make 16 bits wide, and WAIT in front of an x87 instruction, two instructions to the CPU. VRCP14 and VRSQRT14 are',
    'compared within the 2^-14 of the manual: CPUs differ below it, and these here are exact to 16 bits behind the point. VMMCALL goes to its hypervisor.',
    '',
    `Made by \`npm run coverage\`. ${how}`,
    '',
    '| feature | encodings | emit | helper | ud | other | no | tried | cases | mismatches |',
    '|---|---|---|---|---|---|---|---|---|---|',
    `| **all** | ${totals(rows)} |`,
    ...byFeature.map(([feature, of]) => `| ${feature} | ${totals(of)} |`),
  ];
  for (const [feature, of] of byFeature) {
    lines.push('', `## ${feature}`, '', '| encoding | how | cases | mismatches |', '|---|---|---|---|');
    for (const row of of) {
      const { cases, mismatches } = tally(row);
      const tried = cases || reason(row, host);
      lines.push(`| ${row.code} | ${row.means} | ${tried} | ${cases ? mismatches : '–'} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const ROW = /^\| (\w+) \| (emit|helper|ud|other|no) \| ([^|]+) \| (\d+|–) \|$/;

/** The rows of such a text, with what was tried. */
export function coverageOf(
  text: string,
): (Pick<CoverageRow, 'code' | 'means'> & { cases: number; mismatches: number })[] {
  return text.split('\n').flatMap((line) => {
    const match = ROW.exec(line);
    if (match === null) return [];
    const [, code, means, cases, mismatches] = match;
    return [{ code: code!, means: means as Means, cases: Number(cases) || 0, mismatches: Number(mismatches) || 0 }];
  });
}
