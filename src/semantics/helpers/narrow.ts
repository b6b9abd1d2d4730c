import { convert, F16, F32, floatEnv } from '../../bits/softfloat.ts';
import { toBfloat } from '../evex/bf16.ts';
import { defineHelper } from './helper.ts';

const env = floatEnv();

defineHelper({
  name: 'f16.widened',
  doc: 'A half as a single; MXCSR is neither read nor written',
  args: [32],
  result: 32,
  faults: false,
  state: 'fp',
  run: (_, half) => convert(F16, F32, env, half!),
});
defineHelper({
  name: 'f32.toBfloat',
  doc: 'A single rounded to its upper 16 bits; MXCSR is neither read nor written',
  args: [32],
  result: 32,
  faults: false,
  state: 'fp',
  run: (_, single) => toBfloat(single!),
});
