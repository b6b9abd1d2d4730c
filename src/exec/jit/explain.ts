import { hexBytes } from '../../bits/hex.ts';
import { decode } from '../../decode/decode.ts';
import { print } from '../../ir/print.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { gather } from './blocks.ts';
import type { CodeSource, Placed } from './code.ts';
import { emitRegion } from './emit-region.ts';
import { planRegion, type RegionPlan } from './plan.ts';

/** The IR of a region as text, block by block, each under the address of its first instruction. */
export function regionText({ blocks, structure }: RegionPlan): string {
  return blocks
    .map(({ code, nodes }) => {
      const head = `block 0x${code.start.toString(16)}, ${code.insns.length} instructions`;
      return `${head}${structure.loops.has(code.index) ? ', loop' : ''}\n${print({ nodes })}`;
    })
    .join('\n');
}

/** Code that stands alone: all of it is read, nothing around it. */
class Bytes implements CodeSource {
  readonly frames = new Map<bigint, number>();
  readonly #bytes: Uint8Array;
  readonly #base: bigint;

  constructor(bytes: Uint8Array, base: bigint) {
    this.#bytes = bytes;
    this.#base = base;
  }

  at(rip: bigint): Placed | null {
    const offset = Number(rip - this.#base);
    if (offset < 0 || offset >= this.#bytes.length) return null;
    const insn = decode(this.#bytes.subarray(offset));
    return typeof insn === 'string' ? null : { insn, rip, next: BigInt.asUintN(64, rip + BigInt(insn.length)) };
  }

  pointedTo(): null {
    return null;
  }
}

/** What the region compiler makes of some code at an address, or null where it compiles nothing of it. */
export function compileBytes(bytes: Uint8Array, base: bigint): { plan: RegionPlan; wasm: Uint8Array } | null {
  const region = gather(
    new Bytes(bytes, base),
    [base],
    () => true,
    () => false,
  );
  if (region === null) return null;
  const plan = planRegion(region);
  const module = new ModuleBuilder();
  emitRegion(plan, module, 0);
  return { plan, wasm: module.encode() };
}

const HEX_COLUMNS = 120;

/** The IR and the WebAssembly of some code as text, for people and for comparison; null where nothing is compiled. */
export function describeBytes(bytes: Uint8Array, base: bigint): string | null {
  const compiled = compileBytes(bytes, base);
  if (compiled === null) return null;
  const { plan, wasm } = compiled;
  const nodes = plan.blocks.reduce((sum, block) => sum + block.nodes.length, 0);
  const hex = hexBytes(wasm).replaceAll(' ', '');
  const lines = hex.match(new RegExp(`.{1,${HEX_COLUMNS}}`, 'g'))!;
  return `${nodes} nodes\n${regionText(plan)}\n${wasm.length} bytes\n${lines.join('\n')}\n`;
}
