import { Command } from 'commander';
import { CliError, locate } from '../errors.ts';
import { readFile } from '../files.ts';
import { Output } from '../output.ts';
import { STATUS_HELP } from '../status.ts';

interface DecodeOptions {
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  dmesg | swapgs decodecode
  swapgs decodecode oops.txt
  echo 'Code: 31 f6 <f0> 41 ff 0c 24 0f 85' | swapgs decodecode

Time stamps, mail quotes, and Code: lines that were wrapped or cut are read as they come; <f0> or (f0) marks the byte at RIP.
A disassembly in place of a Code: line is read too. With registers in the text the fault is explained.`;

export function decodecodeCommand(): Command {
  return new Command('decodecode')
    .description('read a kernel oops: disassemble its Code: line and explain the fault')
    .argument('[file]', 'the text of the oops; - or nothing: standard input')
    .option('--json', 'one JSON object')
    .addHelpText('after', EXAMPLES + STATUS_HELP)
    .action(decodecode);
}

async function read(path: string): Promise<string> {
  if (path !== '-') return Buffer.from(readFile(path)).toString('utf8');
  const { lines } = await import('../bare/lines.ts');
  return [...lines(path, () => {})].join('\n');
}

async function decodecode(path = '-', options: DecodeOptions): Promise<void> {
  const { parseOops } = await import('../../debug/oops/parse.ts');
  const { oopsJson, oopsListing } = await import('../oops/listing.ts');
  const text = await read(path);
  const where = path === '-' ? 'standard input' : path;
  if (text.trim() === '') throw new CliError('no text', where, 'paste an oops');
  const report = locate(where, () => parseOops(text));
  const out = new Output(1);
  if (options.json === true) out.line(oopsJson(report));
  else for (const line of oopsListing(report)) out.line(line);
  out.flush();
}
