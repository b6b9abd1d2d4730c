import { Command } from 'commander';
export function demoCommand(_root: URL): Command {
  return new Command('demo').description('x');
}
