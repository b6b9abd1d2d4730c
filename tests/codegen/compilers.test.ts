import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { Caller } from '../../src/codegen/run/call.ts';
import { CodeImage } from '../../src/codegen/run/image.ts';
import { Externals, GS_BASE } from '../../src/codegen/run/layout.ts';
import { placeName } from '../../src/codegen/run/report.ts';
import { countSlot } from '../../src/codegen/slot-count.ts';
import { buildOf, compareFiles, diffOf } from '../support/builds.ts';
import { type Compiler, hasCompiler, Workshop } from '../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());
const source = readFileSync(new URL('c/percpu-reads.c', import.meta.url), 'utf8');

/** Loads of `current` by what the compiler is told of it and by what stands between two reads. */
const LOADS: Readonly<Record<string, number>> = {
  volatile_m_call: 2,
  volatile_m_join: 2,
  plain_m_call: 2,
  plain_m_join: 2,
  plain_m_barrier: 2,
  stable_p_call: 1,
  stable_p_join: 2,
  const_seg_call: 1,
  const_seg_join: 1,
  const_seg_barrier: 1,
};

describe.each<Compiler>(['gcc', 'clang'])('reads of a per-CPU pointer by %s', (compiler) => {
  it.skipIf(!hasCompiler(compiler))('are counted as the accessor makes them', () => {
    const object = workshop.compile(compiler, source, ['-O2', '-fno-pic']);
    const comparison = compareFiles(object, object);
    expect(comparison.functions).toHaveLength(11);
    for (const [name, loads] of Object.entries(LOADS)) {
      const { metrics } = diffOf(comparison, name).old!;
      expect([name, metrics.gsLoads]).toEqual([name, loads]);
      const stable = name.startsWith('stable');
      expect([name, metrics.gsLoadBytes / metrics.gsLoads]).toEqual([name, stable ? 9 : 8]);
      expect([name, stable ? metrics.gsLoadsAbsolute : metrics.gsLoadsRelative]).toEqual([name, loads]);
      if (name.endsWith('join')) expect([name, metrics.reloads.redundant]).toEqual([name, loads - 1]);
    }
    expect(diffOf(comparison, 'plain_m_call').old!.metrics.reloads.barred).toBeGreaterThan(0);
  });
});

/** A CPU's `current` gets a memory map, by a const alias of the per-CPU variable. */
const booted = (alias: string): string => `
#ifdef __clang__
#define SEG __attribute__((address_space(256)))
#else
#define SEG __seg_gs
#endif
struct mm { long count; };
struct task { long state; struct mm *active_mm; };
struct pcpu_hot { struct task *current_task; };
extern struct task init_task;
extern struct mm init_mm;
${alias}
void cpu_init(void) { const_pcpu_hot.current_task->active_mm = &init_mm; }`;
const IN_ONE_FILE = `SEG struct pcpu_hot pcpu_hot = { .current_task = &init_task };
extern const SEG struct pcpu_hot const_pcpu_hot __attribute__((alias("pcpu_hot")));`;
const BY_THE_LINKER = 'extern const SEG struct pcpu_hot const_pcpu_hot;';
/** The idle task of another CPU. */
const IDLE = 0x6000_0000_0000n;

describe('a const alias of `current`', () => {
  /** What cpu_init does on a CPU whose per-CPU variable holds its idle task. */
  function run(object: string, variable: string): string[] {
    const build = buildOf(object);
    const fn = build.units[0]!.functions.find(({ name }) => name === 'cpu_init')!;
    const externals = new Externals();
    const image = new CodeImage(fn.unit, externals);
    const slot = GS_BASE + image.addressOfName(variable)!;
    const memory = { seed: null, words: new Map([[slot, IDLE]]), constants: [] };
    const outcome = new Caller(image, externals).call(image.addressOf(fn), { args: [], memory });
    expect(outcome.end.reason).toBe('return');
    return outcome.writes.map(({ address, bytes }) => {
      const value = Buffer.from(bytes).readBigUInt64LE();
      return `${placeName(image, address)} = ${image.nameOf(value)}; ${outcome.gsLoads} %gs loads`;
    });
  }

  it.skipIf(!hasCompiler('gcc'))('beside its definition is folded: the store goes to init_task on every CPU', () => {
    const object = workshop.compile('gcc', booted(IN_ONE_FILE), ['-O2', '-fno-pic']);
    expect(run(object, 'pcpu_hot')).toEqual(['init_task+0x8 = init_mm; 0 %gs loads']);
    expect(countSlot(buildOf(object), 'pcpu_hot')).toMatchObject({ loads: 0, constantFolded: true });
  });

  it.skipIf(!hasCompiler('gcc'))('made by the linker is read: the store goes to the CPU’s own idle task', () => {
    const object = workshop.compile('gcc', booted(BY_THE_LINKER), ['-O2', '-fno-pic']);
    expect(run(object, 'const_pcpu_hot')).toEqual(['0x600000000008 = init_mm; 1 %gs loads']);
  });

  it.skipIf(!hasCompiler('clang'))('is read by clang', () => {
    const object = workshop.compile('clang', booted(BY_THE_LINKER), ['-O2', '-fno-pic']);
    expect(run(object, 'const_pcpu_hot')).toEqual(['0x600000000008 = init_mm; 1 %gs loads']);
  });
});

describe.skipIf(!hasCompiler('gcc'))('an initialised definition beside its const alias', () => {
  const folded = `
struct task; extern struct task init_task;
struct pcpu_hot { struct task *current_task; };
__seg_gs struct pcpu_hot pcpu_hot = { .current_task = &init_task };
extern const __seg_gs struct pcpu_hot const_pcpu_hot __attribute__((alias("pcpu_hot")));
struct task *current(void) { return READ.current_task; }`;

  it('is never read: that is told', () => {
    const old = workshop.compile('gcc', folded.replace('READ', 'pcpu_hot'), ['-O2', '-fno-pic']);
    const fresh = workshop.compile(
      'gcc',
      folded
        .replace('__seg_gs struct pcpu_hot pcpu_hot', 'const __seg_gs struct pcpu_hot pcpu_hot')
        .replace('READ', 'pcpu_hot'),
      ['-O2', '-fno-pic'],
    );
    const comparison = compareFiles(old, fresh);
    const diff = diffOf(comparison, 'current');
    expect([diff.old!.metrics.gsLoads, diff.new!.metrics.gsLoads]).toEqual([1, 0]);
    expect(comparison.findings.map(({ kind, text }) => [kind, text])).toContainEqual([
      'constant-folded',
      'constant-folded: %gs:pcpu_hot is never read (1 load before)',
    ]);
  });
});
