import { hex, hexBytes } from '../bits/hex.ts';
import { vectorName } from '../exec/exit.ts';
import { CR3 } from '../state/layout.ts';
import { stepJson, stepLine } from '../trace/text.ts';
import type { Explanation } from './explain.ts';
import { lateStoreText } from './late-store.ts';
import { registerLines, registerValues } from './registers.ts';
import { entryFlags, errorCodeText, stepText } from './walk.ts';

const LABEL_COLUMN = 13;
const label = (text: string): string => text.padEnd(LABEL_COLUMN);

/** `#PF error 0x6 (write, CPL 3, page not present) at address 0x58`. */
function faultText({ fault }: Explanation): string {
  const code = fault.errorCode;
  const words = code !== null && fault.cr2 !== null ? ` (${errorCodeText(code)})` : '';
  const error = code === null ? '' : ` error ${hex(code)}${words}`;
  return `${vectorName(fault.vector)}${error}${fault.cr2 === null ? '' : ` at address ${hex(fault.cr2)}`}`;
}

/** The explanation of a death by exception, as lines for a terminal. */
export function explanationLines(found: Explanation): string[] {
  const { insn, names, signal, walk, cpu, last } = found;
  const at = insn?.address ?? cpu.rip;
  const name = names.describe(at);
  const lines = [
    signal === null
      ? `${faultText(found)}: ${found.cause}`
      : `killed by ${signal.name} (${signal.text}): ${faultText(found)}: ${found.cause}`,
    `${label('instruction')}${hex(at)}${name === undefined ? '' : ` <${name}>`}  ${
      insn === null ? '(its bytes cannot be read)' : `${hexBytes(insn.bytes)}  ${names.annotate(insn)}`
    }`,
    ...found.accesses.map(
      ({ kind, bytes, composition }) =>
        `${label('address')}${kind}${bytes === 0 ? '' : ` of ${bytes}`}: ${composition}`,
    ),
  ];
  if (found.mapping !== null) lines.push(`${label('mapping')}${found.mapping}`);
  if (found.lateStore !== null) lines.push(`${label('order')}${lateStoreText(found.lateStore)}`);
  if (walk !== null) {
    lines.push(`${label('page walk')}${hex(walk.linear)} from CR3 ${hex(cpu.u64(CR3))}`);
    lines.push(...walk.steps.map((step) => `${label('')}${stepText(step)}`));
  }
  lines.push('registers', ...registerLines(cpu).map((line) => `  ${line}`));
  if ('unknown' in last) lines.push(`last instructions: not available: ${last.unknown}`);
  else {
    const { length } = last.steps;
    lines.push(`last ${length === 1 ? 'instruction' : `${length} instructions`}`);
    lines.push(...last.steps.map((step) => `  ${stepLine(step, names).trimStart()}`));
  }
  return lines;
}

/** The same as one JSON object. */
export function explanationJson(found: Explanation): string {
  const { fault, insn, names, signal, walk, cpu, last } = found;
  return JSON.stringify({
    signal: signal?.name ?? null,
    vector: fault.vector,
    exception: vectorName(fault.vector),
    errorCode: fault.errorCode,
    cr2: fault.cr2 === null ? null : hex(fault.cr2),
    cause: found.cause,
    icount: cpu.icount,
    rip: hex(insn?.address ?? cpu.rip),
    symbol: names.describe(insn?.address ?? cpu.rip) ?? null,
    bytes: insn === null ? null : hexBytes(insn.bytes, ''),
    text: insn === null ? null : names.annotate(insn),
    accesses: found.accesses.map((access) => ({ ...access, address: hex(access.address) })),
    mapping: found.mapping,
    order: found.lateStore === null ? null : lateStoreText(found.lateStore),
    walk:
      walk?.steps.map((step) => ({
        level: step.name,
        index: step.index,
        at: hex(step.at),
        entry: hex(step.entry),
        flags: entryFlags(step),
      })) ?? null,
    ...registerValues(cpu),
    last: 'unknown' in last ? null : last.steps.map((step) => JSON.parse(stepJson(step, names))),
    lastUnavailable: 'unknown' in last ? last.unknown : null,
  });
}
