import { Command } from 'commander';
export function traceCommand(_args: readonly string[]): Command {
  return new Command('trace').description('x');
}
