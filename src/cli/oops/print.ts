import { explain, type Failure } from '../../debug/explain.ts';
import { type OopsInfo, oopsInfo } from '../../debug/oops/info.ts';
import { oopsLines } from '../../debug/oops/print.ts';
import { STB, STT } from '../../elf/format.ts';
import { SymbolTable } from '../../elf/symbols.ts';
import { Names } from '../../trace/names.ts';
import { CliError } from '../errors.ts';
import { readFile } from '../files.ts';
import type { Output } from '../output.ts';

function readInfo(path: string | undefined): OopsInfo {
  if (path === undefined) return {};
  const text = Buffer.from(readFile(path)).toString('utf8');
  try {
    return oopsInfo(JSON.parse(text));
  } catch (error) {
    throw new CliError((error as Error).message, path, 'see docs/oops.md');
  }
}

/**
 * Prints a machine's death as Linux would have.
 *
 * @param known what is known of it besides; the file at `path` has the last word
 */
export function printOops(
  failure: Pick<Failure, 'fault' | 'memory' | 'cpu' | 'names'>,
  path: string | undefined,
  out: Output,
  known: OopsInfo = {},
): void {
  const info = { ...known, ...readInfo(path) };
  const given = Object.entries(info.symbols ?? {}).map(([name, text]) => {
    const [address, size = '0'] = text.split('/');
    return { name, address: BigInt(address!), size: Number(size), type: STT.FUNC, binding: STB.GLOBAL, section: 0 };
  });
  const names = new Names(new SymbolTable([...failure.names.symbols.symbols, ...given]));
  const last = { unknown: '' };
  const { accesses } = explain({ ...failure, names, signal: null, mapping: null, last });
  for (const line of oopsLines({ ...failure, names, accesses, info })) out.line(line);
}
