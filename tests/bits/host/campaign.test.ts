import { describe, expect, test } from 'vitest';
import { floatEnv, PRE_COMPUTATION, setFromMxcsr, setFromX87ControlWord } from '../../../src/bits/softfloat.ts';
import { hostAvailable } from './fxrun.ts';
import { measure, type Outcome, type Vector } from './measure.ts';
import { generator, operand } from './operands.ts';
import { OPERATIONS, type Operation } from './operations.ts';

/**
 * Random and corner vectors against the host CPU: `SWAPGS_HOST_VECTORS=n` runs n of each operation, and
 * `SWAPGS_HOST_SEED` starts elsewhere. Off by default: the measured table is the test.
 */
const PER_OPERATION = Number(process.env['SWAPGS_HOST_VECTORS'] ?? 0);
const SEED = Number(process.env['SWAPGS_HOST_SEED'] ?? 1);
const BATCH = 10_000;

function randomVector(op: Operation, next: () => number): Vector {
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
function modelled({ op, control, operands }: Vector, host: Outcome): Outcome {
  const env = op.unit === 'sse' ? setFromMxcsr(floatEnv(), control) : setFromX87ControlWord(floatEnv(), control);
  const [a, b, c] = operands as [bigint, bigint, bigint];
  const result = op.model(env, a, b, c);
  const unmasked = env.flags & ~env.masks;
  const stops = op.unit === 'sse' || op.result !== op.operands[0] ? unmasked : unmasked & PRE_COMPUTATION;
  return {
    result: stops ? host.result : result,
    flags: env.flags,
    c1: op.unit === 'x87' && op.result !== 'eflags' && !/fprem/.test(op.name) ? env.roundedUp : host.c1,
  };
}

const show = (v: Vector, o: Outcome): string =>
  `${v.op.name} ${v.control.toString(16)} ${v.operands.map((x) => x.toString(16)).join(' ')} -> ${o.result.toString(16)} ${o.flags.toString(16)}${o.c1 ? ' C1' : ''}`;

describe.runIf(PER_OPERATION > 0 && hostAvailable())('softfloat against the host CPU', () => {
  for (const op of OPERATIONS)
    test(op.name, { timeout: 600_000 }, () => {
      const next = generator(SEED * 7919 + OPERATIONS.indexOf(op));
      let wrong = 0;
      const samples: string[] = [];
      for (let done = 0; done < PER_OPERATION; done += BATCH) {
        const vectors = Array.from({ length: Math.min(BATCH, PER_OPERATION - done) }, () => randomVector(op, next));
        measure(vectors).forEach((host, i) => {
          const model = modelled(vectors[i]!, host);
          if (model.result === host.result && model.flags === host.flags && model.c1 === host.c1) return;
          wrong++;
          if (samples.length < 24)
            samples.push(`host  ${show(vectors[i]!, host)}`, `model ${show(vectors[i]!, model)}`);
        });
      }
      expect(`${wrong} of ${PER_OPERATION}\n${samples.join('\n')}`).toBe(`0 of ${PER_OPERATION}\n`);
    });
});
