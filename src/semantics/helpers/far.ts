import {
  ATTRIBUTE,
  dplOf,
  isCode,
  isConforming,
  isLongCode,
  RPL,
  SEGMENT,
  SYSTEM_TYPE,
  selectorIndex,
  typeOf,
} from '../../state/descriptors.ts';
import * as L from '../../state/layout.ts';
import { isIa32e } from '../../state/mode.ts';
import { VECTOR } from '../../state/pending.ts';
import { FLAG } from '../../state/rflags.ts';
import { type Descriptor, descriptorOf, isCanonical, markAccessed, upperHalf } from './descriptor.ts';
import { defineHelper, type HelperContext } from './helper.ts';
import { setNull, setSegment, stackSegmentAllowed } from './segments.ts';
import { stackOf } from './task-state.ts';

const { GP, NP } = VECTOR;
const RSP = 4;

/** Whether control may go to this code segment without a change of privilege; false with an exception pending. */
export function sameLevel(c: HelperContext, selector: number, found: Descriptor): boolean {
  const { attributes } = found;
  const dpl = dplOf(attributes);
  const { cpl } = c.cpu;
  const fits = isConforming(attributes) ? dpl <= cpl : dpl === cpl && (selector & RPL) <= cpl;
  return fits && isCode(attributes) ? usable(c, selector, found) : refuse(c, GP, selector);
}

function refuse(c: HelperContext, vector: number, selector: number): false {
  c.fault(vector, selectorIndex(selector));
  return false;
}

/** Present, and in IA-32e mode not L with D: what is left to check of a code segment. */
function usable(c: HelperContext, selector: number, { attributes }: Descriptor): boolean {
  const both = (attributes & (ATTRIBUTE.L | ATTRIBUTE.DB)) === (ATTRIBUTE.L | ATTRIBUTE.DB);
  if (both && isIa32e(c.cpu)) return refuse(c, GP, selector);
  return (attributes & ATTRIBUTE.P) !== 0 || refuse(c, NP, selector);
}

/** Code descriptor of a selector from a far pointer; null with an exception pending. */
export function codeOf(c: HelperContext, selector: number): Descriptor | null {
  if (selector >> 2 !== 0) return descriptorOf(c, selector);
  c.fault(GP, 0);
  return null;
}

function canonicalTarget(c: HelperContext, rip: bigint): boolean {
  if (isCanonical(c, rip)) return true;
  c.fault(GP, 0);
  return false;
}

/** Puts CS and the privilege level in place and goes on at `rip`. */
export function enterCode(c: HelperContext, selector: number, found: Descriptor, cpl: number, rip: bigint): void {
  setSegment(c, SEGMENT.CS, (selector & ~RPL) | cpl, found);
  if (c.cpu.cpl !== cpl) {
    c.cpu.cpl = cpl;
    c.modeChanged();
  }
  c.retire(rip);
}

/** Pushes values of `width` bits; the new RSP, or null with a fault pending and no register changed. */
function pushAll(c: HelperContext, top: bigint, width: number, values: readonly bigint[]): bigint | null {
  const bytes = BigInt(width / 8);
  const low = BigInt.asUintN(64, top - bytes * BigInt(values.length));
  if (!c.probeWrite(low, Number(bytes) * values.length, 'stack')) return null;
  for (const [i, value] of values.entries()) {
    const at = BigInt.asUintN(64, top - bytes * BigInt(i + 1));
    if (!c.write(at, BigInt.asUintN(width, value), width, 'stack')) return null;
  }
  return low;
}

/** A 64-bit call gate (SDM 3A 5.8.3.1); null with an exception pending. */
function throughGate(c: HelperContext, selector: number, gate: Descriptor) {
  const level = Math.max(c.cpu.cpl, selector & RPL);
  const refuseGate = (vector: number): null => {
    refuse(c, vector, selector);
    return null;
  };
  if (dplOf(gate.attributes) < level) return refuseGate(GP);
  const upper = upperHalf(c, selector);
  if (upper === null) return null;
  if (upper.type !== 0) return refuseGate(GP);
  if (!(gate.attributes & ATTRIBUTE.P)) return refuseGate(NP);
  const code = gate.low >>> 16;
  const found = codeOf(c, code);
  if (found === null) return null;
  const rip = upper.address | BigInt(((gate.high & 0xffff_0000) | (gate.low & 0xffff)) >>> 0);
  const { attributes } = found;
  if (!isCode(attributes) || dplOf(attributes) > c.cpu.cpl || !isLongCode(attributes)) refuse(c, GP, code);
  else if (!(attributes & ATTRIBUTE.P)) refuse(c, NP, code);
  else return { code, found, rip };
  return null;
}

const isCallGate = ({ attributes }: Descriptor): boolean =>
  !(attributes & ATTRIBUTE.S) && typeOf(attributes) === SYSTEM_TYPE.callGate;

defineHelper({
  name: 'farJump',
  doc: 'JMP far (SDM 2A, 64-bit mode): to code of this level, or through a call gate',
  args: [32, 64],
  result: 0,
  run: (c, pointer, offset) => {
    const selector = Number(pointer);
    const found = codeOf(c, selector);
    if (found === null) return;
    if (isCallGate(found)) {
      const gate = throughGate(c, selector, found);
      if (gate === null) return;
      const { attributes } = gate.found;
      if (!isConforming(attributes) && dplOf(attributes) !== c.cpu.cpl) return void refuse(c, GP, gate.code);
      if (!canonicalTarget(c, gate.rip) || !markAccessed(c, gate.found)) return;
      return enterCode(c, gate.code, gate.found, c.cpu.cpl, gate.rip);
    }
    if (!sameLevel(c, selector, found) || !canonicalTarget(c, offset!) || !markAccessed(c, found)) return;
    enterCode(c, selector, found, c.cpu.cpl, offset!);
  },
});

defineHelper({
  name: 'farCall',
  doc: 'CALL far (SDM 2A, 64-bit mode): to code of this level, or through a call gate, which may change level and stack',
  args: [32, 64, 64, 32],
  result: 0,
  run: (c, pointer, offset, next, width) => {
    const { cpu } = c;
    const selector = Number(pointer);
    const found = codeOf(c, selector);
    if (found === null) return;
    const back = [BigInt(cpu.selector(SEGMENT.CS)), next!];
    const enter = (code: number, at: Descriptor, rip: bigint, size: number): void => {
      if (!canonicalTarget(c, rip) || !markAccessed(c, at)) return;
      const rsp = pushAll(c, cpu.gpr(RSP), size, back);
      if (rsp === null) return;
      cpu.setGpr(RSP, rsp);
      enterCode(c, code, at, cpu.cpl, rip);
    };
    if (!isCallGate(found)) {
      if (sameLevel(c, selector, found)) enter(selector, found, offset!, Number(width));
      return;
    }
    const gate = throughGate(c, selector, found);
    if (gate === null) return;
    const level = dplOf(gate.found.attributes);
    if (isConforming(gate.found.attributes) || level === cpu.cpl) return enter(gate.code, gate.found, gate.rip, 64);
    const stack = stackOf(c, level, 0);
    if (stack === null || !canonicalTarget(c, gate.rip) || !markAccessed(c, gate.found)) return;
    const values = [BigInt(cpu.selector(SEGMENT.SS)), cpu.gpr(RSP), ...back];
    const low = pushSystem(c, stack, values);
    if (low === null) return;
    setNull(c, SEGMENT.SS, level);
    cpu.setGpr(RSP, low);
    enterCode(c, gate.code, gate.found, level, gate.rip);
  },
});

/** Pushes 64-bit values on the stack of another level; null with a fault pending and nothing written. */
export function pushSystem(c: HelperContext, top: bigint, values: readonly bigint[]): bigint | null {
  const low = BigInt.asUintN(64, top - 8n * BigInt(values.length));
  if (!c.probeSystem(low, 8 * values.length, 'stack')) return null;
  values.forEach((value, i) => {
    c.writeSystem(BigInt.asUintN(64, top - 8n * BigInt(i + 1)), value, 64, 'stack');
  });
  return low;
}

/** What a return loads. */
interface Frame {
  readonly rip: bigint;
  readonly cs: number;
  readonly rsp: bigint;
  readonly ss: number;
}

/** Reads values upwards from a stack; null with a fault pending. */
function pull(c: HelperContext, from: bigint, width: number, count: number): bigint[] | null {
  const values: bigint[] = [];
  for (let i = 0; i < count; i++) {
    const value = c.read(BigInt.asUintN(64, from + BigInt((i * width) / 8)), width, 'stack');
    if (value === null) return null;
    values.push(value);
  }
  return values;
}

/** Code segment of a return: RPL decides the new level. Null with an exception pending. */
export function returnCode(c: HelperContext, selector: number): Descriptor | null {
  const found = codeOf(c, selector);
  if (found === null) return null;
  const { attributes } = found;
  const level = selector & RPL;
  const dpl = dplOf(attributes);
  const fits = isConforming(attributes) ? dpl <= level : dpl === level;
  if (!isCode(attributes) || !fits || level < c.cpu.cpl) refuse(c, GP, selector);
  else if (usable(c, selector, found)) return found;
  return null;
}

/** Stack segment of a return; 'null' for a null selector where that is allowed, null with an exception pending. */
function returnStack(c: HelperContext, selector: number, level: number): Descriptor | 'null' | null {
  if (selector >> 2 === 0) {
    if (level !== 3 && (selector & RPL) === level) return 'null';
    c.fault(GP, 0);
    return null;
  }
  const found = descriptorOf(c, selector);
  return found !== null && stackSegmentAllowed(c, selector, found, level) && markAccessed(c, found) ? found : null;
}

/** Data segments that the new level may not use become null (SDM 2A RET, «Operation»). */
function dropSegments(c: HelperContext, level: number): void {
  for (const n of [SEGMENT.ES, SEGMENT.DS, SEGMENT.FS, SEGMENT.GS]) {
    const { attributes } = c.cpu.segment(n);
    if (attributes & ATTRIBUTE.P && !isConforming(attributes) && dplOf(attributes) < level) setNull(c, n);
  }
}

/** Loads CS:RIP and SS:RSP as a return does; `flags` happens once nothing can fault any more. */
function returnTo(c: HelperContext, frame: Frame, code: Descriptor, withStack: boolean, flags: () => void): void {
  const { cpu } = c;
  const level = frame.cs & RPL;
  if (!withStack) {
    if (!canonicalTarget(c, frame.rip) || !markAccessed(c, code)) return;
    cpu.setGpr(RSP, frame.rsp);
    flags();
    return enterCode(c, frame.cs, code, level, frame.rip);
  }
  const stack = returnStack(c, frame.ss, level);
  if (stack === null || !canonicalTarget(c, frame.rip) || !markAccessed(c, code)) return;
  const outward = level > cpu.cpl;
  if (stack === 'null') setNull(c, SEGMENT.SS, frame.ss);
  else setSegment(c, SEGMENT.SS, frame.ss, stack);
  cpu.setGpr(RSP, frame.rsp);
  flags();
  if (outward) dropSegments(c, level);
  enterCode(c, frame.cs, code, level, frame.rip);
}

defineHelper({
  name: 'farReturn',
  doc: 'RET far (SDM 2B, 64-bit mode), to this level or an outer one; the second argument is what it releases',
  args: [32, 64],
  result: 0,
  run: (c, size, release) => {
    const width = Number(size);
    const bytes = BigInt(width / 8);
    const top = c.cpu.gpr(RSP);
    const popped = pull(c, top, width, 2);
    if (popped === null) return;
    const rip = popped[0]!;
    const cs = Number(popped[1]! & 0xffffn);
    const code = returnCode(c, cs);
    if (code === null) return;
    const behind = top + 2n * bytes + release!;
    if ((cs & RPL) === c.cpu.cpl) {
      const frame = { rip, cs, rsp: BigInt.asUintN(64, behind), ss: 0 };
      return returnTo(c, frame, code, false, () => {});
    }
    const outer = pull(c, BigInt.asUintN(64, behind), width, 2);
    if (outer === null) return;
    const rsp = BigInt.asUintN(64, outer[0]! + release!);
    returnTo(c, { rip, cs, rsp, ss: Number(outer[1]! & 0xffffn) }, code, true, () => {});
  },
});

/** Bits of RFLAGS that IRET loads at every level. */
const IRET_FLAGS =
  FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.TF | FLAG.DF | FLAG.OF | FLAG.NT | FLAG.RF | FLAG.AC | FLAG.ID;
const IOPL = 3 << 12;

defineHelper({
  name: 'iret',
  doc: 'IRET (SDM 2A, 64-bit mode): always takes five values; lets NMIs through again',
  args: [32],
  result: 0,
  run: (c, size) => {
    const { cpu } = c;
    const width = Number(size);
    const { cpl, rflags } = cpu;
    cpu.view.setUint8(L.NMI_BLOCKED, 0);
    if (rflags & FLAG.NT) return c.fault(GP, 0);
    const popped = pull(c, cpu.gpr(RSP), width, 5);
    if (popped === null) return;
    const [rip, cs, image, rsp, ss] = popped as [bigint, bigint, bigint, bigint, bigint];
    const selector = Number(cs & 0xffffn);
    const code = returnCode(c, selector);
    if (code === null) return;
    let loaded: number = IRET_FLAGS;
    if (cpl === 0) loaded |= IOPL | FLAG.VIF | FLAG.VIP;
    if (cpl <= (rflags & IOPL) >> 12) loaded |= FLAG.IF;
    if (width === 16) loaded &= 0xffff;
    const flags = (rflags & ~loaded) | (Number(image & 0xffff_ffffn) & loaded);
    returnTo(c, { rip, cs: selector, rsp, ss: Number(ss & 0xffffn) }, code, true, () => {
      cpu.rflags = flags;
      if ((rflags ^ flags) & FLAG.AC) c.modeChanged();
    });
  },
});
