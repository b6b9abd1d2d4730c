import { Command } from 'commander';
import type { SystemRun } from '../bare/system.ts';
import { CliError } from '../errors.ts';
import { DEFAULT_TRACE, guestOptions, scheduleOptions, systemOptions } from '../options.ts';
import { STATUS_HELP } from '../status.ts';

const EXAMPLES = `
Examples:
  swapgs record --cpus 32 -e csd_queue_cpu -f 'cpu & CPUS{1-31}' -e ipi_send_cpumask -f 'cpumask & CPUS{1-31}' guest/kernel/kernel.elf ipi defer
  swapgs report | grep callback | awk '{ print $(NF) }' | sort | uniq -c | sort -nr

Each -f is for the -e before it; several for one must all hold. What stands behind the kernel's name is its command line.`;

/** `swapgs record`: boots a kernel as `swapgs run --bare --multiboot` does and keeps its tracepoints, in the shape of trace-cmd's command. */
export function recordCommand(): Command {
  const command = new Command('record')
    .description('boot a kernel and record its tracepoints')
    .usage('[options] KERNEL [WORDS…]')
    .argument('[kernel]', 'a kernel with a multiboot 1 header')
    .argument('[words...]', 'its command line')
    .passThroughOptions();
  guestOptions(command).option(
    '--stats',
    'end with «swapgs: N instructions, S s, M MIPS» and a hash of the state on stderr',
  );
  scheduleOptions(command);
  return systemOptions(command)
    .addHelpText('after', EXAMPLES + STATUS_HELP)
    .action(record);
}

async function record(path: string | undefined, words: readonly string[], options: SystemRun): Promise<void> {
  if (path === undefined) throw new CliError('no kernel given', 'swapgs record', 'see swapgs record --help');
  if (options.traceEvents === undefined)
    throw new CliError('no event is named', 'swapgs record', `say which go to ${DEFAULT_TRACE}, as -e csd_queue_cpu`);
  const append = [...(options.append === undefined ? [] : [options.append]), ...words].join(' ');
  const { runSystem } = await import('../bare/system.ts');
  process.exitCode = runSystem(path, { ...options, ...(append === '' ? {} : { append }) });
}
