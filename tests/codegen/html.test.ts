import { afterAll, describe, expect, it } from 'vitest';
import { htmlReport } from '../../src/codegen/report/html.ts';
import { compareFiles } from '../support/builds.ts';
import { Workshop } from '../support/compile.ts';

const workshop = new Workshop();
afterAll(() => workshop.clean());

interface Shown {
  readonly name: string;
  readonly rows: readonly unknown[];
  readonly unlisted?: boolean;
}

/** The functions that a page knows. */
function shown(old: string, fresh: string): Shown[] {
  const page = [...htmlReport(compareFiles(workshop.assemble(old), workshop.assemble(fresh)))].join('\n');
  const [, data] = /const functions = \[([\s\S]*?)\n\];/.exec(page)!;
  return JSON.parse(`[${data!.trim().replace(/,$/, '')}]`) as Shown[];
}

describe('the HTML report', () => {
  it('leaves out the listings that would make it too large, those of the smallest changes', () => {
    const fn = (name: string, body: string): string =>
      `.type ${name},@function\n${name}: ${body}\nret\n.size ${name},.-${name}\n`;
    const filler = '.rept 240000\nnop\n.endr';
    const functions = shown(
      `${fn('huge', filler)}${fn('large', filler)}${fn('small', 'nop')}`,
      `${fn('huge', `${filler}\ninc %eax\ninc %eax`)}${fn('large', `inc %eax\n${filler}`)}${fn('small', 'nop')}`,
    );
    expect(functions.map(({ name, rows, unlisted }) => [name, rows.length > 0, unlisted])).toEqual([
      ['huge', true, undefined],
      ['large', false, true],
      ['small', false, undefined],
    ]);
  });
});
