import {
  F80,
  type FloatFormat,
  floatEnv,
  PRE_COMPUTATION,
  setFromMxcsr,
  setFromX87ControlWord,
} from '../../../src/bits/softfloat.ts';
import { type HostCase, runOnHost } from './fxrun.ts';
import { operand } from './operands.ts';
import { OPERATIONS, type Operation } from './operations.ts';

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

/** A random control word with random operands; half of them with every exception masked. */
export function randomVector(op: Operation, next: () => number): Vector {
  const masks = next() % 2 ? 0x3f : next() & 0x3f;
  const control =
    op.unit === 'sse'
      ? (masks << 7) | ((next() & 3) << 13) | (next() % 3 ? 0 : next() & 0x8040)
      : masks | 0x40 | ([0, 2, 3][next() % 3]! << 8) | ((next() & 3) << 10);
  const operands: bigint[] = [];
  for (const fmt of op.operands) operands.push(operand(fmt, next, operands[0]));
  return { op, control, operands };
}

/** The model's outcome. Without a result (an unmasked exception) the result is that of the host. */
export function modelled({ op, control, operands }: Vector, host: Outcome): Outcome {
  const env = op.unit === 'sse' ? setFromMxcsr(floatEnv(), control) : setFromX87ControlWord(floatEnv(), control);
  const [a, b, c] = operands as [bigint, bigint, bigint];
  const result = op.model(env, a, b, c);
  const unmasked = env.flags & ~env.masks;
  const stops = op.unit === 'sse' || op.result !== op.operands[0] ? unmasked : unmasked & PRE_COMPUTATION;
  return {
    result: stops ? host.result : result,
    flags: env.flags,
    // C1 of comparisons is no rounding, and of FPREM a bit of the quotient.
    c1: op.unit === 'x87' && op.result !== 'eflags' && !op.name.startsWith('fprem') ? env.roundedUp : host.c1,
  };
}

export const sameOutcome = (a: Outcome, b: Outcome): boolean =>
  a.result === b.result && a.flags === b.flags && a.c1 === b.c1;

/** One line: `name control operands -> result flags [C1]`, numbers in hexadecimal. */
export function show(v: Vector, o: Outcome): string {
  const operands = v.operands.map((x) => x.toString(16)).join(' ');
  return `${v.op.name} ${v.control.toString(16)} ${operands} -> ${o.result.toString(16)} ${o.flags.toString(16)}${o.c1 ? ' C1' : ''}`;
}

/** Reads a line that `show` wrote. */
export function parse(line: string): { vector: Vector; outcome: Outcome } {
  const [before, after] = line.split(' -> ') as [string, string];
  const [name, control, ...operands] = before.split(' ') as [string, string, ...string[]];
  const [result, flags, c1] = after.split(' ') as [string, string, string?];
  const op = OPERATIONS.find((one) => one.name === name);
  if (!op) throw new Error(`no operation ${name}`);
  return {
    vector: { op, control: Number.parseInt(control, 16), operands: operands.map((x) => BigInt(`0x${x}`)) },
    outcome: { result: BigInt(`0x${result}`), flags: Number.parseInt(flags, 16), c1: c1 !== undefined },
  };
}
