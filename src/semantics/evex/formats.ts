import { F16, F32, F64, type FloatFormat } from '../../bits/softfloat.ts';
import type { Row } from './row.ts';

/** How instructions name a format, its numbers, their bits, and what rows on them have in common. */
type Format = readonly [suffix: 's' | 'd' | 'h', fmt: FloatFormat, w: 16 | 32 | 64, options: Partial<Row>];

export const SINGLE_AND_DOUBLE: readonly Format[] = [
  ['s', F32, 32, {}],
  ['d', F64, 64, {}],
];
export const FORMATS: readonly Format[] = [...SINGLE_AND_DOUBLE, ['h', F16, 16, { keeps: 'operands and results' }]];
