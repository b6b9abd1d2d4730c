import { hex } from '../../bits/hex.ts';
import type { RunVerdict } from './compare.ts';
import type { Coverage } from './search.ts';

const share = ({ taken, all }: Coverage): string => `${taken}/${all}`;

/** What running has shown, line by line. */
export function verdictText(run: RunVerdict): string[] {
  const { verdict, inputs, coverage, counts, differences, input, uninitialised } = run;
  const measured = [
    `branch directions ${share(coverage.old)} old, ${share(coverage.new)} new`,
    `instructions ${counts.old.instructions} → ${counts.new.instructions}`,
    `loads ${counts.old.loads} → ${counts.new.loads}`,
    ...(counts.old.gsLoads + counts.new.gsLoads > 0 ? [`%gs loads ${counts.old.gsLoads} → ${counts.new.gsLoads}`] : []),
  ].join('; ');
  switch (verdict) {
    case 'equal':
      return [`run: equal on ${inputs} inputs (${measured})`];
    case 'inconclusive':
      return [`run: nothing can be said: ${run.reason ?? 'no input ran to its end in the old build'}`];
    case 'different':
      return [
        `run: different (${measured})`,
        ...differences.map((text) => `  ${text}`),
        ...(input === null
          ? []
          : [
              `  with arguments ${input.args.map((value) => hex(value)).join(', ')}`,
              ...(input.registers ?? []).map(([name, value]) => `  and ${hex(value)} in ${name}`),
              ...[...input.memory.words].map(([address, value]) => `  and ${hex(value)} at ${hex(address)}`),
              ...[...(input.variables ?? [])].map(([name, value]) => `  and ${hex(value)} in ${name}`),
              ...[...(input.returned ?? [])].map(([call, value]) => `  and ${hex(value)} returned by ${call}`),
              input.memory.seed === null ? '  and zeros elsewhere' : `  and memory of seed ${input.memory.seed}`,
            ]),
        ...(uninitialised === null
          ? []
          : [
              `  ${uninitialised === 'both' ? 'both builds use' : `the ${uninitialised} build uses`} a register or stack slot that nobody has set`,
            ]),
      ];
  }
}

const named = (values: Iterable<readonly [string, bigint]> = []): Record<string, string> =>
  Object.fromEntries([...values].map(([name, value]) => [name, hex(value)]));

/** The same for programs. */
export function verdictJson(run: RunVerdict): object {
  const { input, ...rest } = run;
  return {
    ...rest,
    input:
      input === null
        ? null
        : {
            args: input.args.map((value) => hex(value)),
            words: Object.fromEntries([...input.memory.words].map(([address, value]) => [hex(address), hex(value)])),
            seed: input.memory.seed,
            registers: named(input.registers),
            variables: named(input.variables),
            returned: named(input.returned),
          },
  };
}
