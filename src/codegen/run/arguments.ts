import type { Signature } from '../../elf/dwarf/debug-info.ts';
import { typeText } from '../../elf/dwarf/types.ts';
import { CodegenError } from '../error.ts';
import { Literals, type MadeObject } from './literals.ts';
import { placeParameters } from './typed.ts';

/** A call as its source would write it. */
export interface TypedCall {
  readonly signature: Signature;
  readonly parameters: readonly { readonly name: string; readonly value: string }[];
  readonly objects: readonly MadeObject[];
}

/** Arguments in their registers, with the memory that they lead to. */
export interface PlacedArguments {
  readonly args: readonly bigint[];
  readonly registers: readonly (readonly [name: string, value: bigint])[];
  readonly words: ReadonlyMap<bigint, bigint>;
  /** Null where the file does not say how the function is declared. */
  readonly call: TypedCall | null;
}

/** Reads arguments by their declared types; as numbers in RDI, RSI … where none are declared. @throws CodegenError */
export function argumentsOf(
  signature: Signature | null,
  texts: readonly string[],
  number: (text: string) => bigint,
): PlacedArguments {
  if (signature === null) {
    const literal = texts.findIndex((text) => /^\s*[&"]/.test(text));
    if (literal >= 0) {
      throw new CodegenError(
        `argument ${literal + 1}: the file does not tell its type; compile with -g, or give an address and --mem`,
      );
    }
    return { args: texts.map(number), registers: [], words: new Map(), call: null };
  }
  const places = placeParameters(signature);
  const literals = new Literals(number);
  const args: bigint[] = [];
  const registers: (readonly [string, bigint])[] = [];
  const parameters: { name: string; value: string }[] = [];
  let next = places.reduce((most, { gpr }) => Math.max(most, (gpr ?? -1) + 1), 0);
  for (const [i, text] of texts.entries()) {
    const place = places[i];
    if (place === undefined) {
      if (!signature.variadic)
        throw new CodegenError(`argument ${i + 1}: ${signature.name} has ${places.length} of them`);
      args[next++] = number(text);
      continue;
    }
    const name = place.name || `argument ${i + 1}`;
    if (place.gpr === null && place.xmm === null) {
      throw new CodegenError(
        `${name}: ${typeText(place.type)} is on the stack or in two registers; use --reg or --mem`,
      );
    }
    const value = literals.read(text, place.type, name);
    parameters.push({ name, value: text });
    if (place.gpr !== null) args[place.gpr] = value;
    else registers.push([`xmm${place.xmm}`, value]);
  }
  for (let i = 0; i < args.length; i++) args[i] ??= 0n;
  return { args, registers, words: literals.words, call: { signature, parameters, objects: literals.objects } };
}
