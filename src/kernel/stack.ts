import { AT_AUX } from './auxv.ts';
import { E, fail } from './errno.ts';
import { encodeName, type UserMemory } from './user-memory.ts';
import { STACK_TOP } from './vm/layout.ts';

/** What goes onto a new process's stack. */
export interface StackContents {
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Path that AT_EXECFN shows. */
  readonly path: string;
  /** 16 bytes for AT_RANDOM. */
  readonly random: Uint8Array;
  /**
   * Key and value in order. The values of AT_RANDOM, AT_EXECFN and AT_PLATFORM are filled in here; the final AT_NULL is
   * added.
   */
  readonly auxv: readonly (readonly [number, number])[];
}

export interface BuiltStack {
  /** RSP at entry: it points at argc. */
  readonly rsp: number;
  /** The auxiliary vector as bytes, for /proc/self/auxv. */
  readonly auxv: Uint8Array;
}

const PLATFORM = 'x86_64';
const ALIGNMENT = 16;
const alignDown = (address: number): number => address - (address % ALIGNMENT);

/**
 * Bytes that the contents may take at most: strings, pointers and the rest.
 * @throws SysError E2BIG past `limit` (Linux: a quarter of the stack's limit)
 */
export function stackSize(contents: StackContents, limit: number): number {
  const strings = [...contents.args, ...contents.env, contents.path, PLATFORM];
  const bytes = strings.reduce((sum, text) => sum + encodeName(text).length + 1 + 8, 0);
  if (bytes > limit) fail(E.E2BIG);
  return bytes + 16 * (contents.auxv.length + 1) + 128;
}

/**
 * Writes the stack as Linux does (fs/binfmt_elf.c, create_elf_tables), from the top down: eight zero bytes, the path, the
 * environment, the arguments, then aligned: platform string, random bytes, and below them auxv, envp, argv, argc.
 */
export function buildStack(user: UserMemory, contents: StackContents): BuiltStack {
  let at = STACK_TOP - 8;
  const push = (text: string): number => {
    const bytes = encodeName(`${text}\0`);
    at -= bytes.length;
    user.write(at, bytes);
    return at;
  };
  const pushAll = (texts: readonly string[]): number[] => texts.toReversed().map(push).reverse();
  const execfn = push(contents.path);
  const envp = pushAll(contents.env);
  const argv = pushAll(contents.args);

  at = alignDown(at);
  const platform = push(PLATFORM);
  at -= contents.random.length;
  const random = at;
  user.write(random, contents.random);

  const filled: Readonly<Record<number, number>> = {
    [AT_AUX.EXECFN]: execfn,
    [AT_AUX.PLATFORM]: platform,
    [AT_AUX.RANDOM]: random,
  };
  const pairs = [...contents.auxv, [AT_AUX.NULL, 0] as const].flatMap(([key, value]) => [key, filled[key] ?? value]);
  const words = [contents.args.length, ...argv, 0, ...envp, 0];
  const rsp = alignDown(at - 8 * pairs.length - 8 * words.length);
  user.write(rsp, quadwords([...words, ...pairs]));
  return { rsp, auxv: quadwords(pairs) };
}

function quadwords(values: readonly number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values, (value) => BigInt(value)).buffer);
}
