import { ATTRIBUTE, RPL, SEGMENT } from '../../state/descriptors.ts';
import * as L from '../../state/layout.ts';
import { isIa32e, isRealMode, stackBits } from '../../state/mode.ts';
import { PENDING_KIND, VECTOR } from '../../state/pending.ts';
import { FLAG } from '../../state/rflags.ts';
import { markAccessed } from './descriptor.ts';
import { codeOf, enterCode, returnCode, sameLevel } from './far.ts';
import { defineHelper, type HelperContext, helperNamed } from './helper.ts';
import { setReal } from './segments.ts';

// What 16- and 32-bit code needs beyond the helpers of 64-bit mode: segment bases and limits, narrow stacks.

const RSP = 4;
const LINEAR = 0xffff_ffffn;
const { GP, SS } = VECTOR;

/** Linear address of `bytes` at an offset into a segment; null with #GP(0) or #SS(0) pending (SDM 3A 5.3). */
export function linearOf(c: HelperContext, n: number, offset: bigint, bytes: number): bigint | null {
  const { base, limit, attributes } = c.cpu.segment(n);
  const last = offset + BigInt(Math.max(bytes, 1) - 1);
  const down =
    (attributes & (ATTRIBUTE.CODE | ATTRIBUTE.DOWN_CONFORMING)) === ATTRIBUTE.DOWN_CONFORMING ? BigInt(limit) : null;
  const outside = down === null ? last > BigInt(limit) : offset <= down || last > LINEAR;
  if (outside || (!isRealMode(c.cpu) && !(attributes & ATTRIBUTE.P))) {
    c.fault(n === SEGMENT.SS ? SS : GP, 0);
    return null;
  }
  return BigInt.asUintN(32, base + offset);
}

defineHelper({
  name: 'legacy.linear',
  doc: 'Linear address of an offset into a segment: number, offset, bytes; #GP(0) or #SS(0) beyond its limit',
  args: [32, 64, 32],
  result: 64,
  run: (c, n, offset, bytes) => linearOf(c, Number(n), offset!, Number(bytes)) ?? 0n,
});

const stackMask = (c: HelperContext): bigint => (stackBits(c.cpu) === 32 ? LINEAR : 0xffffn);

/** Moves the stack pointer, as many bits of it as the stack segment says. */
function moveStack(c: HelperContext, by: bigint): void {
  const mask = stackMask(c);
  const rsp = c.cpu.gpr(RSP);
  const kept = mask === LINEAR ? 0n : rsp & ~mask;
  c.cpu.setGpr(RSP, kept | ((rsp + by) & mask));
}

/** Pushes values of a width; false with a fault pending and nothing changed. */
function pushAll(c: HelperContext, width: number, values: readonly bigint[]): boolean {
  const bytes = BigInt(width / 8);
  const mask = stackMask(c);
  const rsp = c.cpu.gpr(RSP) & mask;
  const places = values.map((_, i) => linearOf(c, SEGMENT.SS, (rsp - bytes * BigInt(i + 1)) & mask, width / 8));
  if (places.some((at) => at === null || !c.probeWrite(at, width / 8, 'stack'))) return false;
  values.forEach((value, i) => void c.write(places[i]!, BigInt.asUintN(width, value), width, 'stack'));
  moveStack(c, -bytes * BigInt(values.length));
  return true;
}

/** The value `n` places above the stack pointer; null with a fault pending. */
function stacked(c: HelperContext, width: number, n: number): bigint | null {
  const mask = stackMask(c);
  const at = linearOf(c, SEGMENT.SS, (c.cpu.gpr(RSP) + BigInt((n * width) / 8)) & mask, width / 8);
  return at === null ? null : c.read(at, width, 'stack');
}

defineHelper({
  name: 'legacy.push',
  doc: 'Pushes a value of a width on the stack that SS and its size name',
  args: [64, 32],
  result: 0,
  run: (c, value, width) => void pushAll(c, Number(width), [value!]),
});

defineHelper({
  name: 'legacy.top',
  doc: 'The value of a width, so many places above the stack pointer',
  args: [32, 32],
  result: 64,
  run: (c, width, n) => stacked(c, Number(width), Number(n)) ?? 0n,
});

defineHelper({
  name: 'legacy.release',
  doc: 'Adds to the stack pointer',
  args: [32],
  result: 0,
  run: (c, bytes) => moveStack(c, bytes!),
});

/** Goes to code by a far pointer, at the same level; false with an exception pending. `before` is done once it is allowed. */
function goTo(c: HelperContext, selector: number, offset: bigint, before: () => boolean = () => true): boolean {
  if (isRealMode(c.cpu)) {
    if (!before()) return false;
    setReal(c, SEGMENT.CS, selector);
    c.retire(offset);
    return true;
  }
  const found = codeOf(c, selector);
  if (found === null || !sameLevel(c, selector, found)) return false;
  if (!before() || !markAccessed(c, found)) return false;
  enterCode(c, selector, found, c.cpu.cpl, offset);
  return true;
}

defineHelper({
  name: 'legacy.jump',
  doc: 'JMP far in 16- and 32-bit code, to code of this level',
  args: [32, 64],
  result: 0,
  run: (c, selector, offset) => void goTo(c, Number(selector), offset!),
});

defineHelper({
  name: 'legacy.call',
  doc: 'CALL far in 16- and 32-bit code, to code of this level: selector, offset, where it returns to, width',
  args: [32, 64, 64, 32],
  result: 0,
  run: (c, selector, offset, next, width) => {
    const back = [BigInt(c.cpu.selector(SEGMENT.CS)), next!];
    goTo(c, Number(selector), offset!, () => pushAll(c, Number(width), back));
  },
});

/** Flags that IRET loads at CPL 0, and at others. */
const IRET_FLAGS =
  FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.TF | FLAG.DF | FLAG.OF | FLAG.NT | FLAG.RF | FLAG.AC | FLAG.ID;
const IRET_SYSTEM = (3 << 12) | FLAG.IF;

defineHelper({
  name: 'legacy.return',
  doc: 'RET far (0) and IRET (1) in 16- and 32-bit code, to the same level: width, bytes released, which',
  args: [32, 32, 32],
  result: 0,
  run: (c, size, released, flags) => {
    const { cpu } = c;
    const width = Number(size);
    const offset = stacked(c, width, 0);
    const cs = offset === null ? null : stacked(c, width, 1);
    const image = flags === 1n && cs !== null ? stacked(c, width, 2) : 0n;
    if (offset === null || cs === null || image === null) return;
    const selector = Number(cs & 0xffffn);
    const real = isRealMode(cpu);
    const code = real ? null : returnCode(c, selector);
    if (!real && code === null) return;
    // Returns to outer levels, and the one frame that IA-32e mode has for all of them.
    if (!real && ((selector & RPL) !== cpu.cpl || (flags === 1n && isIa32e(cpu))))
      return c.stop(PENDING_KIND.unimplemented);
    if (code !== null && !markAccessed(c, code)) return;
    moveStack(c, BigInt(((flags === 1n ? 3 : 2) * width) / 8) + released!);
    if (flags === 1n) {
      const loaded = (IRET_FLAGS | (cpu.cpl === 0 ? IRET_SYSTEM : 0)) & (width === 16 ? 0xffff : -1);
      cpu.rflags = (cpu.rflags & ~loaded) | (Number(image) & loaded);
      cpu.view.setUint8(L.NMI_BLOCKED, 0);
    }
    if (code !== null) return enterCode(c, selector, code, cpu.cpl, offset);
    setReal(c, SEGMENT.CS, selector);
    c.retire(offset);
  },
});

/** Bytes of an entry of the interrupt vector table of real mode. */
const VECTOR_SIZE = 4;

/** Delivers an interrupt or exception in real mode (SDM 3A 20.1.4); IP of the handler, or null with a fault pending. */
export function deliverReal(c: HelperContext, vector: number, ip: bigint): bigint | null {
  const { cpu } = c;
  if (vector * VECTOR_SIZE + VECTOR_SIZE - 1 > cpu.view.getUint16(L.IDTR_LIMIT, true)) {
    c.fault(GP, 0);
    return null;
  }
  const entry = c.readSystem(BigInt.asUintN(32, cpu.u64(L.IDTR_BASE) + BigInt(vector * VECTOR_SIZE)), 32);
  if (entry === null) return null;
  if (!pushAll(c, 16, [BigInt(cpu.rflags), BigInt(cpu.selector(SEGMENT.CS)), ip])) return null;
  cpu.rflags &= ~(FLAG.IF | FLAG.TF | FLAG.AC | FLAG.RF);
  setReal(c, SEGMENT.CS, Number(entry >> 16n));
  return entry & 0xffffn;
}

defineHelper({
  name: 'legacy.interrupt',
  doc: 'INT n in real mode, and by the gates of IA-32e mode; those of protected mode are not implemented',
  args: [32, 64],
  result: 0,
  run: (c, vector, next) => {
    if (isIa32e(c.cpu)) return void helperNamed('softwareInterrupt').run(c, vector!, next!, 1n);
    if (!isRealMode(c.cpu)) return c.stop(PENDING_KIND.unimplemented);
    const ip = deliverReal(c, Number(vector), next!);
    if (ip !== null) c.retire(ip);
  },
});
