import { createHash } from 'node:crypto';
import { hex, hexBytes } from '../../bits/hex.ts';
import { registerLines, registerValues } from '../../debug/registers.ts';
import { faultText, vectorName } from '../../exec/exit.ts';
import type { BareGuest, BareStop } from '../../machine/bare.ts';
import { peek } from '../../memory/page-walk.ts';
import { STATUS } from '../status.ts';
import type { Dump } from './request.ts';

const DUMP_WIDTH = 16;

/** The exit status for a stop. */
export function stopStatus(stop: BareStop): number {
  switch (stop.reason) {
    case 'hlt':
    case 'until':
      return STATUS.ok;
    case 'fault':
    case 'shutdown':
      return STATUS.fault;
    case 'max-insns':
    case 'timeout':
      return STATUS.limit;
    case 'unimplemented':
      return STATUS.unimplemented;
  }
}

const fixed = { vector: null, errorCode: null, cr2: null };

function stopValues(stop: BareStop): Record<string, unknown> {
  if (stop.reason !== 'fault') return { reason: stop.reason, ...fixed };
  const { vector, errorCode, cr2 } = stop.fault;
  return { reason: 'fault', vector, errorCode, cr2: cr2 === null ? null : hex(cr2) };
}

/** The state at the end, as plain values: every 64-bit or wider one is a string. */
export function stateValues(guest: BareGuest, stop: BareStop, dumps: readonly Dump[]): Record<string, unknown> {
  const { cpu, memory } = guest.machine;
  return {
    stop: stopValues(stop),
    icount: cpu.icount,
    ...registerValues(cpu),
    mem: dumps.map(({ address, size }) => {
      const bytes = peek(memory, cpu, address, size);
      // What is not mapped any more has no bytes.
      if (bytes.length < size) return { addr: hex(address), hex: null, sha256: null };
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return { addr: hex(address), hex: Buffer.from(bytes).toString('hex'), sha256 };
    }),
  };
}

/** The state at the end as lines of text. */
export function stateLines(guest: BareGuest, stop: BareStop, dumps: readonly Dump[]): string[] {
  const { cpu } = guest.machine;
  const lines = [`${stopText(stop)} at ${hex(cpu.rip)} after ${cpu.icount} instructions`, ...registerLines(cpu)];
  return [...lines, ...dumpLines(guest, dumps)];
}

export function dumpLines(guest: BareGuest, dumps: readonly Dump[]): string[] {
  const { cpu, memory } = guest.machine;
  return dumps.flatMap(({ address, size }) => {
    const bytes = peek(memory, cpu, address, size);
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += DUMP_WIDTH) {
      const row = bytes.subarray(at, at + DUMP_WIDTH);
      const text = Array.from(row, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
      lines.push(`${hex(address + BigInt(at), 64)}  ${hexBytes(row).padEnd(DUMP_WIDTH * 3 - 1)}  ${text}`);
    }
    if (bytes.length < size) lines.push(`${hex(address + BigInt(bytes.length), 64)}  (not mapped)`);
    return lines;
  });
}

/** One phrase for a stop. */
export function stopText(stop: BareStop): string {
  switch (stop.reason) {
    case 'hlt':
      return 'HLT';
    case 'until':
      return 'reached --until';
    case 'max-insns':
      return 'stopped by --max-insns';
    case 'timeout':
      return 'stopped by --timeout';
    case 'shutdown':
      return `shutdown: a fault in the delivery of #DF (${stop.faults.map(faultText).join(', ')})`;
    case 'fault':
      return `${vectorName(stop.fault.vector)}`;
    case 'unimplemented':
      return `not implemented: ${stop.mnemonic} (${hexBytes(stop.bytes)})`;
  }
}
