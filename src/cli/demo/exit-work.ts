import { littleEndianNumber } from '../../bits/bytes.ts';
import { BareGuest, type BareProgram } from '../../machine/bare.ts';
import type { BareRegion } from '../../machine/bare-space.ts';
import { registerSetting } from '../../machine/registers.ts';
import { runWindow } from '../../trace/stepping.ts';
import { type Step, Watcher } from '../../trace/watcher.ts';

/** One build of the kernel's syscall_exit_work: bytes, where they belong, and where its second branch leads. */
export interface Variant {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** Target of the JNE, as an offset. */
  readonly exit: number;
}

/** A CPU as the kernel has set it up: its per-CPU area, and the task that runs on it. */
export interface KernelCpu {
  readonly gsBase: bigint;
  readonly task: bigint;
}

/** What the code is run on. */
export interface Input {
  /** Work flags, in RSI. */
  readonly work: bigint;
  /** The byte at task+0x800. */
  readonly flag: number;
}

export interface Outcome {
  readonly steps: readonly Step[];
  /** Where it came out, as an offset from its start. */
  readonly end: bigint;
  /** The pointers that its `%gs` loads gave. */
  readonly loaded: readonly bigint[];
}

/** Offset of `pcpu_hot.current_task` in a per-CPU area. */
export const CURRENT_TASK = 0x2ac80n;
export const BEFORE_ADDRESS = 0xffff_ffff_8111_e120n;
export const AFTER_ADDRESS = 0xffff_ffff_8111_cb80n;
export const BEFORE_EXIT = 266;
export const AFTER_EXIT = 250;
export const CPUS: readonly KernelCpu[] = [
  { gsBase: 0xffff_9947_63e0_0000n, task: 0xffff_9947_4028_0000n },
  { gsBase: 0xffff_9947_63f0_0000n, task: 0xffff_9947_4154_0000n },
];

const TASK_FLAG = 0x800n;
const STACK: BareRegion = { ...data(0xffff_9c84_c01e_0000n), size: 0x4000 };
const STACK_TOP = STACK.address + BigInt(STACK.size);
const HLT = Uint8Array.of(0xf4);
const MOST_STEPS = 1000;

function data(address: bigint): BareRegion {
  return { address, size: 0x1000, write: true, execute: false, user: false };
}

function word(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

/** Memory and registers of both CPUs' areas and tasks, of which one runs the code at CPL 0. HLT stands where it comes out. */
function programFor({ address, bytes, exit }: Variant, cpu: KernelCpu, input: Input): BareProgram {
  const end = address + BigInt(bytes.length);
  return {
    regions: [
      { address, size: 0x1000, write: false, execute: true, user: false },
      STACK,
      ...CPUS.flatMap(({ gsBase, task }) => [data(gsBase + CURRENT_TASK), data(task)]),
    ],
    contents: [
      { address, bytes },
      { address: end, bytes: HLT },
      { address: address + BigInt(exit), bytes: HLT },
      ...CPUS.map(({ gsBase, task }) => ({ address: gsBase + CURRENT_TASK, bytes: word(task) })),
      { address: cpu.task + TASK_FLAG, bytes: Uint8Array.of(input.flag) },
    ],
    entry: address,
    cpl: 0,
    registers: [
      registerSetting('gsbase', cpu.gsBase),
      registerSetting('rsi', input.work),
      registerSetting('rsp', STACK_TOP),
    ],
  };
}

/** Executes a variant's bytes on one CPU, watching every instruction. */
export function runExitWork(guest: BareGuest, variant: Variant, cpu: KernelCpu, input: Input): Outcome {
  guest.load(programFor(variant, cpu, input));
  const { machine } = guest;
  const watcher = new Watcher(machine);
  const steps: Step[] = [];
  const window = { from: 1, to: MOST_STEPS, ranges: [] };
  const stop = guest.run({ instructions: MOST_STEPS }, (budget) =>
    runWindow(machine, watcher, window, (step) => steps.push(step), budget),
  );
  if (stop.reason !== 'hlt') throw new Error(`syscall_exit_work ended by ${stop.reason}`);
  const loads = steps
    .flatMap((step) => step.accesses)
    .filter(({ kind, segment }) => kind !== 'write' && segment === 'gs');
  return {
    steps,
    end: machine.cpu.rip - variant.address,
    loaded: loads.map((access) => littleEndianNumber(access.before)),
  };
}

/** A guest with room for this and nothing more. */
export const smallGuest = (): BareGuest => new BareGuest({ memory: 4 << 20 });
