import { Command } from 'commander';
import type { CodeStretch } from '../disasm/code.ts';
import { CliError, locate } from '../errors.ts';
import { DEFAULT_BASE } from '../options.ts';
import { Output } from '../output.ts';
import { STATUS_HELP } from '../status.ts';
import { address, parseRange, repeated } from '../values.ts';

interface DisasmOptions {
  readonly symbol?: readonly string[];
  readonly range?: string;
  readonly section?: string;
  readonly base?: bigint;
  readonly bare?: boolean;
  readonly bytes?: string;
  readonly sym?: readonly string[];
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  swapgs disasm guest/user/hello
  swapgs disasm --range 0x401000-0x401040 guest/user/hello
  swapgs disasm --base 0xffffffff8111cb80 --sym pcpu_hot=0x2ac80 guest/bare/syscall_exit_work_b.bin
  swapgs disasm --bytes '65 48 8b 04 25 80 ac 02 00'

The text is AT&T syntax, as objdump writes it.`;

export function disasmCommand(): Command {
  return new Command('disasm')
    .description('disassemble an ELF file or flat code')
    .argument('[file]', 'any x86-64 ELF file, or flat code')
    .option('--symbol <NAMES>', 'only these functions, by comma', (text, before: string[] = []) => [
      ...before,
      ...text.split(','),
    ])
    .option('--range <LO-HI>', 'only these addresses, HI not included')
    .option('--section <NAME>', 'this section instead of .text (ELF); all: every executable one')
    .option('--base <ADDR>', 'address of the first byte of flat code (default 0x100000)', address)
    .option('--bare', 'take the file for flat code, whatever it looks like')
    .option('--bytes <HEX>', 'these bytes instead of a file')
    .option('--sym <NAME=ADDR>', 'name an address (repeatable)', repeated(String))
    .option('--json', 'one JSON object a line')
    .addHelpText('after', EXAMPLES + STATUS_HELP)
    .action(disasm);
}

async function disasm(path: string | undefined, options: DisasmOptions): Promise<void> {
  const { heading, instructions, listingJson, listingLine } = await import('../disasm/listing.ts');
  const out = new Output(1);
  for (const [i, { stretch, from, to }] of (await wanted(path, options)).entries()) {
    if (options.json !== true && stretch.name !== '') out.line(`${i > 0 ? '\n' : ''}Section ${stretch.name}:`);
    for (const insn of instructions(stretch, from, to)) {
      if (options.json === true) {
        out.line(listingJson(insn, stretch));
        continue;
      }
      const name = heading(insn, stretch);
      if (name !== null) out.line(`\n${name}`);
      out.line(listingLine(insn, stretch));
    }
  }
  out.flush();
}

interface Wanted {
  readonly stretch: CodeStretch;
  readonly from: bigint;
  readonly to: bigint;
}

/** The parts of the code that the options ask for. */
async function wanted(path: string | undefined, options: DisasmOptions): Promise<Wanted[]> {
  const stretches = await code(path, options);
  const where = path ?? '--bytes';
  if (options.symbol !== undefined) return options.symbol.map((name) => ofSymbol(name, stretches, where));
  if (options.range !== undefined) return ofRange(options.range, stretches, where);
  const whole = stretches
    .filter(({ name }) => name === '' || options.section === 'all' || name === (options.section ?? '.text'))
    .map((stretch) => ({ stretch, from: stretch.address, to: end(stretch) }));
  if (whole.length > 0) return whole;
  const names = stretches.map(({ name }) => name).join(', ');
  throw new CliError(`no code in section ${options.section ?? '.text'}`, where, `there are ${names}`);
}

const end = (stretch: CodeStretch): bigint => stretch.address + BigInt(stretch.bytes.length);

async function code(path: string | undefined, options: DisasmOptions): Promise<CodeStretch[]> {
  const { bytesOf, symOptions } = await import('../bare/request.ts');
  const { Names } = await import('../../trace/names.ts');
  const given = symOptions(options.sym ?? []);
  const flat = (bytes: Uint8Array): CodeStretch[] => [
    { name: '', address: options.base ?? DEFAULT_BASE, bytes, names: Names.of(given) },
  ];
  if (options.bytes !== undefined) {
    if (path !== undefined) throw new CliError('--bytes and a file', path, 'give one of them');
    return flat(bytesOf(options.bytes, '--bytes'));
  }
  if (path === undefined) throw new CliError('no file given', 'swapgs disasm', 'see swapgs disasm --help');
  const { elfCode, isElf } = await import('../disasm/code.ts');
  const { readFile } = await import('../files.ts');
  const bytes = readFile(path);
  if (bytes.length === 0) throw new CliError('the file is empty', path, 'give flat code or an ELF');
  if (options.bare === true || !isElf(bytes)) return flat(bytes);
  if (options.base !== undefined) {
    throw new CliError('--base is for flat code', path, 'leave it out, or add --bare');
  }
  const stretches = locate(path, () => elfCode(bytes));
  return stretches.map((stretch) => ({ ...stretch, names: stretch.names.with(given) }));
}

function ofSymbol(name: string, stretches: readonly CodeStretch[], where: string): Wanted {
  for (const stretch of stretches) {
    const symbol = stretch.names.symbols.named(name);
    if (symbol === undefined || symbol.address < stretch.address || symbol.address >= end(stretch)) continue;
    const next = stretch.names.symbols.symbols.find((other) => other.address > symbol.address);
    const size = symbol.size > 0 ? symbol.address + BigInt(symbol.size) : (next?.address ?? end(stretch));
    return { stretch, from: symbol.address, to: size < end(stretch) ? size : end(stretch) };
  }
  throw new CliError(`no function ${name}`, where, 'the file may have been stripped; give --range');
}

function ofRange(text: string, stretches: readonly CodeStretch[], where: string): Wanted[] {
  const range = parseRange(text);
  const parts = stretches
    .map((stretch) => ({
      stretch,
      from: range.from > stretch.address ? range.from : stretch.address,
      to: range.to < end(stretch) ? range.to : end(stretch),
    }))
    .filter(({ from, to }) => from < to);
  if (parts.length === 0) throw new CliError(`no code in ${text}`, where, 'give addresses inside it');
  return parts;
}
