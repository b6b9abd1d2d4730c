import { hexBytes, parseHexBytes } from '../../../src/bits/hex.ts';
import type { OracleCase, OracleResult } from '../../../src/oracle/case.ts';
import { DATA } from '../../../src/oracle/layout.ts';
import type { Sandbox } from '../../../src/oracle/sandbox.ts';
import { fxsaveImage } from '../../../src/state/fxsave.ts';
import { ARITHMETIC_FLAGS } from '../../../src/state/rflags.ts';
import { readExtended, writeExtended } from '../../../src/state/x87.ts';

/** Where the operand of every vector lies: at [rdi]. */
const OPERAND = DATA.base + 0x100n;
const RAX = 0;
const RDI = 7;
export const OPERAND_BYTES = 28;

/** What an x87 instruction starts from, and what it leaves. */
export interface Vector {
  readonly code: Uint8Array;
  readonly cw: number;
  readonly sw: number;
  readonly tags: number;
  readonly st: readonly bigint[];
  readonly flags: number;
  readonly ax: number;
  readonly memory: Uint8Array;
}

export function toCase(v: Vector): OracleCase {
  const fxsave = new Uint8Array(512);
  const view = new DataView(fxsave.buffer);
  view.setUint16(0, v.cw, true);
  view.setUint16(2, v.sw, true);
  fxsave[4] = v.tags;
  view.setUint32(24, 0x1f80, true);
  v.st.forEach((bits, i) => {
    writeExtended(view, 32 + 16 * i, bits);
  });
  const gpr = Array.from({ length: 16 }, (_, n) => (n === RDI ? OPERAND : n === RAX ? BigInt(v.ax) : 0n));
  return { code: v.code, gpr, rflags: 0x202 | v.flags, fxsave, memory: [{ address: OPERAND, bytes: v.memory }] };
}

function fromImage(image: Uint8Array, rest: Pick<Vector, 'code' | 'flags' | 'ax' | 'memory'>): Vector {
  const view = new DataView(image.buffer, image.byteOffset);
  const st = Array.from({ length: 8 }, (_, i) => readExtended(view, 32 + 16 * i));
  return { cw: view.getUint16(0, true), sw: view.getUint16(2, true), tags: image[4]!, st, ...rest };
}

/** What the host made of a vector. */
export function hostResult(v: Vector, host: OracleResult): Vector {
  const memory = v.memory.slice();
  for (const { address, bytes } of host.changes)
    bytes.forEach((byte, i) => {
      const at = Number(address - OPERAND) + i;
      if (at >= 0 && at < memory.length) memory[at] = byte;
    });
  return fromImage(host.fxsave, {
    code: v.code,
    flags: host.rflags & ARITHMETIC_FLAGS,
    ax: Number(host.gpr[RAX]! & 0xffffn),
    memory,
  });
}

/** What an engine made of one. */
export function engineResult(v: Vector, sandbox: Sandbox): Vector {
  const { cpu, memory } = sandbox.machine;
  return fromImage(fxsaveImage(cpu), {
    code: v.code,
    flags: cpu.rflags & ARITHMETIC_FLAGS,
    ax: Number(cpu.gpr(RAX) & 0xffffn),
    memory: memory.bytes(sandbox.physical(OPERAND), OPERAND_BYTES).slice(),
  });
}

const x = (n: bigint | number): string => n.toString(16);

const trimmed = (memory: Uint8Array): string => hexBytes(memory, '').replace(/(00)+$/, '');

/** The fields of a vector as text, or only those in which it differs from another; zeros are left out. */
export function show(v: Vector, other?: Vector): string {
  const parts: string[] = [];
  for (const name of ['cw', 'sw', 'tags', 'flags', 'ax'] as const)
    if (v[name] !== other?.[name]) parts.push(`${name}=${x(v[name])}`);
  v.st.forEach((bits, i) => {
    if (bits !== (other?.st[i] ?? 0n)) parts.push(`st${i}=${x(bits)}`);
  });
  const memory = trimmed(v.memory);
  if (memory !== (other === undefined ? '' : trimmed(other.memory))) parts.push(`mem=${memory}`);
  return parts.join(' ') || 'nothing';
}

/** Reads a line `code: before -> after`; the effect stays text. */
export function parse(line: string): { vector: Vector; effect: string } {
  const [code, before, effect] = line.split(/: | -> /) as [string, string, string];
  const fields = new Map(before.split(' ').map((part) => part.split('=') as [string, string]));
  const number = (name: string): number => Number.parseInt(fields.get(name)!, 16);
  const vector: Vector = {
    code: parseHexBytes(code),
    cw: number('cw'),
    sw: number('sw'),
    tags: number('tags'),
    flags: number('flags'),
    ax: number('ax'),
    st: Array.from({ length: 8 }, (_, i) => BigInt(`0x${fields.get(`st${i}`) ?? 0}`)),
    memory: parseHexBytes((fields.get('mem') ?? '').padEnd(2 * OPERAND_BYTES, '0')),
  };
  return { vector, effect };
}
