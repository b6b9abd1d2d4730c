import {
  ATTRIBUTE,
  dplOf,
  isConforming,
  isReadable,
  isWritableData,
  RPL,
  SEGMENT,
  SYSTEM_TYPE,
  selectorIndex,
  typeOf,
  UNUSABLE,
} from '../../state/descriptors.ts';
import * as L from '../../state/layout.ts';
import { isLongMode, isRealMode } from '../../state/mode.ts';
import { VECTOR } from '../../state/pending.ts';
import {
  type Descriptor,
  descriptorOf,
  findDescriptor,
  isCanonical,
  markAccessed,
  setTypeBits,
  upperHalf,
} from './descriptor.ts';
import { defineHelper, type HelperContext } from './helper.ts';
import { shadow } from './shadow.ts';
import { privileged } from './system.ts';

const { GP, NP, SS, UD } = VECTOR;

/** Puts a selector and its hidden part into a segment register. */
export function setSegment(
  c: HelperContext,
  n: number,
  selector: number,
  { base, limit, attributes }: Omit<Descriptor, 'at' | 'low' | 'high'>,
): void {
  c.cpu.setSelector(n, selector);
  c.cpu.setSegment(n, { base, limit, attributes: attributes | ATTRIBUTE.ACCESSED });
}

/** Makes a segment register null. The bases of FS and GS become 0, as on Intel CPUs. */
export function setNull(c: HelperContext, n: number, selector = 0): void {
  c.cpu.setSelector(n, selector);
  c.cpu.setSegment(n, UNUSABLE);
}

/** Loads a segment register in real mode: the base is the selector times 16, the rest stays (SDM 3A 20.1.2). */
export function setReal(c: HelperContext, n: number, selector: number): void {
  const { limit, attributes } = c.cpu.segment(n);
  c.cpu.setSelector(n, selector);
  c.cpu.setSegment(n, { base: BigInt(selector) << 4n, limit, attributes });
}

/** Whether SS may hold this selector and descriptor at a privilege level; false with an exception pending. */
export function stackSegmentAllowed(c: HelperContext, selector: number, found: Descriptor, cpl: number): boolean {
  const index = selectorIndex(selector);
  if ((selector & RPL) !== cpl || !isWritableData(found.attributes) || dplOf(found.attributes) !== cpl)
    c.fault(GP, index);
  else if (!(found.attributes & ATTRIBUTE.P)) c.fault(SS, index);
  else return true;
  return false;
}

function dataSegmentAllowed(c: HelperContext, selector: number, { attributes }: Descriptor): boolean {
  const index = selectorIndex(selector);
  const weaker = Math.max(c.cpu.cpl, selector & RPL);
  if (!isReadable(attributes) || (!isConforming(attributes) && dplOf(attributes) < weaker)) c.fault(GP, index);
  else if (!(attributes & ATTRIBUTE.P)) c.fault(NP, index);
  else return true;
  return false;
}

/** Loads a segment register other than CS in 64-bit mode (SDM 2B MOV, «Operation»). */
function loadSegment(c: HelperContext, n: number, selector: number): void {
  const { cpu } = c;
  if (n === SEGMENT.CS || n > SEGMENT.GS) return c.fault(UD, null);
  if (isRealMode(cpu)) setReal(c, n, selector);
  else if (selector >> 2 === 0) {
    if (n === SEGMENT.SS && (!isLongMode(cpu) || cpu.cpl === 3 || (selector & RPL) !== cpu.cpl)) return c.fault(GP, 0);
    setNull(c, n, selector);
  } else {
    const found = descriptorOf(c, selector);
    if (found === null) return;
    const allowed =
      n === SEGMENT.SS ? stackSegmentAllowed(c, selector, found, cpu.cpl) : dataSegmentAllowed(c, selector, found);
    if (!allowed || !markAccessed(c, found)) return;
    setSegment(c, n, selector, found);
  }
  if (n === SEGMENT.SS) shadow(c, L.MOV_SS_SHADOW);
}

defineHelper({
  name: 'loadSegment',
  doc: 'MOV, POP, LSS, LFS and LGS to a segment register: #GP, #NP or #SS of the selector where it may not be loaded',
  args: [32, 32],
  result: 0,
  run: (c, n, selector) => loadSegment(c, Number(n), Number(selector)),
});

/** LDT and available TSS in 64-bit mode: 16 bytes, of which the upper half must have type 0. */
function systemSegment(c: HelperContext, selector: number, type: number): { found: Descriptor; base: bigint } | null {
  const index = selectorIndex(selector);
  const refuse = (vector: number): null => {
    c.fault(vector, index);
    return null;
  };
  if (selector & 4) return refuse(GP);
  const found = descriptorOf(c, selector);
  if (found === null) return null;
  if (found.attributes & ATTRIBUTE.S || typeOf(found.attributes) !== type) return refuse(GP);
  const upper = upperHalf(c, selector);
  if (upper === null) return null;
  if (upper.type !== 0) return refuse(GP);
  if (!(found.attributes & ATTRIBUTE.P)) return refuse(NP);
  const base = upper.address | found.base;
  return isCanonical(c, base) ? { found, base } : refuse(GP);
}

defineHelper({
  name: 'loadLdtr',
  doc: 'LLDT (SDM 2A): a null selector makes LDTR unusable',
  args: [32],
  result: 0,
  run: (c, value) => {
    if (privileged(c)) return;
    const selector = Number(value);
    const null_ = selector >> 2 === 0;
    const segment = null_ ? null : systemSegment(c, selector, SYSTEM_TYPE.ldt);
    if (!null_ && segment === null) return;
    c.cpu.view.setUint16(L.LDTR_SELECTOR, selector, true);
    c.cpu.setSegment(SEGMENT.LDTR, segment === null ? UNUSABLE : { ...segment.found, base: segment.base });
  },
});

const BUSY = 2;

defineHelper({
  name: 'loadTr',
  doc: 'LTR (SDM 2A): the descriptor becomes busy in memory',
  args: [32],
  result: 0,
  run: (c, value) => {
    if (privileged(c)) return;
    const selector = Number(value);
    if (selector >> 2 === 0) return c.fault(GP, 0);
    const segment = systemSegment(c, selector, SYSTEM_TYPE.availableTss);
    if (segment === null || !setTypeBits(c, segment.found, BUSY)) return;
    c.cpu.view.setUint16(L.TR_SELECTOR, selector, true);
    const { limit, attributes } = segment.found;
    c.cpu.setSegment(SEGMENT.TR, { base: segment.base, limit, attributes: attributes | BUSY });
  },
});

/** System descriptors that LAR and LSL look at in IA-32e mode. */
const LAR_TYPES: ReadonlySet<number> = new Set([
  SYSTEM_TYPE.ldt,
  SYSTEM_TYPE.availableTss,
  SYSTEM_TYPE.busyTss,
  SYSTEM_TYPE.callGate,
]);
const LSL_TYPES: ReadonlySet<number> = new Set([SYSTEM_TYPE.ldt, SYSTEM_TYPE.availableTss, SYSTEM_TYPE.busyTss]);
const ACCESS_RIGHTS = 0x00ff_ff00;

/** The descriptor that LAR, LSL, VERR or VERW may look at; null where ZF becomes 0, or with an exception pending. */
function visible(c: HelperContext, selector: number, kind: (attributes: number) => boolean): Descriptor | null {
  if (selector >> 2 === 0) return null;
  const found = findDescriptor(c, selector);
  if (typeof found === 'string' || !kind(found.attributes)) return null;
  if (isConforming(found.attributes)) return found;
  return dplOf(found.attributes) >= Math.max(c.cpu.cpl, selector & RPL) ? found : null;
}

const either =
  (types: ReadonlySet<number>) =>
  (attributes: number): boolean =>
    (attributes & ATTRIBUTE.S) !== 0 || types.has(typeOf(attributes));

/** What the four instructions that only look give back in one word. */
const FOUND = 1n << 32n;

for (const [name, doc, kind, value] of [
  ['lar', 'LAR: access rights of a selector', either(LAR_TYPES), (d: Descriptor) => d.high & ACCESS_RIGHTS],
  ['lsl', 'LSL: limit of a selector in bytes', either(LSL_TYPES), (d: Descriptor) => d.limit],
  ['verr', 'VERR: whether a segment may be read', isReadable, () => 0],
  ['verw', 'VERW: whether a segment may be written', isWritableData, () => 0],
] as const)
  defineHelper({
    name,
    doc: `${doc}; bit 32 of the result says that it is visible here (SDM 2A)`,
    args: [32],
    result: 64,
    run: (c, selector) => {
      const found = visible(c, Number(selector), kind);
      return found === null ? 0n : FOUND | BigInt(value(found) >>> 0);
    },
  });
