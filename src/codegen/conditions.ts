import { STATUSES, type Status } from './classify.ts';
import type { Comparison } from './compare.ts';
import { CodegenError } from './error.ts';
import type { Metrics } from './metrics.ts';

/** Numbers of a build by the name that conditions and expectations use. */
export const MEASURES: Readonly<Record<string, (metrics: Metrics) => number>> = {
  instructions: (m) => m.instructions,
  size: (m) => m.bytes,
  bytes: (m) => m.bytes,
  loads: (m) => m.loads,
  stores: (m) => m.stores,
  branches: (m) => m.branches,
  calls: (m) => m.calls,
  atomics: (m) => m.locked,
  cmov: (m) => m.cmov,
  spills: (m) => m.spills,
  pushes: (m) => m.pushes,
  pops: (m) => m.pops,
  frame: (m) => m.frame,
  'gs-loads': (m) => m.gsLoads,
  'gs-stores': (m) => m.gsStores,
  'fs-loads': (m) => m.fsLoads,
  'fs-stores': (m) => m.fsStores,
  reloads: (m) => m.reloads.redundant,
  'redundant-reloads': (m) => m.reloads.redundant,
  'barred-reloads': (m) => m.reloads.barred,
};

/** One way in which a comparison may fail. */
export interface Condition {
  readonly text: string;
  /** What is wrong, or null. */
  broken(comparison: Comparison): string | null;
}

/** Some function does something else on some input. */
export const RUN_DIFFERENT = 'run-different';
const CONDITION = /^([a-z-]+)\s*(>=|<=|==|!=|>|<)\s*([+-]?\d+(?:\.\d+)?)\s*(%?)$/;
const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};

/**
 * Reads `gs-loads>0|size>1%|changed`: the growth of a total, in numbers or percent of the old one, or a status that some function has.
 * @throws CodegenError
 */
export function parseConditions(text: string): Condition[] {
  return text.split(/[|,]/).map((part) => parseCondition(part.trim()));
}

function parseCondition(text: string): Condition {
  if (text === RUN_DIFFERENT) {
    return {
      text,
      broken: ({ functions }) => {
        const names = functions.filter(({ run }) => run?.verdict === 'different').map(({ name }) => name);
        return names.length === 0 ? null : `${names.join(', ')} ${names.length === 1 ? 'behaves' : 'behave'} otherwise`;
      },
    };
  }
  if ((STATUSES as readonly string[]).includes(text)) {
    return {
      text,
      broken: ({ statuses }) => (statuses[text as Status] > 0 ? `${statuses[text as Status]} ${text}` : null),
    };
  }
  const match = CONDITION.exec(text);
  const measure = match === null ? undefined : MEASURES[match[1]!];
  if (match === null || measure === undefined) {
    const names = [...Object.keys(MEASURES), ...STATUSES, RUN_DIFFERENT].join(', ');
    throw new CodegenError(`no condition «${text}»; write gs-loads>0, size>1% or changed, of ${names}`);
  }
  const [, name, operator, limit, unit] = match;
  return {
    text,
    broken: ({ totals }) => {
      const before = measure(totals.old);
      const after = measure(totals.new);
      const growth =
        unit === '%'
          ? before === 0
            ? after > 0
              ? Number.POSITIVE_INFINITY
              : 0
            : ((after - before) / before) * 100
          : after - before;
      return COMPARE[operator!]!(growth, Number(limit)) ? `${name} ${before} → ${after}` : null;
    },
  };
}
