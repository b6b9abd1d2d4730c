import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { DwarfError } from '../../../src/elf/dwarf/cursor.ts';
import { DebugInfo, type Signature } from '../../../src/elf/dwarf/debug-info.ts';
import { sizeOf, typeText } from '../../../src/elf/dwarf/types.ts';
import { ET } from '../../../src/elf/format.ts';
import { readHeader } from '../../../src/elf/header.ts';
import { readSections } from '../../../src/elf/sections.ts';
import { memorySource } from '../../../src/elf/source.ts';
import { readSymbolRows } from '../../../src/elf/symbol-rows.ts';
import { type Compiler, hasCompiler, Workshop } from '../../support/compile.ts';

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
int main(void) { return sum(0, 1) + is(RED) + (int)scale(1, 2, 3) + outer(2) + !name(0); }
`;

function open(bytes: Uint8Array): { readonly info: DebugInfo | null; signature(name: string): Signature | null } {
  const header = readHeader(bytes);
  const sections = readSections(bytes, header);
  const source = memorySource(bytes);
  const symbols = readSymbolRows(source, sections);
  const info = DebugInfo.of(source, sections, symbols, header.type);
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
  ['gcc', '-g', '-O2', '-ffunction-sections'],
  ['clang', '-g', '-O2'],
  ['clang', '-gdwarf-4', '-O1'],
];

describe.each(BUILDS.filter(([compiler]) => hasCompiler(compiler)))('debug information of %s %s %s %s', (...build) => {
  const [compiler, ...flags] = build.filter((word): word is Compiler => word !== undefined);
  describe.each([false, true])('linked: %s', (link) => {
    const file = open(readFileSync(workshop.compile(compiler!, SOURCE, flags, link)));

    it('has the declarations of functions', () => {
      const declared = ['sum', 'is', 'scale', 'fill', 'name', 'inner'].map((name) => text(file.signature(name)!));
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
      ]);
    });

    it('has structures with their members, bit-fields and nested ones', () => {
      const pointer = file.signature('sum')!.parameters[0]!.type;
      const node = pointer.kind === 'pointer' ? pointer.to() : pointer;
      expect(sizeOf(node)).toBe(32);
      const members = node.kind === 'struct' ? node.members() : [];
      expect(members.map(({ name, offset, type, bits }) => [name, offset, sizeOf(type), bits?.size ?? null])).toEqual([
        ['value', 0, 4, null],
        ['low', expect.any(Number), 4, 3],
        ['high', expect.any(Number), 4, 5],
        ['next', 8, 8, null],
        ['name', 16, 8, null],
        ['', 24, 8, null],
      ]);
    });
  });
});

describe.skipIf(!hasCompiler('gcc'))('debug information', () => {
  it('is null where there is none, or where a place has no function', () => {
    expect(open(readFileSync(workshop.compile('gcc', SOURCE, ['-O2']))).info).toBeNull();
    const { info } = open(readFileSync(workshop.compile('gcc', SOURCE, ['-O2', '-g'])));
    expect(info!.signatureOf({ address: 3, section: 1 })).toBeNull();
  });

  it('does not follow types by their signature, and says that it does not know them', () => {
    const file = open(readFileSync(workshop.compile('gcc', SOURCE, ['-g', '-O2', '-fdebug-types-section'], true)));
    expect(text(file.signature('sum')!)).toBe('int sum(? * list, unsigned char limit)');
  });

  it('that is damaged gives an error of its own, and no hang', () => {
    const path = workshop.compile('gcc', SOURCE, ['-g', '-O1'], true);
    const bytes = readFileSync(path);
    const sections = readSections(bytes).filter(({ name }) => name.startsWith('.debug_'));
    let wrong = 0;
    for (let n = 0; n < 400; n++) {
      const damaged = Uint8Array.from(bytes);
      for (const { offset, size } of sections) damaged[offset + ((n * 2_654_435_761) % size)]! ^= 1 << (n & 7);
      try {
        for (const name of ['sum', 'scale', 'fill']) {
          const signature = open(damaged).signature(name);
          if (signature !== null) text(signature);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(DwarfError);
        wrong++;
      }
    }
    expect(wrong).toBeGreaterThan(20);
    writeFileSync(workshop.path('cut'), bytes.subarray(0, bytes.length >> 1));
  });
});
