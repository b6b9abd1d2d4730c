import type { Random } from '../bits/random.ts';
import { decode } from '../decode/decode.ts';
import { CODE, regionOf, WRITABLE_CODE } from '../oracle/layout.ts';
import { drawMxcsr, value64 } from '../oracle/states.ts';
import { FLAG } from '../state/rflags.ts';
import { openFlagsAt } from './bench.ts';
import { drawInstance } from './draw.ts';
import type { GenerateOptions } from './generate.ts';
import { endsJudgement, isOpen, readsOpen } from './open.ts';
import { drawState, knownRegisters } from './state.ts';
import { type FuzzCase, insnOf, offsetsOf, type Step, withinBounds, withoutSteps } from './steps.ts';
import { drawTarget } from './targets.ts';

type Mutation = (c: FuzzCase, random: Random, options: GenerateOptions, other: FuzzCase) => FuzzCase | null;

const RSP = 4;
const ARITHMETIC = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF | FLAG.DF;
const TRIES = 6;

/** Room for one more step at `at`: what led behind it moves on. */
function inserted(c: FuzzCase, at: number, step: Step): FuzzCase {
  const moved = (n: number): number => (n > at ? n + 1 : n);
  const steps = c.steps.map(({ to, within, ...rest }) => ({
    ...rest,
    ...(to !== undefined ? { to: moved(to) } : {}),
    ...(within !== undefined ? { within: { ...within, step: moved(within.step) } } : {}),
  }));
  return { ...c, steps: [...steps.slice(0, at), step, ...steps.slice(at)] };
}

function drawStep(c: FuzzCase, at: number, random: Random, { vocabulary }: GenerateOptions): Step | null {
  const { template } = vocabulary.pick(random);
  const drawn = drawInstance(template, random, knownRegisters(c.state.gpr), () => drawTarget(random));
  if (drawn === null) return null;
  const { insn, place } = drawn;
  const to = template.relative === 0 ? {} : { to: at + 1 + random.below(3) };
  return { bytes: insn.bytes, insn, ...(place === undefined ? {} : { place }), ...to };
}

const swapStep = (c: FuzzCase, at: number, step: Step): FuzzCase => ({
  ...c,
  steps: c.steps.map((old, n) => (n === at ? step : old)),
});

const MUTATIONS: readonly Mutation[] = [
  // Another instruction in the place of one.
  (c, random, options) => {
    const at = random.below(c.steps.length);
    const step = drawStep(c, at, random, options);
    return step && swapStep(c, at, step);
  },
  // One more.
  (c, random, options) => {
    if (c.steps.length >= options.most) return null;
    const at = random.below(c.steps.length + 1);
    const step = drawStep(c, at, random, options);
    return step && inserted(c, at, step);
  },
  // One less.
  (c, random) => {
    const at = random.below(c.steps.length);
    return c.steps.length < 2 ? null : withoutSteps(c, (i) => i === at);
  },
  // The same again.
  (c, random, options) => {
    const at = random.below(c.steps.length);
    const { to, within, ...step } = c.steps[at]!;
    return c.steps.length >= options.most || to !== undefined || within !== undefined ? null : inserted(c, at, step);
  },
  // A byte of an instruction: another register, displacement, immediate, or another instruction altogether.
  (c, random) => {
    const at = random.below(c.steps.length);
    const { insn: _, ...step } = c.steps[at]!;
    const bytes = step.bytes.slice();
    const where = random.below(bytes.length);
    bytes[where] = random.below(2) ? bytes[where]! ^ (1 << random.below(8)) : random.u32();
    const insn = decode(bytes);
    return typeof insn === 'string' || insn.length !== bytes.length ? null : swapStep(c, at, { ...step, bytes, insn });
  },
  // The end of another sequence behind the beginning of this one.
  (c, random, options, other) => {
    const keep = random.below(c.steps.length + 1);
    const from = random.below(other.steps.length);
    const head = withoutSteps(c, (i) => i >= keep);
    const tail = withoutSteps(other, (i) => i < from || i - from >= options.most - keep);
    const moved = tail.steps.map(({ to, within, ...rest }) => ({
      ...rest,
      ...(to !== undefined ? { to: to + keep } : {}),
      ...(within !== undefined ? { within: { ...within, step: within.step + keep } } : {}),
    }));
    return { ...head, steps: [...head.steps, ...moved] };
  },
  // A register.
  (c, random) => {
    const n = random.below(16);
    const value = random.below(2) ? BigInt(drawTarget(random)) : value64(random);
    if (n === RSP) return null;
    return { ...c, state: { ...c.state, gpr: Array.from(c.state.gpr, (old, i) => (i === n ? value : old)) } };
  },
  // Flags, roundings, vectors.
  (c, random, { vocabulary }) => {
    const fresh = drawState(random, vocabulary.system);
    switch (random.below(4)) {
      case 0:
        return { ...c, state: { ...c.state, rflags: c.state.rflags ^ (random.u32() & ARITHMETIC) } };
      case 1:
        return { ...c, state: { ...c.state, mxcsr: drawMxcsr(random) } };
      case 2:
        return { ...c, state: { ...c.state, fxsave: fresh.fxsave } };
      default:
        return { ...c, state: { ...c.state, xmm: fresh.xmm, memory: fresh.memory } };
    }
  },
  // Another place for the code.
  (c, random) => {
    const { base } = random.below(2) ? CODE : WRITABLE_CODE;
    const bytes = offsetsOf(c.steps).at(-1)!;
    return { ...c, codeAddress: base + 0x1000n - BigInt(random.below(bytes + 1)) };
  },
];

/** Whether every instruction is of the vocabulary, and nothing that the manual leaves open decides anything. */
function allowed(c: FuzzCase, { vocabulary, strict }: GenerateOptions): boolean {
  if (c.steps.length === 0) return false;
  const open = strict ? openFlagsAt(c) : [];
  return c.steps.every((step, i) => {
    const insn = insnOf(step);
    if (insn === null || !vocabulary.has(insn.code)) return false;
    if (!strict) return true;
    if (isOpen(insn) || readsOpen(insn, open[i]!)) return false;
    return i === c.steps.length - 1 || !endsJudgement(insn);
  });
}

/** Code that has grown past the end of its region begins earlier. */
function fitted({ steps, ...rest }: FuzzCase): FuzzCase {
  const c = { ...rest, steps: withinBounds(steps) };
  const { base, size } = regionOf(c.codeAddress, 0)!;
  const last = base + BigInt(size - offsetsOf(c.steps).at(-1)!);
  return c.codeAddress <= last ? c : { ...c, codeAddress: last };
}

/** The sequence with one to four things changed; null where no change gave one that may run. */
export function mutate(c: FuzzCase, other: FuzzCase, random: Random, options: GenerateOptions): FuzzCase | null {
  if (c.steps.length === 0 || other.steps.length === 0) return null;
  let now = c;
  for (let changes = 1 + random.below(4), attempt = 0; changes > 0 && attempt < TRIES; attempt++) {
    const next = random.pick(MUTATIONS)(now, random, options, other);
    if (next === null || !allowed(next, options)) continue;
    now = next;
    changes--;
  }
  return now === c ? null : fitted(now);
}
