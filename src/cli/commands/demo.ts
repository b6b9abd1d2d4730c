import { Command } from 'commander';
export function demoCommand(root: URL): Command {
  return new Command('demo').description('x');
}
