import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Compiler = 'gcc' | 'clang';

/** Whether a compiler is there: tests that need one are left out by name where it is not. */
export const hasCompiler = (name: Compiler): boolean => hasTool(name);

/** Whether a program is there, and tells its version. */
export const hasTool = (name: string): boolean => spawnSync(name, ['--version']).status === 0;

/** A folder for what a test compiles, removed by `clean`. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'swapgs-codegen-'));
  #count = 0;

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Compiles C text to an object, or links it with `link` flags; the path of the result. */
  compile(compiler: Compiler, text: string, flags: readonly string[], link = false): string {
    const number = this.#count++;
    const source = this.path(`${number}.c`);
    writeFileSync(source, text);
    const result = this.path(`${number}.${link ? 'elf' : 'o'}`);
    this.run(compiler, [...flags, ...(link ? [] : ['-c']), source, '-o', result]);
    return result;
  }

  /** Assembles GNU syntax to an object. */
  assemble(text: string): string {
    const number = this.#count++;
    const source = this.path(`${number}.s`);
    writeFileSync(source, text);
    const result = this.path(`${number}.o`);
    this.run('as', [source, '-o', result]);
    return result;
  }

  run(program: string, args: readonly string[]): string {
    const done = spawnSync(program, args, { encoding: 'utf8', cwd: this.folder });
    if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  }

  clean(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
