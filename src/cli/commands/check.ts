import { basename } from 'node:path';
import { Command } from 'commander';
import { readBuild } from '../codegen/inputs.ts';
import { CliError, locate } from '../errors.ts';
import { Output } from '../output.ts';
import { STATUS, STATUS_HELP } from '../status.ts';

interface CheckOptions {
  readonly json?: boolean;
  readonly path?: boolean;
}

const EXAMPLES = `
Examples:
  swapgs check noinstr vmlinux.o
  swapgs check noinstr vmlinux --path

noinstr: code in .noinstr.text, .entry.text and .cpuidle.text may not leave them where instrumentation is off, nor have static keys that
can change after boot. The words are those of Linux' objtool.
Exit status: 0 nothing found, 1 warnings, 125 trouble.`;

const CHECKS = ['noinstr'];

export function checkCommand(): Command {
  return new Command('check')
    .description('check a kernel object: noinstr')
    .argument('<check>', 'noinstr')
    .argument('<file>', 'object or linked file with symbols')
    .option('--path', 'how each place is reached from its function’s entry')
    .option('--json', 'one JSON object a warning')
    .addHelpText('after', EXAMPLES + STATUS_HELP)
    .action(async (check: string, path: string, options: CheckOptions) => {
      if (!CHECKS.includes(check))
        throw new CliError(`no check ${check}`, 'swapgs check', `there is ${CHECKS.join(', ')}`);
      process.exitCode = await noinstr(path, options);
    });
}

async function noinstr(path: string, options: CheckOptions): Promise<number> {
  const { checkNoinstr } = await import('../../codegen/noinstr/check.ts');
  const { ElfUnit } = await import('../../codegen/inputs/elf.ts');
  const build = readBuild(path, 0, {});
  const out = new Output(1);
  let found = 0;
  for (const unit of build.units) {
    if (!(unit instanceof ElfUnit)) throw new CliError('not an ELF file', path, 'give an object or a kernel');
    const name = basename(unit.name);
    for (const { where, text, fn, path: way } of locate(path, () => checkNoinstr(unit))) {
      found++;
      if (options.json === true) {
        out.line(JSON.stringify({ file: name, where, text, function: fn, path: way }));
        continue;
      }
      out.line(`${name}: warning: objtool: ${where}: ${text}`);
      if (options.path === true)
        out.line(
          `  by ${where.startsWith(`${fn}+`) ? '' : `${fn}: `}${way.map((offset) => `+0x${offset.toString(16)}`).join(' → ')}`,
        );
    }
  }
  out.flush();
  return found > 0 ? STATUS.different : STATUS.ok;
}
