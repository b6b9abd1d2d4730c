import { type BuiltinMemory, MOST_BYTES, stringLength } from './builtins.ts';
import { mix, objectAt } from './memory.ts';

// Library functions that compilers exchange for one another are noted as one of them, so that two builds compare.

/** A call as it is noted. */
export interface NotedCall {
  readonly name: string;
  readonly args: readonly bigint[];
  /** What it writes to which stream, where it does. */
  readonly output: string | null;
  /** Bytes of the result that are zero when it comes back. */
  readonly zeroed: number;
}

const LONGEST_TEXT = 4096;
/** The name under which allocations and output are noted, whichever way they are asked for. */
const ALLOCATE = 'malloc';
const OUTPUT = 'fwrite';
const LOG = 'printk';
const ALLOCATIONS =
  /^(_*(malloc|calloc|realloc|reallocarray|aligned_alloc|memalign|valloc)|strn?dup|_*kv?[mz]alloc(_\w+)?|kmem_cache_alloc(_\w+)?|_Zn[wa]m)$/;
/** Allocated objects come behind those that arguments and memory lead to. */
const FIRST_ALLOCATED = 2048;
const ALLOCATED = 1024;

/** Whether a function's result is memory that nobody else has. */
export const isAllocation = (name: string): boolean => ALLOCATIONS.test(name);

const FREES =
  /^(_*(free|cfree|kv?free|kfree_sensitive|vfree|free_sized|kmem_cache_free)|_Zd[al]Pv(m|mSt11align_val_t)?)$/;

/** The argument of a function that gives memory back; null where a function does not. What was in it is nobody's business then. */
export const freedBy = (name: string): number | null => (!FREES.test(name) ? null : name === 'kmem_cache_free' ? 1 : 0);

/** What the nth allocation returns: an object of its own, or now and then nothing. */
export function allocated(seed: number | null, nth: number): bigint {
  if (seed !== null && (mix(seed, BigInt(nth) + 0x3a110cn) & 7) === 0) return 0n;
  return objectAt(FIRST_ALLOCATED + (nth % ALLOCATED));
}

/** Text that goes to a stream, whichever function writes it; a stream is an address, `log`, or null for stdout. */
export const notedOutput = (text: string, stream: bigint | 'log' | null): NotedCall => ({
  name: stream === 'log' ? LOG : OUTPUT,
  args: [],
  output: `${stream === null ? 'stdout' : stream === 'log' ? stream : `0x${stream.toString(16)}`} ${JSON.stringify(text)}`,
  zeroed: 0,
});

/** How a call is noted. @throws what `memory` throws at a bad address */
export function noted(name: string, args: readonly bigint[], memory: BuiltinMemory): NotedCall {
  const plain = { name, args, output: null, zeroed: 0 };
  const [a = 0n, b = 0n, c = 0n, d = 0n] = args;
  const written = (bytes: Uint8Array, stream: bigint | null): NotedCall =>
    notedOutput(Buffer.from(bytes).toString('latin1'), stream);
  const text = (address: bigint): Uint8Array =>
    memory.read(address, Math.min(LONGEST_TEXT, stringLength(memory, address)));
  switch (name) {
    case 'calloc':
      return { name: ALLOCATE, args: [a * b], output: null, zeroed: Number(a * b < BigInt(MOST_BYTES) ? a * b : 0n) };
    case 'fwrite':
      return b * c <= BigInt(LONGEST_TEXT) ? written(memory.read(a, Number(b * c)), d) : plain;
    case 'fputs':
      return written(text(a), b);
    case 'fputc':
    case 'putc':
    case '_IO_putc':
      return written(Uint8Array.of(Number(a & 0xffn)), b);
    case 'putchar':
      return written(Uint8Array.of(Number(a & 0xffn)), null);
    case 'puts':
      return written(Uint8Array.from([...text(a), 0x0a]), null);
    default:
      return plain;
  }
}
