import type { InsnStream } from '../decode/stream.ts';
import { FLOW } from '../decode/traits.ts';
import type { Cfg } from './cfg.ts';

/** Every caller-saved general-purpose register: RAX RCX RDX RSI RDI R8–R11 (psABI 3.2.1). */
const CALLER_SAVED = 0b1111_1100_0111;
const RSP_BIT = 1 << 4;
const REGISTERS = 16;
/** Nothing is known yet. */
const OPEN = -1;
const REX_R = 4;
const REX_B = 1;

/** Which value each general-purpose register holds where: equal numbers are equal values, as long as the number is not made anew. */
export interface Values {
  /** The value of a register before an instruction. */
  before(n: number, register: number): number;
  /** Values that an instruction makes anew, and those that the start of a block does. */
  made(n: number): readonly number[];
  madeAt(block: number): readonly number[];
}

/** Into a kernel, a hypervisor or an enclave: whoever is there leaves its results in registers. */
const ELSEWHERE = new Set(
  'syscall sysenter int int1 int3 into vmcall vmmcall vmfunc vmgexit vmlaunch vmresume vmrun tdcall seamcall enclu encls enclv'.split(
    ' ',
  ),
);

/** Registers that an instruction may change, calls with all that they may clobber. */
export function clobbers(stream: InsnStream, n: number): number {
  const { flow, mnemonic } = stream.traits[n]!;
  const writes = stream.writes[n]!;
  const called = flow === FLOW.call || flow === FLOW.indirectCall || ELSEWHERE.has(mnemonic);
  return called ? (writes & ~RSP_BIT) | CALLER_SAVED : writes;
}

/** Source and destination of a 64-bit move between general-purpose registers, or null. */
function copy(stream: InsnStream, n: number): { readonly from: number; readonly to: number } | null {
  const { codeName, memory } = stream.traits[n]!;
  if (memory >= 0 || (codeName !== 'Mov_rm64_r64' && codeName !== 'Mov_r64_rm64')) return null;
  const end = stream.at[n]! + stream.length[n]!;
  const modrm = stream.bytes[end - 1]!;
  const rex = stream.bytes[end - 3]!;
  const reg = ((modrm >> 3) & 7) | (rex & REX_R ? 8 : 0);
  const rm = (modrm & 7) | (rex & REX_B ? 8 : 0);
  return codeName === 'Mov_rm64_r64' ? { from: reg, to: rm } : { from: rm, to: reg };
}

/** Numbers the values of registers over a function: copies keep their number, joins of different ones get one of their own. */
export function numberValues(stream: InsnStream, cfg: Cfg): Values {
  const blocks = cfg.successors.length;
  const { count } = stream;
  const defined = (n: number, register: number): number => (n + 1) * REGISTERS + register;
  const joined = (block: number, register: number): number => (count + 1 + block) * REGISTERS + register;
  const ins = new Int32Array(blocks * REGISTERS).fill(OPEN);
  const moves = new Map<number, { readonly from: number; readonly to: number }>();
  for (let n = 0; n < count; n++) {
    const move = copy(stream, n);
    if (move !== null) moves.set(n, move);
  }
  const step = (state: Int32Array, n: number): void => {
    const move = moves.get(n);
    if (move !== undefined) {
      state[move.to] = state[move.from]!;
      return;
    }
    let bits = clobbers(stream, n);
    for (let register = 0; bits !== 0; register++, bits >>>= 1) if (bits & 1) state[register] = defined(n, register);
  };
  for (let register = 0; register < REGISTERS; register++) ins[register] = register;
  // The entry may be jumped to as well: its own values then meet those of the jump.
  const queue = [0];
  const waiting = new Uint8Array(blocks);
  const seen = new Uint8Array(blocks);
  waiting[0] = 1;
  const state = new Int32Array(REGISTERS);
  for (let head = 0; head < queue.length; head++) {
    const block = queue[head]!;
    waiting[block] = 0;
    seen[block] = 1;
    state.set(ins.subarray(block * REGISTERS, (block + 1) * REGISTERS));
    for (let n = cfg.first[block]!; n < cfg.first[block + 1]!; n++) step(state, n);
    for (const next of cfg.successors[block]!) {
      let changed = seen[next] === 0;
      for (let register = 0; register < REGISTERS; register++) {
        const at = next * REGISTERS + register;
        const old = ins[at]!;
        if (old === state[register] || old === joined(next, register)) continue;
        ins[at] = old === OPEN ? state[register]! : joined(next, register);
        changed = true;
      }
      if (changed && waiting[next] === 0) {
        waiting[next] = 1;
        queue.push(next);
      }
    }
  }
  // Kept for every instruction: the values before it.
  const before = new Int32Array(count * REGISTERS);
  for (let block = 0; block < blocks; block++) {
    state.set(ins.subarray(block * REGISTERS, (block + 1) * REGISTERS));
    for (let n = cfg.first[block]!; n < cfg.first[block + 1]!; n++) {
      before.set(state, n * REGISTERS);
      step(state, n);
    }
  }
  return {
    before: (n, register) => before[n * REGISTERS + register]!,
    made: (n) => {
      if (moves.has(n)) return [];
      const made: number[] = [];
      for (let register = 0, bits = clobbers(stream, n); bits !== 0; register++, bits >>>= 1) {
        if (bits & 1) made.push(defined(n, register));
      }
      return made;
    },
    madeAt: (block) => {
      const made: number[] = [];
      for (let register = 0; register < REGISTERS; register++) {
        const value = joined(block, register);
        if (ins[block * REGISTERS + register] === value) made.push(value);
      }
      return made;
    },
  };
}
