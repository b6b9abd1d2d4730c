import { GPR_NAMES } from '../decode/registers.ts';
import { type InsnStream, NO_REGISTER, RIP_REGISTER, SEGMENT_GS } from '../decode/stream.ts';
import { ACCESS, FLOW } from '../decode/traits.ts';
import { type CodeFunction, withOffset } from './build.ts';
import { type Metrics, noMetrics } from './metrics.ts';
import { isConstantAddress, type Reference } from './references.ts';

const RSP = 4;
const RBP = 5;
const R12 = 12;
/** RBX, RBP, R12–R15: what a callee keeps (psABI 3.2.1). */
const CALLEE_SAVED = new Set([3, RBP, R12, 13, 14, 15]);
/** PUSH of a register by its one-byte opcode. */
const PUSH = 0x50;
const REX_B = 0x41;
/** Slot of an access whose address a register decides. */
export const INDEXED = 'indexed';

/** Name of the slot that a segment access means: `pcpu_hot`, `0x2ac80`, `fs:0x28`, `indexed`. */
export function slotOf(fn: CodeFunction, stream: InsnStream, n: number, reference: Reference | undefined): string {
  const prefix = stream.segment[n] === SEGMENT_GS ? '' : 'fs:';
  if (!isConstantAddress(stream, n)) return prefix + INDEXED;
  if (reference !== undefined && reference.place.symbol !== null) {
    return prefix + withOffset(reference.place.symbol, reference.place.offset);
  }
  const address = slotAddress(fn, stream, n);
  const name = prefix === '' ? fn.unit.slotName(address) : null;
  return prefix + (name ?? hexSigned(address));
}

/** The offset in the segment; exact for linked code. */
export function slotAddress(fn: CodeFunction, stream: InsnStream, n: number): number {
  const end = fn.address + stream.at[n]! + stream.length[n]!;
  return stream.base[n] === RIP_REGISTER ? end + stream.displacement[n]! : stream.displacement[n]!;
}

export const hexSigned = (value: number): string =>
  value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;

/** Counts everything of `Metrics` but reloads in a function whose instructions `stream` holds. */
export function countFunction(fn: CodeFunction, stream: InsnStream, references: readonly Reference[]): Metrics {
  const m = noMetrics();
  const { at, length, segment, base, index } = stream;
  let next = 0;
  m.instructions = stream.count;
  m.bytes = stream.count === 0 ? 0 : at[stream.count - 1]! + length[stream.count - 1]!;
  const touched = { bits: 0 };
  for (let n = 0; n < stream.count; n++) {
    const traits = stream.traits[n]!;
    while (next < references.length && references[next]!.insn < n) next++;
    switch (traits.flow) {
      case FLOW.jump:
      case FLOW.conditional:
      case FLOW.indirectJump:
        m.branches++;
        break;
      case FLOW.call:
      case FLOW.indirectCall:
        m.calls++;
        break;
      case FLOW.return:
        m.returns++;
        break;
    }
    const reads = (traits.access & ACCESS.read) !== 0 || traits.stringReads > 0;
    const writes = (traits.access & ACCESS.write) !== 0 || traits.stringWrites > 0;
    if (reads) m.loads++;
    if (writes) m.stores++;
    if (segment[n] !== 0 && (reads || writes)) {
      let reference: Reference | undefined;
      for (let r = next; r < references.length && references[r]!.insn === n; r++) {
        if (references[r]!.field === 'memory') reference = references[r];
      }
      countSegment(m, fn, stream, n, reads, writes, reference);
    } else if (index[n] === NO_REGISTER && (base[n] === RSP || base[n] === RBP)) {
      if (writes) m.spills++;
      if (reads) m.fills++;
    }
    if (stream.locked[n]) m.locked++;
    countMnemonic(m, stream, n, touched);
  }
  return m;
}

function countSegment(
  m: Metrics,
  fn: CodeFunction,
  stream: InsnStream,
  n: number,
  reads: boolean,
  writes: boolean,
  reference: Reference | undefined,
): void {
  const gs = stream.segment[n] === SEGMENT_GS;
  if (writes) gs ? m.gsStores++ : m.fsStores++;
  if (!reads) return;
  const slot = slotOf(fn, stream, n, reference);
  m.slots[slot] = (m.slots[slot] ?? 0) + 1;
  if (!gs) {
    m.fsLoads++;
    return;
  }
  m.gsLoads++;
  m.gsLoadBytes += stream.length[n]!;
  if (!isConstantAddress(stream, n)) return;
  if (stream.base[n] === RIP_REGISTER) m.gsLoadsRelative++;
  else m.gsLoadsAbsolute++;
}

const SUB_RSP = /^Sub_rm64_imm/;

function countMnemonic(m: Metrics, stream: InsnStream, n: number, touched: { bits: number }): void {
  const { mnemonic, codeName } = stream.traits[n]!;
  const at = stream.at[n]!;
  const { bytes } = stream;
  if (mnemonic === 'nop') m.nops++;
  else if (mnemonic.startsWith('cmov')) m.cmov++;
  else if (mnemonic === 'push') {
    m.pushes++;
    const rex = bytes[at] === REX_B;
    const opcode = bytes[at + (rex ? 1 : 0)]!;
    const register = (opcode & 7) + (rex ? 8 : 0);
    if (opcode >= PUSH && opcode < PUSH + 8 && CALLEE_SAVED.has(register) && (touched.bits & (1 << register)) === 0) {
      m.saved.push(GPR_NAMES[register]!);
      touched.bits |= 1 << register;
    }
  } else if (mnemonic === 'pop') m.pops++;
  else if (mnemonic === 'sub' && SUB_RSP.test(codeName) && stream.writes[n]! & (1 << RSP)) {
    const size = stream.traits[n]!.immediate;
    const from = at + stream.length[n]! - size;
    m.frame +=
      size === 1 ? (bytes[from]! << 24) >> 24 : new DataView(bytes.buffer, bytes.byteOffset).getInt32(from, true);
  }
  touched.bits |= stream.writes[n]!;
}
