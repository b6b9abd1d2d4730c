import { FINDING_FORMAT, FuzzFileError, parseCase } from '../../fuzz/file.ts';
import type { Finding } from '../../fuzz/finding.ts';
import { ORACLE_NAMES, type OracleName } from '../../fuzz/oracle-names.ts';
import { signatureText } from '../../fuzz/signature.ts';
import { available } from '../../oracle/native.ts';
import { CliError } from '../errors.ts';
import { readFile } from '../files.ts';
import { complain, Output } from '../output.ts';
import { STATUS } from '../status.ts';
import { ANYTHING, type ReplayOptions } from './options.ts';
import { startPool } from './start.ts';

/** What a finding says about how it was found; an input of a corpus says nothing. */
function origin(text: string): {
  readonly oracles: OracleName[] | null;
  readonly cpl: 0 | 3;
  readonly finding: boolean;
} {
  const { format, judge, oracle, cpl } = JSON.parse(text) as Partial<Finding>;
  const known = [judge, oracle].filter((name): name is OracleName => ORACLE_NAMES.some((other) => other === name));
  return { oracles: known.length === 2 ? known : null, cpl: cpl === 0 ? 0 : 3, finding: format === FINDING_FORMAT };
}

/** Runs one file again; returns the exit status. @throws CliError */
export async function replay(folder: URL, file: string, options: ReplayOptions): Promise<number> {
  const text = new TextDecoder().decode(readFile(file));
  let c: ReturnType<typeof parseCase>;
  try {
    c = parseCase(text);
  } catch (error) {
    if (error instanceof FuzzFileError)
      throw new CliError(error.message, file, 'give a finding or an input of a corpus');
    throw error;
  }
  const { oracles, cpl } = origin(text);
  const noHost = options.oracles === undefined && oracles?.includes('host') ? available() : null;
  if (noHost !== null)
    throw new CliError(`a host CPU has judged it, and ${noHost}`, file, 'choose --oracles reference,interpreter,jit');
  const setup = { ...ANYTHING, oracles: options.oracles ?? oracles, cpl };
  const pool = await startPool(folder, setup, 1);
  const out = new Output(1);
  try {
    const [outcome] = await pool.all([{ kind: 'inputs', cases: [c], first: 0 }], () => false);
    if (outcome == null || 'lost' in outcome) throw new CliError(outcome?.lost ?? 'it did not run', file, '');
    const { findings, unjudged } = outcome.result;
    const why = unjudged[0]?.[0];
    if (why !== undefined) throw new CliError(`nobody can judge it: ${why}`, file, 'choose other --oracles');
    const finding = findings[0]?.finding ?? null;
    if (options.json) out.line(JSON.stringify({ event: 'replay', file, differs: finding !== null, ...finding }));
    else if (finding === null) out.line(`${file}: ${pool.ready.oracles.join(', ')} agree`);
    else {
      out.line(`${signatureText(finding.signature)}: ${finding.oracle} differs from ${finding.judge}`);
      for (const step of finding.case.steps) out.line(`    ${step.text}`);
      for (const line of finding.explanation) out.line(`  ${line}`);
    }
    out.flush();
    if (!options.json && pool.ready.noHost !== null && setup.oracles === null)
      complain(`swapgs: no host CPU: ${pool.ready.noHost}`);
    return finding === null ? STATUS.ok : STATUS.found;
  } finally {
    await pool.end();
  }
}
