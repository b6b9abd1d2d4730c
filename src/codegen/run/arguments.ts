import type { Signature } from '../../elf/dwarf/debug-info.ts';
import type { CType } from '../../elf/dwarf/types.ts';
import { CodegenError } from '../error.ts';
import { type PlacedResult, placeCall } from './abi.ts';
import type { CallInput } from './entry.ts';
import { STACK_TOP } from './layout.ts';
import { Literals, type MadeObject } from './literals.ts';
import { withValue } from './placed.ts';

/** A call as its source would write it. */
export interface TypedCall {
  readonly signature: Signature;
  readonly parameters: readonly { readonly name: string; readonly value: string }[];
  readonly objects: readonly MadeObject[];
  readonly result: PlacedResult;
}

/** Arguments in their registers and on the stack, with the memory that they lead to. */
export interface PlacedArguments {
  readonly args: readonly bigint[];
  readonly registers: readonly (readonly [name: string, value: bigint])[];
  readonly words: ReadonlyMap<bigint, bigint>;
  /** Null where the file does not say how the function is declared. */
  readonly call: TypedCall | null;
}

const GPRS = 6;
const WORD = 8n;
const DOUBLE: CType = { kind: 'float', name: 'double', size: 8 };
const LONG: CType = { kind: 'integer', name: 'long', size: 8, signed: true };
const CHAR: CType = { kind: 'integer', name: 'char', size: 1, signed: true };
const TEXT: CType = { kind: 'pointer', size: 8, to: () => CHAR, toConst: () => true };

/** The type of an argument behind the declared ones, by what it looks like. */
const variadicType = (text: string): CType =>
  /^\s*"/.test(text) ? TEXT : /^[-+]?(\d+\.\d*|\.\d+|\d+(?=e))(e[-+]?\d+)?$/i.test(text) ? DOUBLE : LONG;

/** Arguments that nothing is known of: numbers in RDI, RSI …, and those behind the sixth on the stack. */
function plainArguments(texts: readonly string[], number: (text: string) => bigint): PlacedArguments {
  const literal = texts.findIndex((text) => /^\s*[&"{]/.test(text));
  if (literal >= 0) {
    throw new CodegenError(
      `argument ${literal + 1}: the file does not tell its type; compile with -g, or give an address and --mem`,
    );
  }
  const values = texts.map(number);
  const words = values.slice(GPRS).map((value, i) => [STACK_TOP + BigInt(i) * WORD, value] as const);
  return { args: values.slice(0, GPRS), registers: [], words: new Map(words), call: null };
}

/** Reads arguments by their declared types; as numbers where none are declared. @throws CodegenError */
export function argumentsOf(
  signature: Signature | null,
  texts: readonly string[],
  number: (text: string) => bigint,
): PlacedArguments {
  if (signature === null) return plainArguments(texts, number);
  const declared = signature.parameters.length;
  if (texts.length > declared && !signature.variadic) {
    throw new CodegenError(`argument ${declared + 1}: ${signature.name} has ${declared} of them`);
  }
  const placed = placeCall(signature, texts.slice(declared).map(variadicType));
  const literals = new Literals(number);
  const { result } = placed;
  let input: CallInput = {
    args: Array.from({ length: GPRS }, () => 0n),
    memory: { seed: null, words: new Map(), constants: [] },
    registers: signature.variadic ? [['rax', BigInt(placed.used.xmms)]] : [],
  };
  const parameters: { name: string; value: string }[] = [];
  for (const [i, text] of texts.entries()) {
    const { name, type, pieces } = placed.parameters[i]!;
    const title = name || `argument ${i + 1}`;
    input = withValue(input, type, pieces, literals.read(text, type, title));
    parameters.push({ name: i < declared ? title : '…', value: text });
  }
  // Last, so that what arguments lead to stands where it always does.
  if (result.inMemory) input = { ...input, args: input.args.with(0, literals.reserve(result.type, 'result')) };
  return {
    args: input.args,
    registers: input.registers ?? [],
    words: new Map([...literals.words, ...input.memory.words]),
    call: { signature, parameters, objects: literals.objects, result },
  };
}
