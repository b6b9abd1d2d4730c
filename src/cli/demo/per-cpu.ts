import { hex } from '../../bits/hex.ts';
import { MAX_INSN_LENGTH } from '../../decode/decode.ts';
import { disassemble, type InsnText } from '../../decode/text.ts';
import type { Paint } from '../style.ts';
import { CPUS, CURRENT_TASK, type Input, type Outcome, runExitWork, smallGuest, type Variant } from './exit-work.ts';

const COLUMN = 46;
const INPUTS: readonly (readonly [name: string, input: Input])[] = [
  ['work bit set   (rsi=0x20)', { work: 0x20n, flag: 0 }],
  ['work bit clear (rsi=0)', { work: 0n, flag: 0 }],
  ['task+0x800 = 1 (rsi=0x20)', { work: 0x20n, flag: 1 }],
];

function listing({ address, bytes }: Variant): InsnText[] {
  const insns: InsnText[] = [];
  for (let at = 0; at < bytes.length; at += insns.at(-1)!.bytes.length) {
    insns.push(disassemble(bytes.subarray(at, at + MAX_INSN_LENGTH), address + BigInt(at)));
  }
  return insns;
}

const isLoad = (insn: InsnText): boolean => insn.segment === 'gs';
const offset = (address: bigint, { address: start }: Variant): string => `+${address - start}`;

/** `+13  9  mov    %gs:0x2ac80,%rax`; branch targets as offsets. */
function cell(insn: InsnText | undefined, variant: Variant, paint: Paint): string {
  if (insn === undefined) return ' '.repeat(COLUMN);
  const text = insn.target === null ? insn.text : insn.text.replace(/0x[0-9a-f]+$/, offset(insn.target, variant));
  const line = `${offset(insn.address, variant).padEnd(4)}${String(insn.bytes.length).padStart(2)}  ${text}`.padEnd(
    COLUMN,
  );
  return isLoad(insn) ? paint('yellow', line) : line;
}

/**
 * Two builds of one kernel function executed as real bytes on two CPUs: with `current` read by inline assembly, and through
 * a constant alias. Returns lines.
 */
export function perCpuLines(before: Variant, after: Variant, paint: Paint): string[] {
  const variants = [before, after];
  const guest = smallGuest();
  const outcomes = INPUTS.map(([name, input]) => ({
    name,
    runs: variants.map((variant) => CPUS.map((cpu) => runExitWork(guest, variant, cpu, input))),
  }));
  const [left, right] = variants.map(listing) as [InsnText[], InsnText[]];
  const rows = Math.max(left.length, right.length);
  const head = (title: string, { address, bytes }: Variant): string =>
    `${title}: ${bytes.length} bytes at ${hex(address)}`.padEnd(COLUMN);
  const own = outcomes.every(({ runs }) =>
    runs.every((cpus) => cpus.every((run, n) => run.loaded.every((pointer) => pointer === CPUS[n]!.task))),
  );
  return [
    paint('bold', 'One kernel function, two builds, two CPUs: syscall_exit_work reads `current`, a per-CPU variable'),
    '',
    ...CPUS.map(
      ({ gsBase, task }, n) => `  CPU ${n}: GS.base ${hex(gsBase)}, current = ${hex(task)} at %gs:${hex(CURRENT_TASK)}`,
    ),
    '',
    `  ${paint('bold', head('inline assembly', before))} ${paint('bold', head('constant alias', after).trimEnd())}`,
    ...Array.from(
      { length: rows },
      (_, i) => `  ${cell(left[i], before, paint)} ${cell(right[i], after, paint).trimEnd()}`,
    ),
    '',
    `  ${slotLine(left, right)}`,
    '',
    `  ${paint('bold', '%gs loads executed'.padEnd(28))}${['inline assembly', 'constant alias']
      .map((name) => name.padEnd(34))
      .join('')
      .trimEnd()}`,
    ...outcomes.map(
      ({ name, runs }) =>
        `  ${name.padEnd(28)}${runs
          .map((cpus) => countCell(cpus).padEnd(34))
          .join('')
          .trimEnd()}`,
    ),
    '',
    own
      ? `  ${paint('green', 'each CPU loaded its own task every time')}`
      : `  ${paint('red', 'a CPU loaded another one’s task')}`,
  ];
}

/** `CPU 0: 2, CPU 1: 2, out at +52`. */
function countCell(cpus: readonly Outcome[]): string {
  const counts = cpus.map((run, n) => `CPU ${n}: ${run.loaded.length}`).join(', ');
  return `${counts}, out at +${cpus[0]!.end}`;
}

/** That two encodings mean one slot. */
function slotLine(left: readonly InsnText[], right: readonly InsnText[]): string {
  const [a, b] = [left.find(isLoad)!, right.find(isLoad)!];
  const operand = (insn: InsnText): string => /%gs:[^,]+(\(%rip\))?/.exec(insn.text)![0].replace(/,.*/, '');
  return `${operand(a)} (${a.bytes.length} bytes) and ${operand(b)} (${b.bytes.length} bytes) are one slot: # ${hex(b.place!)} <pcpu_hot>`;
}
