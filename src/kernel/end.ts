import { hex, hexBytes } from '../bits/hex.ts';
import { type Fault, vectorName } from '../exec/exit.ts';
import { signalName, signalText } from './signals/numbers.ts';

/** How a run of a process ended: a closed union. */
export type ProcessEnd =
  /** exit(2) or exit_group(2), status 0 to 255. */
  | { readonly kind: 'exited'; readonly status: number }
  /** Ended by a signal; `fault` when the CPU raised it. */
  | {
      readonly kind: 'killed';
      readonly signal: number;
      /** si_code and si_addr. */
      readonly code: number;
      readonly address: bigint;
      readonly fault: Fault | null;
    }
  /** Something that swapgs does not implement: an instruction, or a part of the kernel. */
  | { readonly kind: 'unimplemented'; readonly what: string }
  | { readonly kind: 'instruction limit'; readonly limit: number }
  | { readonly kind: 'time limit'; readonly milliseconds: number }
  /** The guest touched more memory than it was granted, in bytes. */
  | { readonly kind: 'out of memory'; readonly limit: number }
  /** Every thread waits for something that nobody can bring. */
  | { readonly kind: 'deadlock'; readonly reason: string; readonly threads: number };

/** One sentence for each ending. */
export function describeEnd(end: ProcessEnd): string {
  switch (end.kind) {
    case 'exited':
      return `exited with status ${end.status}`;
    case 'killed': {
      const by = `killed by ${signalName(end.signal)} (${signalText(end.signal)})`;
      if (end.fault === null) return by;
      const { vector, errorCode, cr2 } = end.fault;
      const code = errorCode === null ? '' : ` error ${hex(errorCode)}`;
      const at = cr2 === null ? '' : ` at address ${hex(cr2)}`;
      return `${by}: ${vectorName(vector)}${code}${at}`;
    }
    case 'unimplemented':
      return `not implemented: ${end.what}`;
    case 'instruction limit':
      return `stopped at the limit of ${end.limit} instructions`;
    case 'time limit':
      return `stopped at the limit of ${end.milliseconds} ms`;
    case 'out of memory':
      return `out of memory: the guest's ${end.limit} bytes are used up`;
    case 'deadlock':
      return end.threads === 1
        ? `deadlock: the only thread waits for ${end.reason}`
        : `deadlock: ${end.threads} threads wait: ${end.reason}`;
  }
}

/** The sentence for an instruction that no engine knows. */
export function unimplementedInstruction(mnemonic: string, bytes: Uint8Array): ProcessEnd {
  return { kind: 'unimplemented', what: `instruction ${mnemonic} (${hexBytes(bytes)})` };
}
