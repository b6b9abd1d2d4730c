import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hostAvailable, runOnHost } from '../../../bits/host/fxrun.ts';
import { difference, model, randomCase, shown } from './cases.ts';
import { INSTRUCTIONS } from './instructions.ts';

/** Random states against the host CPU: `SWAPGS_HOST_VECTORS=n` runs n of each instruction. Off by default. */
const PER_INSTRUCTION = Number(process.env['SWAPGS_HOST_VECTORS'] ?? 0);
const SEED = Number(process.env['SWAPGS_HOST_SEED'] ?? 1);
const BATCH = 5_000;

describe.runIf(PER_INSTRUCTION > 0 && hostAvailable())('the x87 against the host CPU', () => {
  for (const [index, instruction] of INSTRUCTIONS.entries())
    test(instruction.name, { timeout: 600_000 }, () => {
      let wrong = 0;
      const samples: string[] = [];
      for (let done = 0; done < PER_INSTRUCTION; done += BATCH) {
        const seeds = Array.from(
          { length: Math.min(BATCH, PER_INSTRUCTION - done) },
          (_, i) => Math.imul(SEED * 1009 + index, 0x9e3779b1) + done + i,
        );
        const cases = seeds.map((seed) => randomCase(instruction, seed));
        runOnHost(cases).forEach((after, i) => {
          const before = shown(cases[i]!);
          const host =
            difference(before, shown(after), instruction.ignoredStatus) +
            (after.signal ? ` signal ${after.signal}` : '');
          const ours = difference(before, shown(model(instruction, cases[i]!)), instruction.ignoredStatus);
          if (host === ours) return;
          wrong++;
          if (samples.length < 24)
            samples.push(
              `before cw=${before.cw.toString(16)} sw=${before.sw.toString(16)} tags=${before.tags.toString(16)} ${before.registers
                .slice(0, 2)
                .map((r) => r.toString(16))
                .join(' ')} ${before.memory.slice(0, 56)}`,
              `host   ${host}`,
              `model  ${ours}`,
            );
        });
      }
      expect(`${wrong} of ${PER_INSTRUCTION}\n${samples.join('\n')}`).toBe(`0 of ${PER_INSTRUCTION}\n`);
    });
});

/** `SWAPGS_HOST_TABLE=1` writes `measured.txt` anew: for each instruction, random states that end in different ways. */
test.runIf(process.env['SWAPGS_HOST_TABLE'] !== undefined && hostAvailable())('measure the table', () => {
  const lines = INSTRUCTIONS.flatMap((instruction) => {
    const cases = Array.from({ length: 2000 }, (_, seed) => randomCase(instruction, seed));
    const seen = new Map<string, string>();
    runOnHost(cases).forEach((after, seed) => {
      const before = shown(cases[seed]!);
      const end = shown(after);
      const line = difference(before, end, instruction.ignoredStatus);
      const raised = end.sw & ~before.sw & 0xc7ff;
      const shape = `${raised} ${end.sw & 0x200} ${line.replace(/=[^ ]*/g, '').replace(/r\d/g, 'r')}`;
      if (!seen.has(shape)) seen.set(shape, `${instruction.name}: ${seed} -> ${line}`);
    });
    return [...seen.values()].slice(0, 7);
  });
  writeFileSync(new URL('./measured.txt', import.meta.url), `${lines.join('\n')}\n`);
});
