import { hex } from '../../src/bits/hex.ts';
import type { EngineName } from '../../src/exec/engine.ts';
import { vectorName } from '../../src/exec/exit.ts';
import type { MemoryPatch, OracleCase, OracleResult } from '../../src/oracle/case.ts';
import { initialSnapshot, snapshot } from '../../src/oracle/compare.ts';
import { DATA } from '../../src/oracle/layout.ts';
import { NativeOracle } from '../../src/oracle/native.ts';
import { Sandbox } from '../../src/oracle/sandbox.ts';
import { CR3 } from '../../src/state/layout.ts';
import { VECTOR } from '../../src/state/pending.ts';
import { applySystem, type Facts, factsOf, factsOfHost, type LineState } from './line-state.ts';

/** How a line ended and what it left behind. */
export interface Outcome {
  /** `normal`, `#PF(6)`, `hlt`, `unimplemented MNEMONIC` … */
  readonly ending: string;
  readonly facts: Facts;
  /** The writable regions, one after the other. */
  readonly memory: Uint8Array;
}

/** Instructions, iterations of repeated ones included, that a line may take. */
const BUDGET = 4096;
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([VECTOR.SS, VECTOR.GP, VECTOR.PF, VECTOR.AC]);

const sandboxes = new Map<EngineName, { sandbox: Sandbox; root: bigint }>();

function sandboxFor(engine: EngineName): { sandbox: Sandbox; root: bigint } {
  let entry = sandboxes.get(engine);
  if (entry === undefined) {
    const sandbox = new Sandbox(engine, 1);
    entry = { sandbox, root: sandbox.machine.cpu.u64(CR3) };
    sandboxes.set(engine, entry);
  }
  return entry;
}

/** Name of a fault. An INT3 outside the code is the background: where the line ends normally, with RIP taken back. */
function faultEnding(c: OracleCase, facts: Facts, vector: number, code: number): string {
  if (vector === VECTOR.BP) {
    const at = facts.get('rip')! - 1n;
    if (at < 0n || at >= BigInt(c.code.length)) {
      facts.set('rip', at);
      return 'normal';
    }
  }
  if (!WITH_ERROR_CODE.has(vector)) return vectorName(vector);
  return `${vectorName(vector)}(${code < 10 ? code : hex(code)})`;
}

/** Runs a case on an engine. `start` is every register as the case began. */
export function runOnEngine(
  engine: EngineName,
  c: OracleCase,
  before: LineState,
  cpl: 0 | 3,
): Outcome & { readonly start: Facts } {
  const { sandbox, root } = sandboxFor(engine);
  const { machine } = sandbox;
  machine.reset();
  machine.setRoot(Number(root));
  machine.setPrivilege(cpl);
  applySystem(machine.cpu, before);
  sandbox.place(c);
  const start = factsOf(machine.cpu);
  const exit = machine.run(BUDGET);
  const facts = factsOf(machine.cpu);
  let ending: string = exit.kind;
  if (exit.kind === 'fault') ending = faultEnding(c, facts, exit.fault.vector, exit.fault.errorCode ?? 0);
  if (exit.kind === 'unimplemented') ending = `unimplemented ${exit.mnemonic}`;
  return { ending, facts, memory: snapshot(sandbox), start };
}

let oracle: NativeOracle | undefined;

/** Runs a case on the host CPU, which must be available. */
export function runOnHost(c: OracleCase): Outcome {
  oracle ??= new NativeOracle();
  const [host] = oracle.run([c]) as [OracleResult];
  const facts = factsOfHost(host);
  let ending: string = host.ending.kind;
  if (host.ending.kind === 'fault') {
    const { vector, error, cr2 } = host.ending;
    ending = faultEnding(c, facts, vector, Number(error));
    if (vector === VECTOR.PF) facts.set('cr2', cr2);
  }
  return { ending, facts, memory: memoryAfter(c, host.changes) };
}

/** The writable regions as a case starts with them, and then patched. */
export function memoryAfter(c: OracleCase, patches: readonly MemoryPatch[]): Uint8Array {
  return initialSnapshot({ ...c, memory: [...(c.memory ?? []), ...patches] });
}

/** What is not as it should be, by name; empty where everything is. */
export function differing(is: Outcome, should: { facts: Facts; memory: Uint8Array }): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of is.facts) {
    const wanted = should.facts.get(name)!;
    if (wanted !== value) out[name] = `${hex(BigInt.asUintN(128, value))}, not ${hex(BigInt.asUintN(128, wanted))}`;
  }
  for (let at = 0; at < is.memory.length; at++)
    if (is.memory[at] !== should.memory[at]) {
      const name = at < DATA.size ? `m8[${hex(at)}]` : `code byte ${at - DATA.size}`;
      out[name] = `${hex(is.memory[at]!)}, not ${hex(should.memory[at]!)}`;
    }
  return out;
}
