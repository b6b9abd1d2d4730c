import type { Fault } from '../../exec/exit.ts';
import { isCanonical, pageWalk, peek } from '../../memory/page-walk.ts';
import { PF } from '../../memory/paging.ts';
import type { PhysicalMemory } from '../../memory/physical.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { SEGMENT } from '../../state/descriptors.ts';
import * as L from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import { FLAG } from '../../state/rflags.ts';
import type { Names } from '../../trace/names.ts';
import type { ComposedAccess } from '../accesses.ts';
import { kasanAddress } from './diagnose.ts';
import type { OopsInfo } from './info.ts';

/** The machine as the exception left it, and what the report says besides. */
export interface OopsScene {
  readonly fault: Fault;
  readonly cpu: CpuState;
  readonly memory: PhysicalMemory;
  readonly names: Names;
  /** Of the faulting instruction: they tell which address was not canonical. */
  readonly accesses: readonly ComposedAccess[];
  readonly info: OopsInfo;
}

/** Linux arch/x86/kernel/dumpstack.c: CODE bytes, PROLOGUE of them in front of RIP. */
const CODE_BYTES = 64;
const CODE_BEFORE = 42;
const PAGE = 4096n;
/** How much of a stack is looked through. */
const STACK_SIZE = 16384;
const TITLES: Readonly<Record<number, string>> = {
  [VECTOR.DE]: 'divide error',
  [VECTOR.OF]: 'overflow',
  [VECTOR.UD]: 'invalid opcode',
  [VECTOR.NM]: 'device not available',
  [VECTOR.SS]: 'stack segment',
  [VECTOR.AC]: 'alignment check',
};
const GPR = { rax: 0, rcx: 1, rdx: 2, rbx: 3, rsp: 4, rbp: 5, rsi: 6, rdi: 7 } as const;

const word = (value: bigint): string => value.toString(16).padStart(16, '0');
const half = (value: number): string => value.toString(16).padStart(4, '0');

/** `begin_new_exec+0x8f2/0xa30` as kallsyms says it: a symbol without a size reaches to the next one. */
function place(names: Names, address: bigint): string | null {
  const hit = names.symbols.at(address);
  if (hit === undefined) return null;
  const next = names.symbols.symbols.find((other) => other.address > hit.symbol.address);
  const size = hit.symbol.size > 0 ? BigInt(hit.symbol.size) : (next?.address ?? address) - hit.symbol.address;
  return `${hit.symbol.name}+0x${hit.offset.toString(16)}/0x${size.toString(16)}`;
}

/** The same of a return address, which may lie behind its function's last byte. */
function returnPlace(names: Names, address: bigint): string | null {
  const before = place(names, address - 1n);
  return before === null
    ? null
    : before.replace(/\+0x([0-9a-f]+)/, (_, offset) => `+0x${(BigInt(`0x${offset}`) + 1n).toString(16)}`);
}

/** Registers by name: the values to be shown, the machine's where none was given. */
class Shown {
  readonly #cpu: CpuState;
  readonly #given: Readonly<Record<string, string>>;

  constructor({ cpu, info }: OopsScene) {
    this.#cpu = cpu;
    this.#given = info.registers ?? {};
  }

  #or(name: string, value: () => bigint): bigint {
    const given = this.#given[name];
    return given === undefined ? value() : BigInt(given);
  }

  gpr(name: string): bigint {
    const n = (GPR as Record<string, number>)[name] ?? Number(name.slice(1));
    return this.#or(name, () => this.#cpu.gpr(n));
  }

  selector(name: 'es' | 'cs' | 'ss' | 'ds' | 'fs' | 'gs'): number {
    const n = SEGMENT[name.toUpperCase() as 'ES'];
    return Number(this.#or(name, () => BigInt(this.#cpu.selector(n))));
  }

  at(name: string, layout: number): bigint {
    return this.#or(name, () => this.#cpu.u64(layout));
  }

  /** As the exception pushes it: with RF, since the instruction will be tried again. */
  get flags(): bigint {
    return this.#or('eflags', () => BigInt(this.#cpu.rflags | FLAG.RF));
  }
}

function ripLines({ cpu, memory, names }: OopsScene, shown: Shown): string[] {
  const rip = cpu.rip;
  const start = BigInt.asUintN(64, rip - BigInt(CODE_BEFORE));
  const bytes = peek(memory, cpu, start, CODE_BYTES);
  const dump = [...bytes].map((byte, i) => {
    const text = byte.toString(16).padStart(2, '0');
    return i === CODE_BEFORE ? `<${text}>` : text;
  });
  return [
    `RIP: ${half(shown.selector('cs'))}:${place(names, rip) ?? `0x${rip.toString(16)}`}`,
    bytes.length < CODE_BYTES
      ? `Code: Unable to access opcode bytes at 0x${start.toString(16)}.`
      : `Code: ${dump.join(' ')}`,
  ];
}

const ROWS = ['rax rbx rcx', 'rdx rsi rdi', 'rbp r8 r9', 'r10 r11 r12', 'r13 r14 r15'];

function registerLines(scene: OopsScene, shown: Shown): string[] {
  const label = (name: string): string => name.toUpperCase().replace(/^R(\d)$/, 'R0$1');
  const { early } = scene.info;
  const origin = early === true ? ` ORIG_RAX: ${word(BigInt(scene.fault.errorCode ?? 0))}` : '';
  return [
    `RSP: ${half(shown.selector('ss'))}:${word(shown.gpr('rsp'))} EFLAGS: ${shown.flags.toString(16).padStart(8, '0')}${origin}`,
    ...ROWS.map((row) =>
      row
        .split(' ')
        .map((name) => `${label(name)}: ${word(shown.gpr(name))}`)
        .join(' '),
    ),
    `FS:  ${word(shown.at('fsbase', L.FS_BASE))}(${half(shown.selector('fs'))}) GS:${word(shown.at('gsbase', L.GS_BASE))}(${half(shown.selector('gs'))}) knlGS:${word(shown.at('knlgs', L.KERNEL_GS_BASE))}`,
    `CS:  ${half(shown.selector('cs'))} DS: ${half(shown.selector('ds'))} ES: ${half(shown.selector('es'))} CR0: ${word(shown.at('cr0', L.CR0))}`,
    `CR2: ${word(shown.at('cr2', L.CR2))} CR3: ${word(shown.at('cr3', L.CR3))} CR4: ${word(shown.at('cr4', L.CR4))}`,
  ];
}

/** `PGD 0 P4D 0`: the entries down to the first one that leads nowhere. With four levels the P4D is the PGD again. */
function tableLine({ cpu, memory }: OopsScene, address: bigint): string {
  const { steps } = pageWalk(memory, cpu, address);
  const entries = steps.map(({ entry }) => entry.toString(16));
  if (steps[0]?.name === 'PML4E') entries.unshift(entries[0]!);
  if (entries.length === 0) return 'BAD';
  return ['PGD', 'P4D', 'PUD', 'PMD', 'PTE']
    .slice(0, entries.length)
    .map((name, i) => `${name} ${entries[i]} `)
    .join('');
}

function pageFaultLines(scene: OopsScene, address: bigint, code: number): string[] {
  const bad = address < PAGE ? 'kernel NULL pointer dereference, address:' : 'unable to handle page fault for address:';
  const who = code & PF.U ? 'user' : 'supervisor';
  const what = code & PF.I ? 'instruction fetch' : code & PF.W ? 'write access' : 'read access';
  const mode = scene.cpu.cpl === 3 ? 'user' : 'kernel';
  const why = !(code & PF.P)
    ? 'not-present page'
    : code & PF.RSVD
      ? 'reserved bit violation'
      : code & PF.PK
        ? 'protection keys violation'
        : 'permissions violation';
  return [
    `BUG: ${bad} ${word(address)}`,
    `#PF: ${who} ${what} in ${mode} mode`,
    `#PF: error_code(0x${half(code)}) - ${why}`,
    tableLine(scene, address),
  ];
}

/** From 6.9 on every headline begins with «Oops: ». */
function prefix({ release = '' }: OopsInfo): string {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return major > 6 || (major === 6 && minor >= 9) ? 'Oops: ' : '';
}

function protectionTitle({ accesses, fault }: OopsScene): string {
  if (fault.errorCode) return 'general protection fault';
  const wild = accesses.find(({ address }) => !isCanonical(address));
  const any = wild ?? accesses[0];
  if (any === undefined) return 'general protection fault';
  const kind = wild === undefined ? 'maybe for address' : 'probably for non-canonical address';
  return `general protection fault, ${kind} 0x${any.address.toString(16)}`;
}

function headLines(scene: OopsScene): string[] {
  const { fault, cpu, info } = scene;
  const code = fault.errorCode ?? 0;
  const flags = info.flags ?? 'SMP';
  const count = info.count ?? 1;
  if (info.early === true) {
    const vector = fault.vector.toString(16).padStart(2, '0');
    const cr2 = info.registers?.['cr2'] === undefined ? cpu.u64(L.CR2) : BigInt(info.registers['cr2']);
    return [
      `PANIC: early exception 0x${vector} IP ${cpu.selector(SEGMENT.CS).toString(16)}:${cpu.rip.toString(16)} error ${code.toString(16)} cr2 0x${cr2.toString(16)}`,
    ];
  }
  const title =
    fault.vector === VECTOR.PF
      ? 'Oops'
      : fault.vector === VECTOR.GP
        ? protectionTitle(scene)
        : (TITLES[fault.vector] ?? 'exception');
  const lines = fault.vector === VECTOR.PF ? pageFaultLines(scene, fault.cr2 ?? 0n, code) : [];
  lines.push(`${prefix(info)}${title}: ${half(code)} [#${count}] ${flags}`);
  const wild = scene.accesses.find(({ address }) => !isCanonical(address));
  const watched = wild === undefined || !flags.includes('KASAN') ? null : kasanAddress(wild.address);
  if (watched !== null) {
    const kind =
      watched < PAGE
        ? 'null-ptr-deref'
        : watched >> 47n === 0n
          ? 'probably user-memory-access'
          : 'maybe wild-memory-access';
    lines.push(`KASAN: ${kind} in range [0x${word(watched)}-0x${word(watched + 7n)}]`);
  }
  return lines;
}

function traceLines({ cpu, memory, names, info }: OopsScene): string[] {
  const from = info.traceFrom === undefined ? cpu.gpr(GPR.rsp) : BigInt(info.traceFrom);
  const sure = new Set((info.frames ?? []).map((text) => BigInt(text)));
  const bytes = peek(memory, cpu, from, STACK_SIZE - Number(from % BigInt(STACK_SIZE)));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const lines = ['Call Trace:', ' <TASK>'];
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const name = returnPlace(names, view.getBigUint64(at, true));
    if (name !== null) lines.push(` ${sure.has(from + BigInt(at)) ? '' : '? '}${name}`);
  }
  return [...lines, ' </TASK>'];
}

/** The report that Linux' `die` prints for an exception in the kernel (arch/x86/kernel/dumpstack.c, process_64.c, mm/fault.c; 6.6). */
export function oopsLines(scene: OopsScene): string[] {
  const { info } = scene;
  const shown = new Shown(scene);
  const cr2 = word(shown.at('cr2', L.CR2));
  const lines = headLines(scene);
  if (info.early !== true || info.release !== undefined) {
    const build = info.build === undefined ? '' : ` #${info.build}`;
    lines.push(
      `CPU: ${info.cpu ?? 0} PID: ${info.pid ?? 0} Comm: ${info.comm ?? 'swapper/0'} ${info.taint ?? 'Not tainted'} ${info.release ?? '6.6.0'}${build}`,
    );
    if (info.hardware !== undefined) lines.push(`Hardware name: ${info.hardware}`);
  }
  const state = [...ripLines(scene, shown), ...registerLines(scene, shown)];
  lines.push(...state, ...traceLines(scene));
  if (info.early !== true) {
    lines.push(`Modules linked in:${info.modules === undefined ? '' : ` ${info.modules}`}`);
    if (scene.fault.vector === VECTOR.PF) lines.push(`CR2: ${cr2}`);
    lines.push('---[ end trace 0000000000000000 ]---');
    if (info.panic !== undefined) {
      lines.push(...state, `Kernel panic - not syncing: ${info.panic}`);
      if (info.kernelOffset !== undefined)
        lines.push(
          `Kernel Offset: ${info.kernelOffset} from 0xffffffff81000000 (relocation range: 0xffffffff80000000-0xffffffffbfffffff)`,
        );
    }
  }
  const { times } = info;
  if (times === undefined || times.length === 0) return lines;
  return lines.map((line, i) => `[${(times[i] ?? times.at(-1)!).padStart(12)}] ${line}`);
}
