import { join } from 'node:path';
import { makeFolder, writeWhole } from '../../fuzz/corpus.ts';
import { CASE_FORMAT, fromFile } from '../../fuzz/file.ts';
import { assemblyText, type Finding, findingName } from '../../fuzz/finding.ts';
import { signatureText } from '../../fuzz/signature.ts';
import { fileError } from '../files.ts';
import type { Output } from '../output.ts';

/** The command that shows a finding again. */
const replayLine = (path: string): string => `swapgs fuzz replay ${path}`;

/** Writes a finding as JSON and as assembly; returns the path of the former. @throws CliError */
export function writeFinding(folder: string, finding: Finding): string {
  const path = join(folder, `${findingName(finding.signature)}.json`);
  try {
    makeFolder(folder);
    writeWhole(path, `${JSON.stringify(finding, null, 1)}\n`);
    writeWhole(path.replace(/json$/, 's'), assemblyText(finding, fromFile(finding.case), replayLine(path)));
  } catch (error) {
    throw fileError(error, path);
  }
  return path;
}

/** What a reader sees of a finding; with `path` null it is nowhere else, so all that `replay` needs is here. */
export function printFinding(out: Output, finding: Finding, path: string | null): void {
  const { signature, oracle, judge } = finding;
  out.line(`${signatureText(signature)}: ${oracle} differs from ${judge}`);
  for (const { text } of finding.case.steps) out.line(`    ${text}`);
  for (const line of finding.explanation) out.line(`  ${line}`);
  if (path !== null) out.line(`  replay: ${replayLine(path)}`);
  else {
    out.line('  not written; swapgs fuzz replay takes the next line as a file');
    const { cpl, case: c } = finding;
    out.line(JSON.stringify({ format: CASE_FORMAT, oracle, judge, cpl, case: c }));
  }
  out.flush();
}
