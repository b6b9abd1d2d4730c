import type { BareGuest } from '../../machine/bare.ts';
import { registerSetting } from '../../machine/registers.ts';
import { isStackArgument, STACK } from './bounds.ts';
import { FS_BASE, GS_BASE, RETURN, STACK_TOP } from './layout.ts';
import { mix, type UnknownMemory } from './memory.ts';
import type { TypedObjects } from './reach.ts';
import { bytesOfNumber } from './values.ts';

/** What a function is called with. */
export interface CallInput {
  /** RDI, RSI, RDX, RCX, R8, R9. */
  readonly args: readonly bigint[];
  readonly memory: UnknownMemory;
  readonly gsBase?: bigint;
  readonly fsBase?: bigint;
  /** Types of the objects that arguments lead to, where they are declared. */
  readonly objects?: TypedObjects;
  /** Changes what nobody has set: other registers, and the stack below and above. */
  readonly salt?: number;
  /** Words of global variables, by `symbol+0x8`. */
  readonly variables?: ReadonlyMap<string, bigint>;
  /** What calls out of the image return, by `name#n`: others return what is drawn. */
  readonly returned?: ReadonlyMap<string, bigint>;
  /** More registers by name, set last. */
  readonly registers?: readonly (readonly [name: string, value: bigint])[];
}

const SALT = 0x1000_0001;
const ARGUMENTS = 'rdi rsi rdx rcx r8 r9'.split(' ');
const OTHERS = 'rax rbx rbp r10 r11 r12 r13 r14 r15'.split(' ');

/** Decides what nobody has set. */
export const junkSeed = ({ memory, salt = 0 }: CallInput): number => (memory.seed ?? 0) + salt * SALT;

/** What a register holds that nobody has set: the same for both builds, and no small number. */
export const junk = (seed: number, register: number): bigint =>
  0xdead_0000_0000_0000n | (BigInt(mix(seed, BigInt(register) + 0x77n)) << 8n) | BigInt(register);

/** Puts a guest at the first instruction of a function, with its arguments, an empty stack and a place to return to. */
export function enter(guest: BareGuest, entry: bigint, input: CallInput): void {
  const { args, gsBase = GS_BASE, fsBase = FS_BASE, salt = 0, registers = [] } = input;
  const seed = junkSeed(input);
  const back = new Uint8Array(8);
  new DataView(back.buffer).setBigUint64(0, BigInt(RETURN), true);
  guest.load({
    regions: [STACK],
    contents: [
      { address: STACK.address, bytes: new Uint8Array(STACK.size).fill(salt & 0xff) },
      { address: STACK_TOP - 8n, bytes: back },
      ...[...input.memory.words]
        .filter(([address]) => isStackArgument(address))
        .map(([address, word]) => ({ address, bytes: bytesOfNumber(word, 8) })),
    ],
    entry,
    cpl: 0,
    registers: [
      registerSetting('rsp', STACK_TOP - 8n),
      registerSetting('gsbase', gsBase),
      registerSetting('fsbase', fsBase),
      ...ARGUMENTS.map((name, i) => registerSetting(name, BigInt.asUintN(64, args[i] ?? 0n))),
      ...OTHERS.map((name, i) => registerSetting(name, junk(seed, i))),
      ...registers.map(([name, value]) => registerSetting(name, value)),
    ],
  });
}
