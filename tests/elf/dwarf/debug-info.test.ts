import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { DebugInfo, type Signature } from '../../../src/elf/dwarf/debug-info.ts';
import { sizeOf, typeText } from '../../../src/elf/dwarf/types.ts';
import { ET } from '../../../src/elf/format.ts';
import { readHeader } from '../../../src/elf/header.ts';
import { readSections } from '../../../src/elf/sections.ts';
import { memorySource } from '../../../src/elf/source.ts';
import { readSymbolRows } from '../../../src/elf/symbol-rows.ts';
import { openFile } from '../../support/builds.ts';
import { type Compiler, hasCompiler, hasTool, Workshop } from '../../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());

const SOURCE = `
#include <stdbool.h>
#include <stddef.h>
enum color { RED, GREEN = 5, BLUE };
typedef struct node { int value; unsigned low : 3, high : 5; struct node *next; char name[8]; union { long l; float f; }; } node_t;
int sum(const node_t *list, unsigned char limit) { int s = 0; for (; list && limit--; list = list->next) s += list->value; return s; }
bool is(enum color c) { return c == GREEN; }
double scale(float a, double b, long c, ...) { return a * b + c; }
void fill(char (*rows)[16], size_t n) { for (size_t i = 0; i < n; i++) rows[i][0] = 1; }
__attribute__((section(".text.apart"))) const char *name(const node_t *n) { return n->name; }
static __attribute__((noinline)) short inner(short x) { return x * 3; }
short outer(short x) { return inner(x) + inner(x + 1); }
int apart(unsigned char limit) { if (limit > 3) __builtin_trap(); return limit + 1; }
int main(void) { return apart(1) + sum(0, 1) + is(RED) + (int)scale(1, 2, 3) + outer(2) + !name(0); }
`;

/** The debug information of a file, with the files beside its path that belong to it. */
function open(
  bytes: Uint8Array,
  path = '',
): { readonly info: DebugInfo | null; signature(name: string): Signature | null } {
  const header = readHeader(bytes);
  const sections = readSections(bytes, header);
  const source = memorySource(bytes);
  const symbols = readSymbolRows(source, sections);
  const info = DebugInfo.of(source, sections, symbols, header.type, { path, open: openFile });
  return {
    info,
    signature(name) {
      const row = symbols.find((symbol) => symbol.name === name)!;
      return info!.signatureOf({ address: row.value, section: header.type === ET.REL ? row.section : 0 });
    },
  };
}
const text = ({ result, name, parameters, variadic }: Signature): string =>
  `${typeText(result)} ${name}(${parameters.map((p) => `${typeText(p.type)} ${p.name}`).join(', ')}${variadic ? ', ...' : ''})`;

const BUILDS: readonly (readonly [compiler: Compiler, ...flags: string[]])[] = [
  ['gcc', '-g', '-O2'],
  ['gcc', '-gdwarf-4', '-O0'],
  ['gcc', '-gdwarf-2', '-O1'],
  ['gcc', '-g', '-O2', '-gz=zlib'],
  ['gcc', '-g', '-O2', '-gz=zlib-gnu'],
  ['gcc', '-g', '-O2', '-fdebug-types-section'],
  ['gcc', '-gdwarf-4', '-O2', '-fdebug-types-section'],
  ['gcc', '-g', '-O2', '-gsplit-dwarf'],
  ['gcc', '-gdwarf-4', '-O2', '-gsplit-dwarf'],
  ['gcc', '-g', '-O2', '-gsplit-dwarf', '-fdebug-types-section'],
  ['gcc', '-gdwarf-4', '-O2', '-gsplit-dwarf', '-fdebug-types-section'],
  ['gcc', '-g', '-O2', '-ffunction-sections'],
  ['clang', '-g', '-O2'],
  ['clang', '-gdwarf-4', '-O1'],
  ['clang', '-g', '-O2', '-fdebug-types-section'],
  ['clang', '-gdwarf-4', '-O2', '-fdebug-types-section'],
  ['clang', '-g', '-O2', '-gsplit-dwarf'],
  ['clang', '-gdwarf-4', '-O2', '-gsplit-dwarf'],
  ['clang', '-g', '-O2', '-gsplit-dwarf=single'],
  ['clang', '-g', '-O2', '-gsplit-dwarf', '-fdebug-types-section'],
];

describe.each(BUILDS.filter(([compiler]) => hasCompiler(compiler)))(
  'debug information of %s %s %s %s %s',
  (...build) => {
    const [compiler, ...flags] = build.filter((word) => word !== undefined) as [Compiler, ...string[]];
    // With «single» the object itself is named, which is gone behind the linker.
    describe.each(flags.includes('-gsplit-dwarf=single') ? [false] : [false, true])('linked: %s', (link) => {
      const path = workshop.compile(compiler, SOURCE, flags, link);
      const file = open(readFileSync(path), path);

      it('has the declarations of functions', () => {
        const declared = ['sum', 'is', 'scale', 'fill', 'name', 'inner', 'apart'].map((name) =>
          text(file.signature(name)!),
        );
        expect(declared).toEqual([
          'int sum(struct node * list, unsigned char limit)',
          expect.stringMatching(/^(_Bool|bool) is\(enum color c\)$/),
          'double scale(float a, double b, long c, ...)'.replace(
            /long c/,
            compiler === 'clang' ? 'long c' : 'long int c',
          ),
          expect.stringMatching(/^void fill\(char\[16\] \* rows, (unsigned long|long unsigned int) n\)$/),
          'char * name(struct node * n)',
          expect.stringMatching(/^short( int)? inner\(short( int)? x\)$/),
          'int apart(unsigned char limit)',
        ]);
      });

      it('lacks nothing', () => {
        text(file.signature('sum')!);
        expect(file.info!.notes).toEqual([]);
      });

      it('has structures with their members, bit-fields and nested ones', () => {
        const pointer = file.signature('sum')!.parameters[0]!.type;
        const node = pointer.kind === 'pointer' ? pointer.to() : pointer;
        expect(sizeOf(node)).toBe(32);
        const members = node.kind === 'struct' ? node.members() : [];
        expect(members.map(({ name, offset, type, bits }) => [name, offset, sizeOf(type), bits?.size ?? null])).toEqual(
          [
            ['value', 0, 4, null],
            ['low', expect.any(Number), 4, 3],
            ['high', expect.any(Number), 4, 5],
            ['next', 8, 8, null],
            ['name', 16, 8, null],
            ['', 24, 8, null],
          ],
        );
      });
    });
  },
);

describe.skipIf(!hasCompiler('gcc'))('debug information', () => {
  it('is null where there is none, or where a place has no function', () => {
    expect(open(readFileSync(workshop.compile('gcc', SOURCE, ['-O2']))).info).toBeNull();
    const { info } = open(readFileSync(workshop.compile('gcc', SOURCE, ['-O2', '-g'])));
    expect(info!.signatureOf({ address: 3, section: 1 })).toBeNull();
  });

  const objcopies = (kind: string): boolean =>
    spawnSync('objcopy', [`--compress-debug-sections=${kind}`, '--version']).status === 0;
  it.each(['zlib-gnu', 'zlib-gabi', 'zstd'].filter(objcopies))(
    'that objcopy has compressed with %s is unpacked',
    (kind) => {
      const path = workshop.compile('gcc', SOURCE, ['-g', '-O2'], true);
      workshop.run('objcopy', [`--compress-debug-sections=${kind}`, path, `${path}.z`]);
      const file = open(readFileSync(`${path}.z`));
      expect(text(file.signature('sum')!)).toBe('int sum(struct node * list, unsigned char limit)');
      const bytes = readFileSync(`${path}.z`);
      const { offset, size } = readSections(bytes).find(({ name }) => /debug_info$/.test(name))!;
      bytes.fill(0x55, offset + 30, offset + size);
      const damaged = open(bytes);
      expect(damaged.signature('sum')).toBeNull();
      expect(damaged.info!.notes).toEqual([
        'damaged debug information: its compressed data are damaged; types are not used',
      ]);
    },
  );

  it('that is damaged is told once, without a hang', () => {
    let wrong = 0;
    for (const flags of [
      ['-g', '-O1'],
      ['-gdwarf-4', '-fdebug-types-section'],
      ['-g', '-gz=zlib'],
    ]) {
      const bytes = readFileSync(workshop.compile('gcc', SOURCE, flags, true));
      const sections = readSections(bytes).filter(({ name }) => name.startsWith('.debug_'));
      for (let n = 0; n < 200; n++) {
        const damaged = Uint8Array.from(bytes);
        for (const { offset, size } of sections) damaged[offset + ((n * 2_654_435_761) % size)]! ^= 1 << (n & 7);
        const file = open(damaged);
        for (const name of ['sum', 'scale', 'fill']) {
          const signature = file.signature(name);
          if (signature !== null) text(signature);
        }
        expect(file.info!.notes.length).toBeLessThan(2);
        for (const note of file.info!.notes)
          expect(note).toMatch(/^damaged debug information: .*; types are not used$/);
        wrong += file.info!.notes.length;
      }
    }
    expect(wrong).toBeGreaterThan(60);
  });
});

describe.skipIf(!hasCompiler('gcc'))('debug information in other files', () => {
  const split = (...flags: string[]): string =>
    workshop.compile('gcc', SOURCE, ['-g', '-O2', '-gsplit-dwarf', ...flags]);

  it('that is missing is told once; the rest goes on', () => {
    const path = split();
    rmSync(path.replace(/\.o$/, '.dwo'));
    const file = open(readFileSync(path), path);
    expect([file.signature('sum'), file.signature('scale')]).toEqual([null, null]);
    expect(file.info!.notes).toEqual([
      expect.stringMatching(/^debug information is in \S+\.dwo, which is not there; types are unknown$/),
    ]);
  });

  it('of another build is not used', () => {
    const [path, other] = [split(), split('-DOTHER', '-g3')];
    copyFileSync(other.replace(/\.o$/, '.dwo'), path.replace(/\.o$/, '.dwo'));
    const file = open(readFileSync(path), path);
    expect(file.signature('sum')).toBeNull();
    expect(file.info!.notes).toEqual([expect.stringMatching(/\.dwo belongs to another build; types are unknown$/)]);
  });

  it('that is no ELF file, or damaged, is told in a line', () => {
    const path = split();
    const dwo = path.replace(/\.o$/, '.dwo');
    const whole = readFileSync(dwo);
    for (const bytes of [Buffer.from('nothing'), whole.subarray(0, whole.length >> 1), Buffer.alloc(0)]) {
      writeFileSync(dwo, bytes);
      const file = open(readFileSync(path), path);
      expect([file.signature('sum'), file.info!.notes.length]).toEqual([null, 1]);
    }
  });

  const packers = ['dwp', 'llvm-dwp'].filter(hasTool);
  // The dwp of binutils 2.40 falls over DWARF 5.
  const versions = packers.flatMap((tool) =>
    (tool === 'dwp' ? ['-gdwarf-4'] : ['-gdwarf-4', '-gdwarf-5']).map((version) => [tool, version] as const),
  );
  it.each(versions)('is found in a package, with types of their own: %s %s', (tool, version) => {
    const path = workshop.compile('gcc', SOURCE, ['-O2', '-gsplit-dwarf', '-fdebug-types-section', version], true);
    workshop.run(tool, ['-e', path, '-o', `${path}.dwp`]);
    for (const file of readdirSync(workshop.folder)) if (file.endsWith('.dwo')) rmSync(workshop.path(file));
    const file = open(readFileSync(path), path);
    expect(text(file.signature('sum')!)).toBe('int sum(struct node * list, unsigned char limit)');
    expect(text(file.signature('is')!)).toMatch(/ is\(enum color c\)$/);
    expect(file.info!.notes).toEqual([]);
  });

  const HEADER =
    `typedef struct shared { int a; struct shared *next; char text[32]; enum { ON = 1, OFF } state; } shared_t;\n`.repeat(
      1,
    );
  const program = (name: string): string =>
    workshop.compile(
      'gcc',
      `${HEADER}int ${name}(shared_t *s, long n) { return s->a + s->next->state + n; } int main(void) { return ${name}(0, 1); }`,
      ['-g', '-O1'],
      true,
    );

  it.skipIf(!hasTool('dwz'))('that dwz has moved to a file of several programs is found there', () => {
    const paths = [program('one'), program('two'), program('three')];
    workshop.run('dwz', ['-m', workshop.path('common'), '-M', 'common', ...paths]);
    const path = paths[1]!;
    const file = open(readFileSync(path), path);
    expect(text(file.signature('two')!)).toBe('int two(struct shared * s, long int n)');
    const pointer = file.signature('two')!.parameters[0]!.type;
    const type = pointer.kind === 'pointer' ? pointer.to() : pointer;
    expect(type.kind === 'struct' && type.members().map(({ name }) => name)).toEqual(['a', 'next', 'text', 'state']);
    expect(file.info!.notes).toEqual([]);

    const common = readFileSync(workshop.path('common'));
    const id = readSections(common).find(({ name }) => name === '.note.gnu.build-id')!;
    common[id.offset + 20]! ^= 1;
    writeFileSync(workshop.path('common'), common);
    const strange = open(readFileSync(path), path);
    strange.signature('two');
    expect(strange.info!.notes).toEqual(['common belongs to another build; what it describes is unknown']);

    rmSync(workshop.path('common'));
    const alone = open(readFileSync(path), path);
    expect(alone.signature('two')!.name).toBe('two');
    text(alone.signature('two')!);
    expect(alone.info!.notes).toEqual([
      'debug information is shared with common, which is not there; what it describes is unknown',
    ]);
  });
});
