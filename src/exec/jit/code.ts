import { MAX_INSN_LENGTH } from '../../decode/decode.ts';
import type { Insn } from '../../decode/insn.ts';
import { isEffect } from '../../ir/nodes.ts';
import type { Mmu } from '../../memory/mmu.ts';
import { PAGE_SIZE } from '../../memory/physical.ts';
import { helperNamed, type MachineServices } from '../../semantics/helpers/helper.ts';
import { liftInsn } from '../../semantics/lift.ts';
import { RAM } from '../../state/layout.ts';
import { shapeKey } from '../interpreter/shape.ts';
import { arithmeticOf } from './float.ts';

/** An instruction where it stands. */
export interface Placed {
  readonly insn: Insn;
  readonly rip: bigint;
  readonly next: bigint;
}

/** What an instruction means for the shape of a region. */
export interface Traits {
  /** Control does not simply go on behind it. */
  readonly ends: boolean;
  /** It may repeat or be skipped: it stands in a block of its own. */
  readonly alone: boolean;
}

const TRAITS = new Map<string, Traits | null>();
const ENDS = new Set(['jump', 'branch', 'exit', 'again']);

/** Whether a helper may read and write any part of the CPU state, and change what is mapped or translated. */
export const isOpaque = (name: string): boolean => helperNamed(name).state !== 'fp';
/** Whether a helper neither leaves the region nor touches registers and flags. */
export const isQuiet = (name: string): boolean =>
  !isOpaque(name) && helperNamed(name).faults === false && arithmeticOf(name) === null;

/** Traits by the shape of the instruction; null where it has no definition. */
export function traitsOf({ insn, rip }: Placed): Traits | null {
  const key = shapeKey(insn);
  let traits = TRAITS.get(key);
  if (traits === undefined) {
    const block = liftInsn(insn, rip);
    if (block === null) traits = null;
    else {
      const effects = block.nodes.filter(isEffect);
      const opaque = effects.some((node) => node.op === 'call' && isOpaque(node.attr.helper!));
      const alone = effects.some((node) => node.op === 'skipif' || node.op === 'again');
      traits = { ends: alone || opaque || effects.some((node) => ENDS.has(node.op)), alone };
    }
    TRAITS.set(key, traits);
  }
  return traits;
}

/** Where instructions are read from. */
export interface CodeSource {
  /** The linear pages that have been read. */
  readonly frames: ReadonlyMap<bigint, number>;
  /** The instruction at an address, or null where it cannot be read or is none. */
  at(rip: bigint): Placed | null;
  /** Where an indirect jump or call through a fixed address goes as things stand: a guess, or null. */
  pointedTo(insn: Placed): bigint | null;
}

/** Reads instructions as the CPU would fetch them, but without touching anything: only where the translation is at hand. */
export class CodeReader implements CodeSource {
  readonly #mmu: Mmu;
  readonly #decode: MachineServices['decode'];
  /** Frames by linear page, as they were read. */
  readonly frames = new Map<bigint, number>();

  constructor(mmu: Mmu, decode: MachineServices['decode']) {
    this.#mmu = mmu;
    this.#decode = decode;
  }

  /** The frame behind a linear page that could be executed now, or null. */
  #frame(page: bigint): number | null {
    const known = this.frames.get(page);
    if (known !== undefined) return known;
    const frame = this.#mmu.peekFetch(page);
    if (frame !== null) this.frames.set(page, frame);
    return frame;
  }

  /** Physical address of a byte, or null where it could not be executed. */
  physical(rip: bigint): number | null {
    const offset = rip & BigInt(PAGE_SIZE - 1);
    const frame = this.#frame(rip - offset);
    return frame === null ? null : frame + Number(offset);
  }

  /** Where an indirect jump or call through a fixed address goes as things stand: a guess, or null. */
  pointedTo({ insn, rip }: Placed): bigint | null {
    const op = insn.operands[0];
    if (op?.kind !== 'mem' || op.base !== 'rip' || op.index !== null || op.segment !== null) return null;
    return this.#mmu.peek(BigInt.asUintN(64, rip + op.displacement));
  }

  /** The instruction at an address, or null where it cannot be read or is none. */
  at(rip: bigint): Placed | null {
    const offset = Number(rip & BigInt(PAGE_SIZE - 1));
    const page = rip - BigInt(offset);
    const bytes = this.#bytes(page, offset, Math.min(MAX_INSN_LENGTH, PAGE_SIZE - offset));
    if (bytes === null) return null;
    let insn = this.#decode(bytes);
    if (insn === 'more' && bytes.length < MAX_INSN_LENGTH) {
      const rest = this.#bytes(BigInt.asUintN(64, page + BigInt(PAGE_SIZE)), 0, MAX_INSN_LENGTH - bytes.length);
      if (rest === null) return null;
      const whole = new Uint8Array(MAX_INSN_LENGTH);
      whole.set(bytes);
      whole.set(rest, bytes.length);
      insn = this.#decode(whole);
    }
    if (typeof insn === 'string' || this.#mmu.code.refuse(insn) !== null) return null;
    return { insn, rip, next: BigInt.asUintN(64, rip + BigInt(insn.length)) };
  }

  #bytes(page: bigint, offset: number, length: number): Uint8Array | null {
    const frame = this.#frame(page);
    const { memory } = this.#mmu;
    if (frame === null || frame + PAGE_SIZE > memory.size) return null;
    return memory.u8.subarray(RAM + frame + offset, RAM + frame + offset + length);
  }
}
