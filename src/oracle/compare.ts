import { hex } from '../bits/hex.ts';
import { GPR_NAMES } from '../decode/registers.ts';
import type { Exit } from '../exec/exit.ts';
import { vectorName } from '../exec/exit.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { FX } from '../state/fxsave.ts';
import { FS_BASE, GS_BASE } from '../state/layout.ts';
import { VECTOR } from '../state/pending.ts';
import { FLAG } from '../state/rflags.ts';
import { readExtended, SW } from '../state/x87.ts';
import { avx512Differences } from './avx512.ts';
import type { OracleCase, OracleResult } from './case.ts';
import { homeAddress, REGIONS } from './layout.ts';
import type { Sandbox } from './sandbox.ts';

type Ending = Exit | { readonly kind: 'normal' };

export interface Masks {
  /** Flags that the manual leaves open and that this host decides otherwise. */
  readonly rflags: number;
  /** Registers whose value the manual leaves open. */
  readonly gpr: ReadonlySet<number>;
  /** The manual does not say which of several bad accesses is reported: any memory fault stands for any other. */
  readonly anyMemoryFault: boolean;
  /** The host has YMM registers. */
  readonly ymm: boolean;
  /** The host has ZMM registers. */
  readonly zmm?: boolean;
  /** Lanes of vector registers may differ by the tolerance of an approximation. */
  readonly approximate: Tolerance | null;
  /** Bits of the x87 status word, and whether its pointers are compared where no exception waits. */
  readonly x87Status: number;
  readonly x87Pointers: boolean;
  /** Units in the last place by which x87 registers may differ: the results of transcendental instructions. */
  readonly x87Ulps?: number;
  /** TOP, tags and the order of the registers are not compared. */
  readonly x87Stack?: boolean;
  /** Bytes of memory that the host may store otherwise. */
  readonly memory: readonly { readonly address: bigint; readonly length: number }[];
}

/** How far two approximations may be from each other. */
export interface Tolerance {
  /** Bits of a lane. */
  readonly w: 32 | 64;
  /** The largest relative error of each. */
  readonly error: number;
}

/** RF depends on how the host delivers a fault, not on the instruction. */
const ALWAYS_MASKED: number = FLAG.RF;
const MEMORY_FAULTS: ReadonlySet<number> = new Set([VECTOR.PF, VECTOR.GP, VECTOR.SS]);
/** First address that Linux does not give to user code (TASK_SIZE_MAX). */
const KERNEL_HALF = 0x7fff_ffff_f000n;

/** What differs between the sandbox after a run and the host's answer: one line each, none when they agree. */
export function differences(sandbox: Sandbox, ending: Ending, host: OracleResult, masks: Masks): string[] {
  const out: string[] = [];
  const { cpu } = sandbox.machine;
  const differ = (what: string, ours: string, theirs: string): void => {
    if (ours !== theirs) out.push(`${what}: ${ours}, host ${theirs}`);
  };
  differ('ending', describe(ending, masks.anyMemoryFault), describeHost(host, masks.anyMemoryFault));
  differ('rip', hex(cpu.rip), hex(host.rip));
  for (let n = 0; n < 16; n++) if (!masks.gpr.has(n)) differ(GPR_NAMES[n]!, hex(cpu.gpr(n), 64), hex(host.gpr[n]!, 64));
  const keep = ~(masks.rflags | ALWAYS_MASKED);
  differ('rflags', hex((cpu.rflags & keep) >>> 0), hex((host.rflags & keep) >>> 0));
  differ('mxcsr', hex(cpu.mxcsr), hex(host.mxcsr));
  for (let n = 0; n < 16; n++) {
    const ours = cpu.xmm(n);
    const theirs = host.xmm(n);
    if (ours !== theirs && !lanesClose(ours, theirs, 16, masks.approximate))
      differ(`xmm${n}`, hex(ours, 128), hex(theirs, 128));
    const [upper, hostUpper] = [cpu.ymmHigh(n), host.ymmHigh(n)];
    if (masks.ymm && upper !== hostUpper && !lanesClose(upper, hostUpper, 16, masks.approximate))
      differ(`ymm${n} 255:128`, hex(upper, 128), hex(hostUpper, 128));
  }
  if (masks.zmm)
    for (const [name, ours, theirs] of avx512Differences(cpu, host.avx512))
      if (!lanesClose(BigInt(ours), BigInt(theirs), ours.length / 2 - 1, masks.approximate)) differ(name, ours, theirs);
  differX87(differ, cpu, host.fxsave, masks);
  differ('fsbase', hex(cpu.u64(FS_BASE)), hex(host.fsBase));
  differ('gsbase', hex(cpu.u64(GS_BASE)), hex(host.gsBase));
  return out;
}

/** Compares the x87 by the fields of the FXSAVE image. */
function differX87(
  differ: (what: string, ours: string, theirs: string) => void,
  cpu: CpuState,
  image: Uint8Array,
  masks: Masks,
): void {
  const { x87 } = cpu;
  const host = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const sw = (value: number): string => hex(value & ~masks.x87Status, 16);
  differ('fcw', hex(x87.controlWord, 16), hex(host.getUint16(FX.cw, true), 16));
  if (masks.x87Stack) return;
  differ('fsw', sw(x87.statusWord), sw(host.getUint16(FX.sw, true)));
  differ('ftw', hex(x87.abridgedTags, 8), hex(image[FX.tw]!, 8));
  const ulps = BigInt(masks.x87Ulps ?? 0);
  for (let i = 0; i < 8; i++) {
    const [ours, theirs] = [x87.read(i), readExtended(host, FX.st + FX.stride * i)];
    const distance = extendedOrder(ours) - extendedOrder(theirs);
    if (distance > ulps || -distance > ulps) differ(`st${i}`, hex(ours, 80), hex(theirs, 80));
  }
  if ((!masks.x87Pointers && !x87.pendingException()) || masks.x87Status & SW.ES) return;
  differ('fop', hex(x87.lastOpcode, 16), hex(host.getUint16(FX.op, true), 16));
  differ('fip', hex(x87.instructionPointer), hex(host.getBigUint64(FX.ip, true)));
  differ('fdp', hex(x87.lastDataPointer), hex(host.getBigUint64(FX.dp, true)));
}

/** A double extended number's magnitude in units of its format's last place, without the gap that the integer bit leaves. */
function extendedOrder(bits: bigint): bigint {
  const fraction = BigInt.asUintN(64, bits);
  const magnitude = ((bits >> 64n) & 0x7fffn) * (1n << 63n) + fraction;
  return bits >> 79n ? ~magnitude : magnitude;
}

/** Memory after a case, compared with what the host changed from the same start. */
export function memoryDifferences(
  before: Uint8Array,
  after: Uint8Array,
  host: OracleResult,
  masks: Pick<Masks, 'memory'>,
): string[] {
  const out: string[] = [];
  const expected = before.slice();
  for (const { address, bytes } of host.changes) {
    const at = snapshotOffset(address);
    if (at >= 0) expected.set(bytes, at);
  }
  for (const { address, length } of masks.memory)
    for (let n = 0; n < length; n++) {
      const at = snapshotOffset(homeAddress(BigInt.asUintN(64, address + BigInt(n))));
      if (at >= 0) expected[at] = after[at]!;
    }
  for (let i = 0; i < expected.length && out.length < 4; i++)
    if (expected[i] !== after[i])
      out.push(`memory ${hex(snapshotAddress(i))}: ${hex(after[i]!)}, host ${hex(expected[i]!)}`);
  return out;
}

const WRITABLE = REGIONS.filter((region) => region.writable);

/** The bytes of every writable region, one after the other. */
export function snapshot(sandbox: Sandbox): Uint8Array {
  const out = new Uint8Array(WRITABLE.reduce((sum, r) => sum + r.size, 0));
  let at = 0;
  for (const region of WRITABLE) {
    out.set(sandbox.machine.memory.bytes(sandbox.physical(region.base), region.size), at);
    at += region.size;
  }
  return out;
}

/** The same bytes as a case starts with them: the regions' background and the patches. */
export function initialSnapshot(c: OracleCase): Uint8Array {
  const out = new Uint8Array(WRITABLE.reduce((sum, r) => sum + r.size, 0));
  let at = 0;
  for (const region of WRITABLE) {
    out.fill(region.background, at, at + region.size);
    at += region.size;
  }
  const writes = [...(c.memory ?? []), { address: c.codeAddress ?? 0n, bytes: c.code }];
  for (const { address, bytes } of writes) {
    const offset = snapshotOffset(address);
    if (offset >= 0) out.set(bytes, offset);
  }
  return out;
}

function snapshotOffset(address: bigint): number {
  let at = 0;
  for (const region of WRITABLE) {
    if (address >= region.base && address < region.base + BigInt(region.size))
      return at + Number(address - region.base);
    at += region.size;
  }
  return -1;
}

function snapshotAddress(offset: number): bigint {
  let at = offset;
  for (const region of WRITABLE) {
    if (at < region.size) return region.base + BigInt(at);
    at -= region.size;
  }
  return 0n;
}

function describe(ending: Ending, anyFault: boolean): string {
  if (ending.kind !== 'fault') return ending.kind;
  const { vector, errorCode, cr2 } = ending.fault;
  if (anyFault && MEMORY_FAULTS.has(vector)) return 'memory fault';
  return faultText(vector, errorCode ?? 0, cr2);
}

function describeHost(host: OracleResult, anyFault: boolean): string {
  const { ending } = host;
  if (ending.kind !== 'fault') return ending.kind;
  if (anyFault && MEMORY_FAULTS.has(ending.vector)) return 'memory fault';
  return faultText(ending.vector, Number(ending.error), ending.vector === 14 ? ending.cr2 : null);
}

function faultText(vector: number, error: number, cr2: bigint | null): string {
  // Linux reports kernel-half addresses as present, whatever the tables say.
  const code = vector === 14 && (cr2 === null || cr2 >= KERNEL_HALF) ? error | 1 : error;
  return `${vectorName(vector)}(${hex(code)})${cr2 === null ? '' : ` at ${hex(cr2)}`}`;
}

/** Whether the lanes of two vectors of so many bytes are the same, or as close as two approximations may be. */
function lanesClose(a: bigint, b: bigint, bytes: number, tolerance: Tolerance | null): boolean {
  if (tolerance === null) return false;
  const { w, error } = tolerance;
  const view = new DataView(new ArrayBuffer(8));
  const number = (bits: bigint): number => {
    view.setBigUint64(0, BigInt.asUintN(w, bits));
    return w === 64 ? view.getFloat64(0) : view.getFloat32(4);
  };
  for (let at = 0n; at < BigInt(8 * bytes); at += BigInt(w)) {
    if (BigInt.asUintN(w, a >> at) === BigInt.asUintN(w, b >> at)) continue;
    const [x, y] = [number(a >> at), number(b >> at)];
    if (!(Math.abs(x - y) <= Math.abs(y) * 2 * error)) return false;
  }
  return true;
}
