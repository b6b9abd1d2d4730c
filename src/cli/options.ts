import type { Command } from 'commander';
import type { EngineName } from '../exec/engine.ts';
import { address, count, engine, memorySize, oneOf, repeated, seconds, seed } from './values.ts';

/** Options of every command that runs a guest. */
export interface GuestOptions {
  readonly engine: EngineName;
  readonly memory: number;
  readonly maxInsns?: number;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** Options of a user program. Everything is as it was typed unless a unit is said. */
export interface UserOptions extends GuestOptions {
  readonly dir?: readonly string[];
  readonly env?: readonly string[];
  readonly envClear?: boolean;
  readonly seed: number;
  readonly hostTime?: boolean;
  readonly argv0?: string;
}

/** Options of a bare guest. */
export interface BareOptions extends GuestOptions {
  readonly base?: bigint;
  readonly entry?: string;
  readonly cpl?: 0 | 3;
  readonly map?: readonly string[];
  readonly reg?: readonly string[];
  readonly mem?: readonly string[];
  readonly until?: string;
  readonly sym?: readonly string[];
}

export const DEFAULT_MEMORY = '1G';
const text = (value: string): string => value;

export function guestOptions(command: Command): Command {
  return command
    .option('--engine NAME', 'interpreter or reference', engine, 'interpreter')
    .option('--memory SIZE', 'guest memory: 64M, 1G …', memorySize, memorySize(DEFAULT_MEMORY))
    .option('--max-insns N', 'stop after N instructions', count)
    .option('--timeout SECONDS', 'stop after so much time', seconds);
}

export function userOptions(command: Command): Command {
  return command
    .optionsGroup('Programs:')
    .option('--dir HOST=GUEST[:ro]', 'let the program use a directory of the host (repeatable)', repeated(text))
    .option('--env K=V', 'add to the environment; K alone takes the host’s value (repeatable)', repeated(text))
    .option('--env-clear', 'begin with an empty environment instead of the default one')
    .option('--seed N', 'decides everything that is random', seed, 0)
    .option('--host-time', 'show the host’s time (the run is not reproducible then)')
    .option('--argv0 NAME', 'the program’s own name, argv[0]', text);
}

export function bareOptions(command: Command): Command {
  return command
    .optionsGroup('Bare guests (--bare):')
    .option('--bare', 'flat code or an ELF without an operating system')
    .option('--base ADDR', 'where flat code is loaded (default 0x100000)', address)
    .option('--entry ADDR', 'where to begin: an address or a symbol (default: the base, or the ELF’s entry)', text)
    .option('--cpl N', 'privilege level, 0 or 3 (default 0)', (value) => Number(level(value)))
    .option('--map ADDR:SIZE[:rwx]', 'map memory, rwx unless said; s keeps CPL 3 out (repeatable)', repeated(text))
    .option('--reg NAME=VALUE', 'set a register: rax, r8d, ah, rip, rflags, xmm0, st0 … (repeatable)', repeated(text))
    .option('--mem ADDR=@FILE|HEX', 'put bytes into mapped memory (repeatable)', repeated(text))
    .option('--until ADDR', 'stop before the instruction at an address or symbol', text)
    .option('--sym NAME=ADDR', 'name an address in listings (repeatable)', repeated(text));
}

const level = oneOf('0', '3');

/** Where flat code goes unless `--base` says something else. */
export const DEFAULT_BASE = 0x10_0000n;
