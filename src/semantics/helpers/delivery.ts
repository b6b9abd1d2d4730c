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
import { VECTOR } from '../../state/pending.ts';
import { FLAG } from '../../state/rflags.ts';
import { type Descriptor, descriptorOf, isCanonical, markAccessed } from './descriptor.ts';
import type { HelperContext } from './helper.ts';
import { setNull, setSegment } from './segments.ts';
import { interruptStack, stackOf } from './task-state.ts';

const { GP, NP } = VECTOR;
const RSP = 4;
/** Bits of an error code: it names a gate of the IDT; the event came from outside the program. */
const IDT = 2;
const EXT = 1;
const GATE_SIZE = 16;

/** Something to be delivered through the interrupt descriptor table. */
export interface Event {
  readonly vector: number;
  /** INT n, INT3, INTO; INT1; an exception; an interrupt from outside. */
  readonly kind: 'software' | 'int1' | 'exception' | 'external';
  /** Pushed behind the frame; null: none. */
  readonly errorCode: number | null;
  /** Where the handler returns to. */
  readonly rip: bigint;
  /** RFLAGS as they are pushed. */
  readonly flags: number;
}

interface Gate {
  readonly selector: number;
  readonly offset: bigint;
  readonly ist: number;
  readonly type: number;
}

/** The gate of an event; null with an exception pending (SDM 3A 6.12.1, 6.14.1). */
function gateOf(c: HelperContext, { vector, kind }: Event, external: number): Gate | null {
  const { cpu } = c;
  const code = vector * 8 + IDT + external;
  const refuse = (exception: number): null => {
    c.fault(exception, code);
    return null;
  };
  const offset = vector * GATE_SIZE;
  if (offset + GATE_SIZE - 1 > cpu.view.getUint16(L.IDTR_LIMIT, true)) return refuse(GP);
  const at = cpu.u64(L.IDTR_BASE) + BigInt(offset);
  const low = c.readSystem(BigInt.asUintN(64, at), 64);
  if (low === null) return null;
  const high = c.readSystem(BigInt.asUintN(64, at + 8n), 64);
  if (high === null) return null;
  const attributes = Number((low >> 40n) & 0xffn);
  const type = typeOf(attributes);
  if (attributes & ATTRIBUTE.S || (type !== SYSTEM_TYPE.interruptGate && type !== SYSTEM_TYPE.trapGate)) {
    return refuse(GP);
  }
  if (kind === 'software' && dplOf(attributes) < cpu.cpl) return refuse(GP);
  if (!(attributes & ATTRIBUTE.P)) return refuse(NP);
  return {
    selector: Number((low >> 16n) & 0xffffn),
    offset: (low & 0xffffn) | ((low >> 32n) & 0xffff_0000n) | ((high & 0xffff_ffffn) << 32n),
    ist: Number((low >> 32n) & 7n),
    type,
  };
}

/** Code segment of a handler; null with an exception pending. */
function handlerCode(c: HelperContext, selector: number, external: number): Descriptor | null {
  if (selector >> 2 === 0) {
    c.fault(GP, external);
    return null;
  }
  const found = descriptorOf(c, selector, external);
  if (found === null) return null;
  const { attributes } = found;
  if (!isCode(attributes) || dplOf(attributes) > c.cpu.cpl) c.fault(GP, selectorIndex(selector) | external);
  else if (!(attributes & ATTRIBUTE.P)) c.fault(NP, selectorIndex(selector) | external);
  else if (!isLongCode(attributes)) c.fault(GP, selectorIndex(selector) | external);
  else return found;
  return null;
}

/**
 * Delivers an event through the guest's IDT in IA-32e mode (SDM 3A 6.14): gate, handler, stack, frame. RIP of the handler, or
 * null with an exception pending and nothing changed but what was pushed below the stack.
 */
export function deliver(c: HelperContext, event: Event): bigint | null {
  const { cpu } = c;
  const external = event.kind === 'software' ? 0 : EXT;
  const gate = gateOf(c, event, external);
  if (gate === null) return null;
  const code = handlerCode(c, gate.selector, external);
  if (code === null) return null;
  const level = isConforming(code.attributes) ? cpu.cpl : dplOf(code.attributes);
  const changes = level !== cpu.cpl;
  let top: bigint | null = cpu.gpr(RSP);
  if (gate.ist !== 0) top = interruptStack(c, gate.ist, external);
  else if (changes) top = stackOf(c, level, external);
  if (top === null) return null;
  top &= ~0xfn;
  const frame = [
    BigInt(cpu.selector(SEGMENT.SS)),
    cpu.gpr(RSP),
    BigInt(event.flags >>> 0),
    BigInt(cpu.selector(SEGMENT.CS)),
    event.rip,
  ];
  if (event.errorCode !== null) frame.push(BigInt(event.errorCode));
  if (!isCanonical(c, gate.offset)) {
    c.fault(GP, external);
    return null;
  }
  if (!markAccessed(c, code)) return null;
  const implicit = changes || gate.ist !== 0;
  const low = BigInt.asUintN(64, top - 8n * BigInt(frame.length));
  if (!push(c, low, frame, implicit, external)) return null;
  cpu.setGpr(RSP, low);
  if (changes) setNull(c, SEGMENT.SS, level);
  setSegment(c, SEGMENT.CS, (gate.selector & ~RPL) | level, code);
  const cleared = FLAG.TF | FLAG.NT | FLAG.RF | FLAG.VM | (gate.type === SYSTEM_TYPE.interruptGate ? FLAG.IF : 0);
  cpu.rflags &= ~cleared;
  cpu.setU64(L.STI_SHADOW, 0n);
  cpu.setU64(L.MOV_SS_SHADOW, 0n);
  c.cancelStep();
  if (changes) {
    cpu.cpl = level;
    c.modeChanged();
  }
  return gate.offset;
}

/** Writes the frame; false with a fault pending. A stack address that is not canonical is #SS(EXT). */
function push(c: HelperContext, low: bigint, frame: readonly bigint[], implicit: boolean, external: number): boolean {
  const size = 8 * frame.length;
  if (!isCanonical(c, low) || !isCanonical(c, BigInt.asUintN(64, low + BigInt(size - 1)))) {
    c.fault(VECTOR.SS, external);
    return false;
  }
  if (!(implicit ? c.probeSystem(low, size, 'stack') : c.probeWrite(low, size, 'stack'))) return false;
  const top = low + BigInt(size);
  frame.forEach((value, i) => {
    const at = BigInt.asUintN(64, top - 8n * BigInt(i + 1));
    if (implicit) c.writeSystem(at, value, 64, 'stack');
    else c.write(at, value, 64, 'stack');
  });
  return true;
}
