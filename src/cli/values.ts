import { InvalidArgumentError } from 'commander';
import { ENGINE_NAMES, type EngineName } from '../exec/engine.ts';
import { LINUX_RSEQ, type RseqOptions } from '../kernel/rseq.ts';
import { NSIG, SIG } from '../kernel/signals/numbers.ts';
import { MAX_RAM } from '../state/layout.ts';
import { CliError } from './errors.ts';

/** What options hold: each parser returns the value or throws commander's error with a sentence. */

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
const MIB = 2 ** 20;

const refuse = (sentence: string): never => {
  throw new InvalidArgumentError(sentence);
};

/** `1G`, `64M`, `4096`: bytes. */
export function size(text: string): number {
  const match = /^(\d+|0x[0-9a-f]+)([KMG]?)(?:i?B)?$/i.exec(text);
  if (match === null) return refuse('it wants bytes, as 65536, 0x10000, 64K, 512M or 1G.');
  const bytes = Number(match[1]) * UNITS[match[2]!.toUpperCase()]!;
  return Number.isSafeInteger(bytes) ? bytes : refuse('that is more than any address space holds.');
}

/** A size of guest memory. */
export function memorySize(text: string): number {
  const bytes = size(text);
  if (bytes < MIB || bytes > MAX_RAM) return refuse(`guest memory is 1M to ${Math.floor(MAX_RAM / MIB)}M.`);
  return bytes;
}

/** A number of instructions: `1000000`, `1_000_000`, `1e9`. */
export function count(text: string): number {
  const plain = text.replaceAll('_', '');
  const value = /^(\d+|\d+e\d+)$/.test(plain) ? Number(plain) : Number.NaN;
  return Number.isSafeInteger(value) && value >= 1 ? value : refuse('it wants a whole number of at least 1.');
}

/** Seconds, as milliseconds. */
export function seconds(text: string): number {
  const value = /^\d+(\.\d*)?$|^\.\d+$/.test(text) ? Number(text) : Number.NaN;
  return value > 0 && value < 1e9 ? value * 1000 : refuse('it wants seconds, as 10 or 0.5.');
}

/** The seed of everything that is random: a 32-bit number. */
export function seed(text: string): number {
  const value = /^(\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : Number.NaN;
  return value <= 0xffff_ffff ? value : refuse('it wants a whole number below 2^32.');
}

export function engine(text: string): EngineName {
  const name = ENGINE_NAMES.find((known) => known === text);
  return name ?? refuse(`there are ${ENGINE_NAMES.join(' and ')}.`);
}

/** One of some words. */
export function oneOf<T extends string>(...words: readonly T[]): (text: string) => T {
  return (text) => words.find((word) => word === text) ?? refuse(`it is one of ${words.join(', ')}.`);
}

/** A number in decimal or hexadecimal, with a sign where `signed`: 64 bits at most unless `bits` says more. */
export function integer(text: string, bits = 64): bigint | null {
  const plain = text.replaceAll('_', '');
  if (!/^-?(\d+|0x[0-9a-f]+)$/i.test(plain)) return null;
  const negative = plain.startsWith('-');
  const value = BigInt(negative ? plain.slice(1) : plain);
  if (value >= 1n << BigInt(bits)) return null;
  return negative ? -value : value;
}

/** A linear address. */
export function address(text: string): bigint {
  const value = integer(text);
  return value !== null && value >= 0n ? value : refuse('it wants an address, as 0x401000.');
}

/** Adds one more value of an option that may be given again and again. */
export function repeated<T>(parse: (text: string) => T): (text: string, before: readonly T[] | undefined) => T[] {
  return (text, before = []) => [...before, parse(text)];
}

/** `LO-HI`: addresses, HI not included. @throws CliError */
export function parseRange(text: string): { readonly from: bigint; readonly to: bigint } {
  const [low, high, ...rest] = text.split('-').map((part) => integer(part));
  if (low == null || high == null || rest.length > 0 || low >= high) {
    throw new CliError(`'${text}' is not LO-HI`, '--range', 'as 0x401000-0x401040');
  }
  return { from: low, to: high };
}

/** How a thread is interrupted: switch, migrate, or a signal by number or name. */
export function preemptBy(text: string): 'switch' | 'migrate' | number {
  if (text === 'switch' || text === 'migrate') return text;
  const named = (SIG as Readonly<Record<string, number>>)[text.replace(/^SIG/, '').toUpperCase()];
  const signal = named ?? (/^\d+$/.test(text) ? Number(text) : Number.NaN);
  return signal >= 1 && signal <= NSIG ? signal : refuse('it is switch, migrate, or a signal: USR1, 10.');
}

/** `linux`, `v7`, and behind `v7` `lazy` and `counter=N`. */
export function rseqAbi(text: string): RseqOptions {
  const [abi, ...rest] = text.split(',');
  if (abi === 'linux' && rest.length === 0) return LINUX_RSEQ;
  let options: RseqOptions = { abi: 'v7', lazy: false, counter: 0 };
  for (const part of rest) {
    const counter = /^counter=(.+)$/.exec(part);
    const value = counter === null ? null : integer(counter[1]!, 32);
    if (part === 'lazy') options = { ...options, lazy: true };
    else if (value !== null && value >= 0n) options = { ...options, counter: Number(value) };
    else return refuse('behind v7 there are lazy and counter=N, N below 2^32.');
  }
  return abi === 'v7' ? options : refuse('it is linux or v7.');
}
