import { W, type WasmType } from '../../ir/wasm-opcodes.ts';
import { ByteSink } from './bytes.ts';
import type { FunctionBuilder } from './function.ts';

const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, element: 9, code: 10 } as const;
const KIND = { function: 0, table: 1, memory: 2 } as const;
/** Of the imported memory, in 64 KiB pages: any size fits. */
const MAX_PAGES = 65536;
/** Custom section of the branch hinting proposal. */
const BRANCH_HINTS = 'metadata.code.branch_hint';
const FUNCTION_TYPE = 0x60;
const FUNCREF = 0x70;

/** Assembles a module that imports one memory, optionally one table, and functions, and exports what it defines. */
export class ModuleBuilder {
  readonly #types: string[] = [];
  readonly #typeBytes: Uint8Array[] = [];
  readonly #imports = new Map<string, { index: number; type: number }>();
  readonly #functions: { name: string | null; type: number; builder: FunctionBuilder }[] = [];
  #elementsAt: number | null = null;
  #table = false;

  type(params: readonly WasmType[], results: readonly WasmType[]): number {
    const key = `${params.join()}>${results.join()}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const sink = new ByteSink();
    sink.u8(FUNCTION_TYPE);
    sink.vector(Uint8Array.from(params));
    sink.vector(Uint8Array.from(results));
    this.#types.push(key);
    this.#typeBytes.push(sink.bytes());
    return this.#types.length - 1;
  }

  /** Index of an imported function `env.name`. All imports come before the first definition. */
  import(name: string, params: readonly WasmType[], results: readonly WasmType[]): number {
    const known = this.#imports.get(name);
    if (known) return known.index;
    if (this.#functions.length) throw new Error(`import ${name} after a definition`);
    const index = this.#imports.size;
    this.#imports.set(name, { index, type: this.type(params, results) });
    return index;
  }

  /** Imports `env.table`. */
  useTable(): void {
    this.#table = true;
  }

  get importedNames(): string[] {
    return [...this.#imports.keys()];
  }

  /** Puts every function of the module into the table, in order, from this index on. */
  fillTable(from: number): void {
    this.#table = true;
    this.#elementsAt = from;
  }

  /** Adds a function, exported where it has a name; gives its index. */
  define(name: string | null, builder: FunctionBuilder): number {
    this.#functions.push({ name, type: this.type(builder.params, builder.results), builder });
    return this.#imports.size + this.#functions.length - 1;
  }

  encode(): Uint8Array {
    const out = new ByteSink();
    out.append(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    const section = (id: number, write: (s: ByteSink) => void): void => {
      const body = new ByteSink();
      write(body);
      out.u8(id);
      out.vector(body.bytes());
    };
    section(SECTION.type, (s) => {
      s.u32(this.#typeBytes.length);
      for (const type of this.#typeBytes) s.append(type);
    });
    section(SECTION.import, (s) => {
      s.u32(this.#imports.size + 1 + (this.#table ? 1 : 0));
      for (const [name, { type }] of this.#imports) {
        s.name('env');
        s.name(name);
        s.u8(KIND.function);
        s.u32(type);
      }
      s.name('env');
      s.name('memory');
      s.u8(KIND.memory);
      s.u8(1);
      s.u32(1);
      s.u32(MAX_PAGES);
      if (this.#table) {
        s.name('env');
        s.name('table');
        s.u8(KIND.table);
        s.u8(FUNCREF);
        s.u8(0);
        s.u32(0);
      }
    });
    section(SECTION.function, (s) => {
      s.u32(this.#functions.length);
      for (const f of this.#functions) s.u32(f.type);
    });
    section(SECTION.export, (s) => {
      const named = this.#functions.flatMap(({ name }, i) => (name === null ? [] : [{ name, i }]));
      s.u32(named.length);
      for (const { name, i } of named) {
        s.name(name);
        s.u8(KIND.function);
        s.u32(this.#imports.size + i);
      }
    });
    if (this.#elementsAt !== null) this.#elementSection(section, this.#elementsAt);
    const bodies = this.#functions.map((f) => f.builder.encode(this.#imports.size));
    const hinted = bodies.flatMap(({ hints }, i) => (hints.length ? [{ hints, index: this.#imports.size + i }] : []));
    if (hinted.length)
      section(SECTION.custom, (s) => {
        s.name(BRANCH_HINTS);
        s.u32(hinted.length);
        for (const { index, hints } of hinted) {
          s.u32(index);
          s.u32(hints.length);
          for (const { at, likely } of hints) {
            s.u32(at);
            s.u32(1);
            s.u32(likely ? 1 : 0);
          }
        }
      });
    section(SECTION.code, (s) => {
      s.u32(bodies.length);
      for (const { bytes } of bodies) s.vector(bytes);
    });
    return out.bytes().slice();
  }

  #elementSection(section: (id: number, write: (s: ByteSink) => void) => void, from: number): void {
    section(SECTION.element, (s) => {
      s.u32(1);
      // An active segment of table 0 at a constant offset.
      s.u8(0);
      s.u8(W.i32_const);
      s.s32(from);
      s.u8(W.end);
      s.u32(this.#functions.length);
      for (let i = 0; i < this.#functions.length; i++) s.u32(this.#imports.size + i);
    });
  }
}
