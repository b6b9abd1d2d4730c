import { ALL_EXCEPTIONS, floatEnv, PRE_COMPUTATION, type RoundingMode, setFromMxcsr } from '../../bits/softfloat.ts';
import { CR4, OPMASK } from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import { isCanonical } from '../helpers/descriptor.ts';
import { defineHelper, type HelperContext } from '../helpers/helper.ts';
import { unaligned } from '../helpers/unaligned.ts';
import { KIND, kindOf, type Row, rowNumber, type Sources, widthOf } from './row.ts';

/** The one place that knows masks, zeroing, broadcast, embedded rounding and fault suppression (SDM 2A 2.7). */

const OSXMMEXCPT = 1n << 10n;
/** CF PF AF ZF SF OF. */
const ARITHMETIC = 0x8d5;
const BYTES = 64;
/** The bit of an opmask register's offset that tells the two of a pair apart, and those below. */
const OPMASK_PAIR = 15;
const ALL = (1n << 64n) - 1n;
const env = floatEnv();

interface Operand {
  readonly kind: number;
  readonly w: number;
  readonly at: bigint;
}

type Segment = 'general' | 'stack';

function stateLane(c: HelperContext, at: number, w: number): bigint {
  const { view } = c.cpu;
  switch (w) {
    case 8:
      return BigInt(view.getUint8(at));
    case 16:
      return BigInt(view.getUint16(at, true));
    case 32:
      return BigInt(view.getUint32(at, true));
    case 64:
      return view.getBigUint64(at, true);
    default: {
      let value = 0n;
      for (let bit = w - 64; bit >= 0; bit -= 64) value = (value << 64n) | view.getBigUint64(at + bit / 8, true);
      return value;
    }
  }
}

function setStateLane(c: HelperContext, at: number, w: number, value: bigint): void {
  for (let byte = 0; byte < w / 8; byte++) c.cpu.u8[at + byte] = Number((value >> BigInt(8 * byte)) & 0xffn);
}

const address = (op: Operand, byte: number): bigint => BigInt.asUintN(64, op.at + BigInt(byte));

function readMemory(c: HelperContext, from: bigint, w: number, segment: Segment): bigint | null {
  if (w <= 64) return c.read(from, w, segment);
  let value = 0n;
  for (let bit = 0; bit < w; bit += 64) {
    const part = c.read(BigInt.asUintN(64, from + BigInt(bit / 8)), 64, segment);
    if (part === null) return null;
    value |= part << BigInt(bit);
  }
  return value;
}

/** Lanes of a source; null with a fault pending. Lanes that `active` leaves out are not touched in memory. */
function lanesOf(
  c: HelperContext,
  op: Operand,
  w: number,
  n: number,
  active: ((i: number) => boolean) | null,
  segment: Segment,
): bigint[] | null {
  if (op.kind === KIND.opmask) return [stateLane(c, Number(op.at), 64)];
  if (op.kind !== KIND.memory) {
    const count = Math.max(1, Math.floor(op.w / w));
    const width = op.kind === KIND.general ? op.w : w;
    return Array.from({ length: count }, (_, i) => stateLane(c, Number(op.at) + (i * w) / 8, width));
  }
  const count = Math.max(1, Math.floor(op.w / w));
  const width = Math.min(w, op.w);
  const lanes: bigint[] = [];
  // An operand that leaves the canonical addresses is a #GP(0) or #SS(0), whatever its first bytes would do.
  const last = address(op, op.w / 8 - 1);
  if (active === null && !isCanonical(c, last) && c.read(last, 8, segment) === null) return null;
  if (count === 1) {
    let wanted = active === null;
    for (let i = 0; i < n && !wanted; i++) wanted = active!(i);
    const value = wanted ? readMemory(c, op.at, width, segment) : 0n;
    if (value === null) return null;
    return new Array<bigint>(n).fill(value);
  }
  // Up to 8 bytes are one access, whatever their lanes: it may be misaligned (SDM 2A 2.7.12, type E5).
  if (active === null && op.w <= 64) {
    const whole = c.read(op.at, op.w, segment);
    if (whole === null) return null;
    return Array.from({ length: count }, (_, i) => BigInt.asUintN(w, whole >> BigInt(i * w)));
  }
  for (let i = 0; i < count; i++) {
    const value = active === null || active(i) ? readMemory(c, address(op, (i * w) / 8), w, segment) : 0n;
    if (value === null) return null;
    lanes.push(value);
  }
  return lanes;
}

/** Lanes joined to 64 bits. */
const quads = (lanes: readonly bigint[], w: number): bigint[] =>
  Array.from({ length: (lanes.length * w) / 64 }, (_, q) => {
    let value = 0n;
    for (let i = 64 / w - 1; i >= 0; i--) value = (value << BigInt(w)) | lanes[(q * 64) / w + i]!;
    return value;
  });

/** The same of a source that may be one number of 64 bits for all. */
function broadcastQuads(op: Operand, lanes: readonly bigint[], w: number): bigint[] {
  const all = quads(lanes, w);
  return op.kind === KIND.memory && op.w === 64 ? new Array<bigint>(8).fill(all[0]!) : all;
}

/** Merges what was raised into MXCSR; false with a fault pending. */
function settle(c: HelperContext, quiet: boolean): boolean {
  const raised = env.flags;
  const { mxcsr } = c.cpu;
  const unmasked = quiet ? 0 : raised & ~(mxcsr >> 7) & ALL_EXCEPTIONS;
  c.cpu.mxcsr = mxcsr | (unmasked & PRE_COMPUTATION ? raised & PRE_COMPUTATION : raised);
  if (unmasked) c.fault(c.cpu.u64(CR4) & OSXMMEXCPT ? VECTOR.XM : VECTOR.UD, null);
  return !unmasked;
}

function writeRegister(c: HelperContext, dst: Operand, lanes: readonly bigint[], w: number): void {
  const at = Number(dst.at);
  for (const [i, value] of lanes.entries()) setStateLane(c, at + (i * w) / 8, w, value);
  c.cpu.u8.fill(0, at + Math.max(16, (lanes.length * w) / 8), at + BYTES);
  if ((lanes.length * w) / 8 < 16) c.cpu.u8.fill(0, at + (lanes.length * w) / 8, at + 16);
}

/** Whether the active lanes can be stored; false with a fault pending. */
function storable(
  c: HelperContext,
  dst: Operand,
  row: Row,
  n: number,
  active: (i: number) => boolean,
  segment: Segment,
  masked: boolean,
): boolean {
  const bytes = row.w / 8;
  const wanted = Array.from({ length: n }, (_, i) => i).filter(active);
  const last = address(dst, n * bytes - 1);
  if (!masked && !isCanonical(c, last) && !c.probeWrite(last, 1, segment)) return false;
  if ((row.whole || !masked) && !c.probeWrite(dst.at, n * bytes, segment)) return false;
  return wanted.every((i) => c.probeWrite(address(dst, i * bytes), bytes, segment));
}

/** Stores the active lanes. */
function store(
  c: HelperContext,
  dst: Operand,
  row: Row,
  n: number,
  active: (i: number) => boolean,
  result: readonly bigint[],
  segment: Segment,
): void {
  const bytes = row.w / 8;
  const width = Math.min(64, row.w);
  for (let i = 0; i < n; i++)
    for (let bit = 0; active(i) && bit < row.w; bit += 64)
      c.write(address(dst, i * bytes + bit / 8), BigInt.asUintN(width, result[i]! >> BigInt(bit)), width, segment);
}

function run(context: HelperContext, row: Row, control: number, segment: Segment, operands: readonly Operand[]): void {
  const zeroing = (control & 0x80) !== 0;
  const memory = operands.find((op) => op.kind === KIND.memory);
  const wide = memory !== undefined && memory.w > 64;
  const c = wide ? unaligned(context) : context;
  const own = (control & 0x10) !== 0 && memory === undefined;
  const length = own ? 512 : 128 << ((control >> 5) & 3);
  const number = control & 7;
  const from = row.from ?? row.w;
  const mask = number === 0 ? ALL : stateLane(c, OPMASK + 8 * number, 64);
  const n = row.scalar
    ? 1
    : operands[0]!.kind === KIND.memory
      ? operands[0]!.w / row.w
      : (row.lanes ?? length / (row.packs ? row.w : Math.max(row.w, from)));
  const active = (i: number): boolean => ((mask >> BigInt(i)) & 1n) === 1n;
  const dst = operands[0]!;
  const sources = operands.slice(row.flags ? 0 : 1).filter((op) => op.kind !== KIND.immediate);
  const imm = Number(operands.find((op) => op.kind === KIND.immediate)?.at ?? 0n);
  if (row.aligned && memory && Array.from({ length: n }, (_, i) => i).some(active) && memory.at % BigInt(memory.w / 8))
    return c.fault(VECTOR.GP, 0);
  const shared = row.byXmm === true && sources.length > 1;
  const chosen = Array.from({ length: n }, (_, i) => i).filter(active);
  const filter = row.whole || shared || number === 0 ? null : active;
  const reaches = row.repeats
    ? (j: number): boolean => Array.from({ length: n }, (_, i) => i).some((i) => i % row.repeats! === j && active(i))
    : row.expand
      ? (j: number): boolean => j < chosen.length
      : filter;
  const b = lanesOf(c, sources.at(-1)!, from, row.repeats ?? n, filter && reaches, segment);
  if (b === null) return;
  const a = sources.length > 1 ? lanesOf(c, sources[0]!, row.fromA ?? from, n, filter, segment)! : b;
  const vector = dst.kind === KIND.register;
  const d = vector
    ? Array.from({ length: 512 / row.w }, (_, i) => stateLane(c, Number(dst.at) + (i * row.w) / 8, row.w))
    : [];
  setFromMxcsr(env, c.cpu.mxcsr);
  if (row.keeps) {
    env.ftz = false;
    if (row.keeps !== 'results') env.daz = false;
  }
  if (own || row.quiet) env.masks = ALL_EXCEPTIONS;
  if (own) {
    if (!row.sae) env.rounding = ((control >> 5) & 3) as RoundingMode;
  }
  const s: Sources = {
    a,
    b,
    d,
    imm,
    env,
    n,
    to: dst.w,
    by: sources.at(-1)!.w,
    a64: row.quads ? quads(a, from) : undefined,
    b64: row.quads ? broadcastQuads(sources.at(-1)!, b, from) : undefined,
  };
  const result = Array.from({ length: n }, (_, i) => (active(i) ? BigInt.asUintN(row.w, row.lane(s, i)) : 0n));
  if (row.compress) {
    const kept = chosen.map((i) => b[i]!);
    if (dst.kind === KIND.memory) {
      if (storable(c, dst, row, kept.length, () => true, segment, true))
        store(c, dst, row, kept.length, () => true, kept, segment);
      return;
    }
    return writeRegister(
      c,
      dst,
      Array.from({ length: n }, (_, i) => kept[i] ?? (zeroing ? 0n : d[i]!)),
      row.w,
    );
  }
  if (row.expand)
    return writeRegister(
      c,
      dst,
      Array.from({ length: n }, (_, i) => (active(i) ? b[chosen.indexOf(i)]! : zeroing ? 0n : d[i]!)),
      row.w,
    );
  // A store that faults leaves MXCSR alone.
  if (dst.kind === KIND.memory && !storable(c, dst, row, n, active, segment, number !== 0)) return;
  if (row.float && !own && !settle(c, row.quiet === true)) return;
  if (row.flags) {
    c.cpu.rflags = (c.cpu.rflags & ~ARITHMETIC) | Number(result[0]!);
    return;
  }
  if (dst.kind === KIND.memory) {
    store(c, dst, row, n, active, result, segment);
    return;
  }
  if (row.pair) {
    const even = OPMASK + ((Number(dst.at) - OPMASK) & ~OPMASK_PAIR);
    const bits = (n: bigint): bigint => result.reduce((sum, two, i) => sum | (((two >> n) & 1n) << BigInt(i)), 0n);
    c.cpu.setU64(even, bits(0n));
    return c.cpu.setU64(even + 8, bits(1n));
  }
  if (row.test) {
    const bits = result.reduce((sum, bit, i) => sum | (bit << BigInt(i)), 0n);
    return c.cpu.setU64(Number(dst.at), bits);
  }
  if (dst.kind === KIND.general) return c.cpu.setU64(Number(dst.at), BigInt.asUintN(dst.w, result[0]!));
  const merged = result.map((value, i) => (active(i) ? value : zeroing ? 0n : row.otherwise ? a[i]! : d[i]!));
  if (row.scalar && sources.length > 0) {
    const rest = sources.length > 1 ? (row.restOfDestination ? d : a) : null;
    for (let i = 1; i < 128 / row.w; i++) merged.push(rest ? rest[i]! : 0n);
  }
  writeRegister(c, dst, merged, row.w);
}

defineHelper({
  name: 'evex',
  doc: 'An instruction of AVX-512: row, P2 of the prefix, segment, and up to four operands as kind and value',
  args: [32, 32, 32, 32, 64, 32, 64, 32, 64, 32, 64],
  result: 0,
  run: (c, row, control, stack, ...rest) => {
    const operands: Operand[] = [];
    for (let i = 0; i < rest.length; i += 2) {
      const code = Number(rest[i]);
      if (kindOf(code) !== KIND.none)
        operands.push({ kind: kindOf(code), w: widthOf(code), at: BigInt.asUintN(64, rest[i + 1]!) });
    }
    run(c, rowNumber(Number(row)), Number(control), stack ? 'stack' : 'general', operands);
  },
});
