import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Interpreter } from '../../exec/interpreter/interpreter.ts';
import { regionText } from '../../exec/jit/explain.ts';
import type { RegionPlan } from '../../exec/jit/plan.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Names } from '../../trace/names.ts';
import { CliError, locate } from '../errors.ts';
import type { Output } from '../output.ts';

export interface DumpOptions {
  readonly dumpIr?: readonly string[];
  readonly dumpWasm?: readonly string[];
  readonly dumpDir: string;
}

/**
 * Shows the regions that are compiled from now on and contain one of the places asked for: their IR as text, their WebAssembly
 * as files.
 *
 * @param names the program's symbols where it has been loaded
 * @throws CliError for an engine that compiles nothing
 */
export function dumpRegions(machine: Machine, options: DumpOptions, names: () => Names, to: Output): void {
  const { dumpIr = [], dumpWasm = [], dumpDir } = options;
  if (dumpIr.length + dumpWasm.length === 0) return;
  const { engine } = machine;
  if (!(engine instanceof Interpreter) || engine.regions === null)
    throw new CliError('nothing is compiled that could be shown', '--dump-ir, --dump-wasm', 'use --engine jit');
  const asked = (texts: readonly string[], plan: RegionPlan): boolean => {
    const rips = plan.region.blocks.flatMap(({ insns }) => insns.map(({ rip }) => rip));
    return texts.some((text) => rips.some(placeOf(text, names())));
  };
  engine.regions.onCompile = (plan, bytes) => {
    if (asked(dumpIr, plan)) to.line(regionText(plan));
    if (!asked(dumpWasm, plan)) return;
    const path = join(dumpDir, `region-${plan.region.entries[0]!.toString(16)}.wasm`);
    locate('--dump-dir', () => writeFileSync(path, bytes));
    to.line(`swapgs: ${path}: ${bytes.length} bytes`);
  };
}

/** Whether an instruction is at that address, or of that function. */
function placeOf(text: string, names: Names): (rip: bigint) => boolean {
  if (/^(0x[0-9a-f]+|\d+)$/i.test(text)) {
    const address = BigInt(text);
    return (rip) => rip === address;
  }
  const symbol = names.symbols.named(text);
  if (symbol === undefined)
    throw new CliError('no such symbol', text, 'give an address (0x…) or a function of the program');
  return (rip) => names.symbols.at(rip)?.symbol === symbol;
}
