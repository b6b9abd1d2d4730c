import { Command } from 'commander';
import type { SlotCount } from '../../codegen/slot-count.ts';
import { type InputOptions, readBuild } from '../codegen/inputs.ts';
import { CliError, locate } from '../errors.ts';
import { Output } from '../output.ts';
import { STATUS_HELP } from '../status.ts';
import { address, repeated } from '../values.ts';

interface CountOptions extends InputOptions {
  readonly slot?: string;
  readonly functions?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  swapgs count vmlinux --slot pcpu_hot
  swapgs count vmlinux.old vmlinux.new --slot 0x2ac80      # and how much it has changed
  swapgs count vmlinux --slot fs:0x28 --functions

A slot is a symbol or an address in the %gs segment (fs:… in that of %fs); both encodings count, absolute and RIP-relative.`;

export function countCommand(): Command {
  return new Command('count')
    .description('count the loads of a per-CPU variable in a build, by resolved address')
    .argument('<files...>', 'object, archive, linked file, kernel with symbols, pasted listing or flat code')
    .option('--slot <SYMBOL|ADDR>', 'which variable: pcpu_hot, pcpu_hot+0x8, 0x2ac80, fs:0x28')
    .option('--functions', 'every function that loads it')
    .option(
      '--bytes <ADDR>',
      'the file is flat code at this address (repeatable: one for each file)',
      repeated(address),
    )
    .option('--sym <NAME=ADDR>', 'name an address (repeatable)', repeated(String))
    .option('--json', 'one JSON object a file')
    .addHelpText('after', EXAMPLES + STATUS_HELP)
    .action(count);
}

async function count(paths: readonly string[], options: CountOptions): Promise<void> {
  const { countSlot } = await import('../../codegen/slot-count.ts');
  const { delta, percent } = await import('../../codegen/report/numbers.ts');
  const { slot } = options;
  if (slot === undefined) throw new CliError('no slot', 'swapgs count', 'give --slot SYMBOL or --slot ADDRESS');
  const out = new Output(1);
  let first: SlotCount | undefined;
  for (const [index, path] of paths.entries()) {
    const found = locate(path, () => countSlot(readBuild(path, index, options), slot));
    first ??= found;
    if (options.json === true) {
      out.line(JSON.stringify({ file: path, ...found }));
      continue;
    }
    const total = loads(found);
    const before = loads(first);
    const share = percent(before, total);
    const change = found === first ? '' : `, ${delta(total - before)}${share === '' ? '' : ` (${share})`}`;
    out.line(`${path}: ${name(found)}: ${total} loads${change}`);
    out.line(`  ${how(found)}`);
    if (options.functions === true) {
      for (const row of found.functions) out.line(`  ${String(row.loads).padStart(6)}  ${row.name}`);
    }
  }
  out.flush();
}

/** A build for one CPU loads it without a prefix. */
const loads = (found: SlotCount): number => (found.loads > 0 ? found.loads : found.plainLoads);

const name = ({ slot, address: at }: SlotCount): string =>
  at === null || /^0x/.test(slot) ? slot : `${slot} (0x${BigInt.asUintN(64, BigInt(at)).toString(16)})`;

function how(found: SlotCount): string {
  if (found.constantFolded) return 'constant-folded: the slot is never read, and it is defined here';
  if (found.loads === 0 && found.plainLoads > 0) return 'without a segment: a build for one CPU';
  const parts = [
    `${found.absolute} absolute`,
    `${found.ripRelative} RIP-relative`,
    `${found.bytes} bytes`,
    `${found.functions.length} functions`,
    `${found.stores} stores`,
  ];
  return parts.join(', ');
}
