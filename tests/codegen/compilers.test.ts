import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { compareFiles, diffOf } from '../support/builds.ts';
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
