import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../fuzz/corpus.ts';
import { fromFile } from '../../fuzz/file.ts';
import { assemblyText, type Finding, findingName } from '../../fuzz/finding.ts';
import { signatureText } from '../../fuzz/signature.ts';
import { CliError } from '../errors.ts';
import type { Output } from '../output.ts';

/** The command that shows a finding again. */
const replayLine = (path: string): string => `swapgs fuzz replay ${path}`;

/** Writes a finding as JSON and as assembly; returns the path of the former. @throws CliError */
export function writeFinding(folder: string, finding: Finding): string {
  const path = join(folder, `${findingName(finding.signature)}.json`);
  try {
    makeFolder(folder);
    writeFileSync(path, `${JSON.stringify(finding, null, 1)}\n`);
    writeFileSync(path.replace(/json$/, 's'), assemblyText(finding, fromFile(finding.case), replayLine(path)));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CliError(`cannot write (${code ?? message})`, folder, 'give another --findings');
  }
  return path;
}

/** What a reader sees of a finding. */
export function printFinding(out: Output, finding: Finding, path: string): void {
  const { signature, oracle, judge } = finding;
  out.line(`${signatureText(signature)}: ${oracle} differs from ${judge}`);
  for (const { text } of finding.case.steps) out.line(`    ${text}`);
  for (const line of finding.explanation) out.line(`  ${line}`);
  out.line(`  replay: ${replayLine(path)}`);
  out.flush();
}
