import { Command } from 'commander';
export function disasmCommand(): Command {
  return new Command('disasm').description('x');
}
