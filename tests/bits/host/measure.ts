import { F80, type FloatFormat } from '../../../src/bits/softfloat.ts';
import { type HostCase, runOnHost } from './fxrun.ts';
import type { Operation } from './operations.ts';

/** An operation with its control word (MXCSR, or the x87 control word) and operands. */
export interface Vector {
  readonly op: Operation;
  readonly control: number;
  readonly operands: readonly bigint[];
}

export interface Outcome {
  readonly result: bigint;
  readonly flags: number;
  /** x87 C1. */
  readonly c1: boolean;
}

const FCW = 0;
const FTW = 4;
const MXCSR = 24;
const ST0 = 32;
const XMM0 = 160;

/** The host CPU's outcome of every vector. */
export function measure(vectors: readonly Vector[]): Outcome[] {
  return runOnHost(vectors.map(toCase)).map((after, i) => fromCase(vectors[i]!.op, after));
}

function toCase({ op, control, operands }: Vector): HostCase {
  const image = new Uint8Array(512);
  const view = new DataView(image.buffer);
  const sse = op.unit === 'sse';
  view.setUint16(FCW, sse ? 0x37f : control, true);
  view.setUint32(MXCSR, sse ? control : 0x1f80, true);
  if (!sse) image[FTW] = 0xff >> 1;
  operands.forEach((bits, i) => {
    const at = (sse ? XMM0 : ST0) + 16 * i;
    view.setBigUint64(at, BigInt.asUintN(64, bits), true);
    view.setBigUint64(at + 8, bits >> 64n, true);
  });
  return { image, code: op.code, rax: operands[0]!, rflags: 0x202n, memory: new Uint8Array(128), signal: 0 };
}

function fromCase(op: Operation, after: HostCase): Outcome {
  const view = new DataView(after.image.buffer, after.image.byteOffset, 512);
  const sse = op.unit === 'sse';
  const status = sse ? view.getUint32(MXCSR, true) : view.getUint16(2, true);
  return { result: result(op, after, view), flags: status & 0x3f, c1: !sse && (status & 0x200) !== 0 };
}

function result(op: Operation, after: HostCase, view: DataView): bigint {
  const place = op.result;
  if (place === 'rax64') return after.rax;
  if (place === 'rax32') return after.rax & 0xffff_ffffn;
  if (place === 'eflags') return after.rflags & 0x45n;
  const memory = new DataView(after.memory.buffer, after.memory.byteOffset, 128);
  if (typeof place === 'number') return bitsAt(memory, 0, place);
  return bitsAt(view, op.unit === 'sse' ? XMM0 : ST0, (place as FloatFormat) === F80 ? 80 : place.width);
}

function bitsAt(view: DataView, at: number, width: number): bigint {
  return BigInt.asUintN(width, view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n));
}
