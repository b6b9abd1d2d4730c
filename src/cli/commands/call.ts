import { Command } from 'commander';
import { type CallOptions, callFunction } from '../codegen/call.ts';
import { STATUS_HELP } from '../status.ts';
import { address, count, repeated, seed } from '../values.ts';

const EXAMPLES = `
Examples:
  swapgs call lib.o checksum --arg 0x600000000000 --arg 16 --mem 0x600000000000=00112233445566778899aabbccddeeff
  swapgs call listing.txt syscall_exit_work --arg 0 --arg 0x20 --gs 0xffff994763e00000 --json
  swapgs call vmlinux strlen --arg '"text"'                             # with debug information: arguments as C writes them
  swapgs call list.o sum --arg '&{.value=3,.next=&{4}}' --arg 9

Arguments are RDI, RSI, RDX, RCX, R8, R9 and the stack, or, where debug information declares the function, its parameters: numbers,
names of enumerators, "text", NULL, &{.member=value, …}, {1, 2} by value, 1.5-2i, &function. Memory that nobody gives is drawn from the seed where it is touched (--zero: it is zero) and
listed. Functions that the file does not define are answered with a drawn value, or as --stub says; memcpy and its like are run.`;

export function callCommand(): Command {
  return new Command('call')
    .description('run one function of an object, a kernel or flat code alone, and tell what it does')
    .argument('<file>', 'object, archive, linked file, kernel with symbols, pasted listing or flat code')
    .argument('<function>', 'its name')
    .option('--arg <VALUE>', 'the next argument (repeatable)', repeated(String))
    .option('--reg <NAME=VALUE>', 'another register (repeatable)', repeated(String))
    .option('--mem <ADDR=HEX|@FILE>', 'memory by address (repeatable)', repeated(String))
    .option('--gs <ADDR>', 'base of %gs: the per-CPU area', address)
    .option('--fs <ADDR>', 'base of %fs: thread-local storage', address)
    .option('--stub <NAME=VALUE>', 'a function that returns a value instead of running (repeatable)', repeated(String))
    .option('--seed <N>', 'draws unknown memory and results', seed, 0)
    .option('--zero', 'unknown memory and results are zero')
    .option('--max-insns <N>', 'stop after N instructions', count)
    .option('--bytes <ADDR>', 'the file is flat code at this address', repeated(address))
    .option('--sym <NAME=ADDR>', 'name an address (repeatable)', repeated(String))
    .option('--json', 'one JSON object')
    .addHelpText('after', EXAMPLES + STATUS_HELP)
    .action(async (path: string, name: string, options: CallOptions) => {
      process.exitCode = await callFunction(path, name, options);
    });
}
