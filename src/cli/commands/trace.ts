import { Command } from 'commander';
export function traceCommand(): Command {
  return new Command('trace').description('x');
}
