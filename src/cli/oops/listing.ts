import { hex, hexBytes } from '../../bits/hex.ts';
import { type Decoded, decodeCode } from '../../debug/oops/decodecode.ts';
import { diagnose } from '../../debug/oops/diagnose.ts';
import type { OopsReport } from '../../debug/oops/parse.ts';
import type { InsnText } from '../../decode/text.ts';
import { Names } from '../../trace/names.ts';

const OFFSET_COLUMN = 4;
const BYTES_COLUMN = 24;
const names = new Names();

/** With RIP known, at its real place, so that RIP-relative operands and branch targets are the real ones; else from 0. */
function decoded({ code, registers }: OopsReport): { readonly decoded: Decoded; readonly base: bigint } {
  const rip = registers.get('rip');
  const base = rip === undefined || code.mark === null ? 0n : BigInt.asUintN(64, rip - BigInt(code.mark));
  return { decoded: decodeCode(code, base), base };
}

function row(insn: InsnText, base: bigint, trapping: boolean): string {
  const offset = (insn.address - base).toString(16).padStart(OFFSET_COLUMN);
  const line = `${offset}:${trapping ? '*' : ' '} ${hexBytes(insn.bytes).padEnd(BYTES_COLUMN)}${names.annotate(insn)}`;
  return trapping ? `${line}\t\t<-- trapping instruction` : line;
}

/** The whole code, the code from the trapping instruction on, and the explanation. */
export function oopsListing(report: OopsReport): string[] {
  const { decoded: found, base } = decoded(report);
  const { all, start, trapping } = found;
  const lines = ['All code', '========'];
  if (base !== 0n) lines.push(`(offset 0 is ${hex(base)})`);
  if (start > 0)
    lines.push(`   0:  ${hexBytes(report.code.bytes.subarray(0, start))}  (end of an instruction that began before)`);
  lines.push(...all.map((insn, i) => row(insn, base, i === trapping)));
  if (trapping === null) return [...lines, '', 'Nothing marks the byte at RIP.'];
  const at = all[trapping]!.address;
  lines.push('', 'Code starting with the faulting instruction', '===========================================');
  lines.push(...all.slice(trapping).map((insn) => row(insn, at, false)));
  const causes = diagnose(report, found);
  if (causes.length > 0) lines.push('', 'Explanation', '===========', ...causes);
  return lines;
}

export function oopsJson(report: OopsReport): string {
  const { decoded: found, base } = decoded(report);
  return JSON.stringify({
    start: found.start,
    base: base === 0n ? null : hex(base),
    mark: report.code.mark,
    instructions: found.all.map((insn, i) => ({
      offset: Number(insn.address - base),
      bytes: hexBytes(insn.bytes, ''),
      text: names.annotate(insn),
      trapping: i === found.trapping,
    })),
    vector: report.vector,
    errorCode: report.errorCode,
    registers: Object.fromEntries([...report.registers].map(([name, value]) => [name, hex(value)])),
    explanation: diagnose(report, found),
  });
}
