import { GPR_NAMES, SEGMENT_NAMES } from '../decode/registers.ts';
import type { CpuState } from '../state/cpu-state.ts';
import * as L from '../state/layout.ts';
import { FLAG } from '../state/rflags.ts';

/** One register that an instruction has changed. Flags and RIP are not among them. */
export interface RegisterChange {
  readonly name: string;
  readonly before: bigint;
  readonly after: bigint;
}

interface Watched {
  readonly name: string;
  /** State offset and bytes. */
  readonly at: number;
  readonly bytes: 2 | 4 | 8 | 10 | 16;
}

const watched = (name: string, at: number, bytes: Watched['bytes'] = 8): Watched => ({ name, at, bytes });

/** Every register that is shown, in the order in which it is shown. The x87 registers are named by their physical number. */
const WATCHED: readonly Watched[] = [
  ...GPR_NAMES.map((name, n) => watched(name, L.gprAt(n))),
  watched('fsbase', L.FS_BASE),
  watched('gsbase', L.GS_BASE),
  watched('kernelgsbase', L.KERNEL_GS_BASE),
  ...SEGMENT_NAMES.map((name, n) => watched(name, L.SELECTORS + 2 * n, 2)),
  watched('cpl', L.CPL, 4),
  ...[0, 2, 3, 4, 8].map((n, i) => watched(`cr${n}`, L.CR0 + 8 * i)),
  watched('efer', L.EFER),
  ...Array.from({ length: 16 }, (_, n) => watched(`xmm${n}`, L.vectorAt(n), 16)),
  watched('mxcsr', L.MXCSR, 4),
  watched('cw', L.X87_CW, 2),
  watched('sw', L.X87_SW, 2),
  watched('tag', L.X87_TW, 2),
  ...Array.from({ length: 8 }, (_, n) => watched(`fpr${n}`, L.X87_REG + 16 * n, 10)),
];

/** The flags that are shown, with their letters. */
export const FLAG_LETTERS: readonly (readonly [string, number])[] = [
  ['C', FLAG.CF],
  ['P', FLAG.PF],
  ['A', FLAG.AF],
  ['Z', FLAG.ZF],
  ['S', FLAG.SF],
  ['O', FLAG.OF],
  ['D', FLAG.DF],
  ['I', FLAG.IF],
  ['T', FLAG.TF],
];

const BYTES = L.EXEC - L.STATE;

function value(view: DataView, { at, bytes }: Watched, from: number): bigint {
  const offset = at - from;
  switch (bytes) {
    case 2:
      return BigInt(view.getUint16(offset, true));
    case 4:
      return BigInt(view.getUint32(offset, true));
    case 8:
      return view.getBigUint64(offset, true);
    case 10:
      return view.getBigUint64(offset, true) | (BigInt(view.getUint16(offset + 8, true)) << 64n);
    case 16:
      return view.getBigUint64(offset, true) | (view.getBigUint64(offset + 8, true) << 64n);
  }
}

/** A CPU's registers at one moment, to be compared with a later one. */
export class Snapshot {
  readonly #bytes = new Uint8Array(BYTES);
  readonly #halves = new Uint32Array(this.#bytes.buffer);
  readonly #view = new DataView(this.#bytes.buffer);
  rflags = 0;
  rip = 0n;

  take(cpu: CpuState): this {
    this.#bytes.set(cpu.u8.subarray(L.STATE, L.EXEC));
    this.rflags = cpu.rflags;
    this.rip = cpu.rip;
    return this;
  }

  gpr(n: number): bigint {
    return this.#view.getBigUint64(8 * n, true);
  }
  get fsBase(): bigint {
    return this.#view.getBigUint64(L.FS_BASE - L.STATE, true);
  }
  get gsBase(): bigint {
    return this.#view.getBigUint64(L.GS_BASE - L.STATE, true);
  }

  /** Registers that differ now. */
  changes(cpu: CpuState): RegisterChange[] {
    const changes: RegisterChange[] = [];
    const now = new Uint32Array(cpu.u8.buffer, cpu.u8.byteOffset + L.STATE, BYTES / 4);
    for (const register of WATCHED) {
      // As it lies, in halves of 32 bits, before anything is made of it.
      const first = (register.at - L.STATE) >> 2;
      const last = (register.at - L.STATE + register.bytes - 1) >> 2;
      let at = first;
      while (at <= last && this.#halves[at] === now[at]) at++;
      if (at > last) continue;
      const before = value(this.#view, register, L.STATE);
      const after = value(cpu.view, register, 0);
      if (before !== after) changes.push({ name: register.name, before, after });
    }
    return changes;
  }

  /** Flags that differ now: `+Z-C`; empty where none does. */
  flagChanges(cpu: CpuState): string {
    const now = cpu.rflags;
    let text = '';
    for (const [letter, bit] of FLAG_LETTERS) {
      if ((this.rflags ^ now) & bit) text += `${now & bit ? '+' : '-'}${letter}`;
    }
    return text;
  }
}
