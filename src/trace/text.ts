import { hex, hexBytes } from '../bits/hex.ts';
import type { Names } from './names.ts';
import type { AccessDone, Step } from './watcher.ts';

const NUMBER_COLUMN = 8;
const ADDRESS_COLUMN = 18;
const NAME_COLUMN = 24;
const BYTES_COLUMN = 30;
const TEXT_COLUMN = 44;
/** Longer values are cut: FXSAVE writes 512 bytes. */
const SHOWN_BYTES = 16;

/** A little-endian value as it stands in memory. */
export function littleEndian(bytes: Uint8Array): string {
  let digits = '';
  for (const byte of bytes) digits = byte.toString(16).padStart(2, '0') + digits;
  return `0x${digits.replace(/^0+(?=.)/, '')}`;
}

function writeText({ address, after, before }: AccessDone): string {
  const bytes = after!;
  if (bytes.length === 0) return `[${hex(address)}]=?`;
  if (bytes.length > SHOWN_BYTES) return `[${hex(address)}]${bytes.length}=${hexBytes(bytes.subarray(0, 8))} …`;
  const was = littleEndian(before);
  const now = littleEndian(bytes);
  return `[${hex(address)}]${bytes.length}=${now}${was === now ? '' : ` (was ${was})`}`;
}

/** What an instruction has changed: registers, flags by letter, memory. */
export function changesText(step: Step): string {
  const parts = step.registers.map(({ name, after }) => `${name}=${hex(after)}`);
  if (step.flags !== '') parts.push(step.flags);
  for (const access of step.accesses) if (access.after !== null) parts.push(writeText(access));
  return parts.join(' ');
}

/** One line for one instruction: number, RIP, symbol, bytes, text, changes. */
export function stepLine(step: Step, names: Names): string {
  const { insn } = step;
  const line = [
    String(step.number).padStart(NUMBER_COLUMN),
    hex(insn.address).padEnd(ADDRESS_COLUMN),
    (names.describe(insn.address) ?? '').padEnd(NAME_COLUMN),
    hexBytes(insn.bytes).padEnd(BYTES_COLUMN),
    names.annotate(insn).padEnd(TEXT_COLUMN),
    changesText(step),
  ].join('  ');
  return line.trimEnd();
}

/** The same as one JSON object: 64-bit values are strings. */
export function stepJson(step: Step, names: Names): string {
  const { insn, number, registers, flags, accesses } = step;
  const memory = (wanted: boolean) =>
    accesses
      .filter((access) => (wanted ? access.kind !== 'write' : access.after !== null))
      .map((access) => {
        const bytes = wanted ? access.before : access.after!;
        return {
          address: hex(access.address),
          segment: access.segment,
          size: bytes.length,
          value: littleEndian(bytes),
        };
      });
  return JSON.stringify({
    n: number,
    rip: hex(insn.address),
    symbol: names.describe(insn.address) ?? null,
    bytes: hexBytes(insn.bytes, ''),
    text: names.annotate(insn),
    registers: Object.fromEntries(registers.map(({ name, after }) => [name, hex(after)])),
    flags,
    reads: memory(true),
    writes: memory(false),
  });
}
