import { Command } from 'commander';
import { STATUS_HELP } from '../status.ts';

const EXAMPLES = `
Examples:
  swapgs demo

Executes two builds of a kernel function on two CPUs' per-CPU areas, counts what they load, and runs real programs.`;

export function demoCommand(folder: URL): Command {
  return new Command('demo')
    .description('see what swapgs does, in a second')
    .addHelpText('after', EXAMPLES + STATUS_HELP)
    .action(async () => {
      process.exitCode = (await import('../demo/demo.ts')).demo(folder);
    });
}
