import { F80, type FloatFormat } from '../../../../src/bits/softfloat.ts';
import { X87 } from '../../../../src/semantics/helpers/x87-core.ts';
import { fxrstorX87, fxsaveX87 } from '../../../../src/semantics/helpers/x87-image.ts';
import { STATE_END } from '../../../../src/state/layout.ts';
import type { HostCase } from '../../../bits/host/fxrun.ts';
import { generator, operand, random64 } from '../../../bits/host/operands.ts';
import type { Instruction, Surroundings } from './instructions.ts';

const SW_FLAGS = 0x3f;
const ST0 = 32;

function putBits(view: DataView, at: number, bits: bigint): void {
  view.setBigUint64(at, BigInt.asUintN(64, bits), true);
  view.setUint16(at + 8, Number(bits >> 64n), true);
}

function controlWord(next: () => number): number {
  const masks = next() % 2 ? SW_FLAGS : next() & SW_FLAGS;
  return masks | 0x40 | ([0, 2, 3][next() % 3]! << 8) | ((next() & 3) << 10);
}

/** A random state for an instruction: any top, any tags, corner values; exceptions pending only where it does not wait. */
export function randomCase(instruction: Instruction, seed: number): HostCase {
  const next = generator(seed);
  const image = new Uint8Array(512);
  const view = new DataView(image.buffer);
  const cw = controlWord(next);
  view.setUint16(0, cw, true);
  let sw = next() & 0x7f7f;
  if (!instruction.noWait) sw &= ~(~cw & SW_FLAGS);
  if (sw & ~cw & SW_FLAGS) sw |= 0x8080;
  view.setUint16(2, sw, true);
  image[4] = next() % 3 ? 0xff : next();
  if (next() % 2 && !instruction.name.includes('st')) image[4] &= 0x7f;
  view.setUint32(24, 0x1f80, true);
  let first: bigint | undefined;
  for (let i = 0; i < 8; i++) {
    const bits = operand(F80, next, first);
    first ??= bits;
    putBits(view, ST0 + 16 * i, bits);
  }
  // Half of the stacks have room for a push: ST(7) is physical register (top + 7) & 7.
  if (next() % 2) image[4]! &= ~(1 << ((((sw >> 11) & 7) + 7) & 7));
  const memory = new Uint8Array(128);
  const m = new DataView(memory.buffer);
  for (let at = 0; at < 128; at += 8) m.setBigUint64(at, random64(next), true);
  fillSource(instruction, m, next, first!);
  return {
    image,
    code: instruction.code,
    rax: random64(next),
    rflags: 0x202n | BigInt(next() & 0x8d5),
    memory,
    signal: 0,
  };
}

function fillSource(instruction: Instruction, m: DataView, next: () => number, first: bigint): void {
  const { source } = instruction;
  if (source === undefined || source === 16) return;
  if (source === 'cw') m.setUint16(0, next() % 2 ? controlWord(next) : next(), true);
  else if (source === 'bcd') {
    let digits = 0n;
    for (let n = 0; n < 18; n++) digits = digits * 16n + BigInt(next() % 10);
    putBits(m, 0, digits | (next() % 2 ? 1n << 79n : 0n));
  } else if (source === 'environment') {
    const wide = instruction.code[0] !== 0x66;
    m.setUint16(0, controlWord(next), true);
    const size = wide ? 28 : 14;
    for (let i = 0; i < 8; i++) putBits(m, size + 10 * i, operand(F80, next));
  } else if (source === 32 || source === 64) {
    if (next() % 2) m.setBigInt64(0, BigInt(next() & 7) - 4n, true);
  } else {
    const narrow = source as FloatFormat;
    const related = narrow === F80 ? first : undefined;
    const bits = operand(narrow, next, related);
    if (narrow === F80) putBits(m, 0, bits);
    else m.setBigUint64(0, bits, true);
  }
}

/** What a case looks like, without the pointers: a host may not report them. */
export interface Shown {
  readonly cw: number;
  readonly sw: number;
  readonly tags: number;
  /** By physical number. */
  readonly registers: readonly bigint[];
  readonly memory: string;
  readonly rax: bigint;
  readonly rflags: bigint;
}

export function shown(one: HostCase): Shown {
  const view = new DataView(one.image.buffer, one.image.byteOffset, 512);
  const top = (view.getUint16(2, true) >> 11) & 7;
  const registers = Array.from({ length: 8 }, (_, n) => {
    const at = ST0 + 16 * ((n - top) & 7);
    return view.getBigUint64(at, true) | (BigInt(view.getUint16(at + 8, true)) << 64n);
  });
  return {
    cw: view.getUint16(0, true),
    sw: view.getUint16(2, true),
    tags: one.image[4]!,
    registers,
    memory: Buffer.from(one.memory).toString('hex'),
    rax: one.rax,
    rflags: one.rflags & 0x8d5n,
  };
}

/** Runs the model on a case. */
export function model(instruction: Instruction, before: HostCase): HostCase {
  const memory = { view: new DataView(new ArrayBuffer(STATE_END)) };
  const x = new X87(memory);
  fxrstorX87(x, new DataView(before.image.buffer), true);
  const surroundings: Surroundings = { memory: before.memory.slice(), rflags: before.rflags, rax: before.rax };
  instruction.model(x, surroundings);
  const image = before.image.slice();
  fxsaveX87(x, new DataView(image.buffer), true);
  return { ...before, ...surroundings, image };
}

/** What a state differs in from another, on one line; registers as `r2=…`, memory up to its last changed byte. */
export function difference(before: Shown, after: Shown, ignoredStatus = 0): string {
  const parts: string[] = [];
  if (after.cw !== before.cw) parts.push(`cw=${after.cw.toString(16)}`);
  const sw = after.sw & ~ignoredStatus;
  if (sw !== (before.sw & ~ignoredStatus)) parts.push(`sw=${sw.toString(16)}`);
  if (after.tags !== before.tags) parts.push(`tags=${after.tags.toString(16)}`);
  after.registers.forEach((bits, n) => {
    if (bits !== before.registers[n]) parts.push(`r${n}=${bits.toString(16)}`);
  });
  if (after.rax !== before.rax) parts.push(`rax=${after.rax.toString(16)}`);
  if (after.rflags !== before.rflags) parts.push(`rflags=${after.rflags.toString(16)}`);
  if (after.memory !== before.memory) {
    let end = after.memory.length;
    while (after.memory.slice(end - 2) === before.memory.slice(end - 2)) end -= 2;
    parts.push(`memory=${after.memory.slice(0, end)}`);
  }
  return parts.join(' ') || 'nothing';
}
