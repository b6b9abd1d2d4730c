import type { Lift } from './lift.ts';
import type { Op } from './operands.ts';

/** One instruction's meaning: reads, computation, memory write, registers, flags, in this order. */
export type Definition = (x: Lift, ...operands: Op[]) => void;

export interface Instruction {
  readonly mnemonic: string;
  readonly title: string;
  readonly define: Definition;
}

const INSTRUCTIONS = new Map<string, Instruction>();

/** Defines one mnemonic, or several that share a meaning. Every width and encoding is an instance of it. */
export function define(mnemonics: string | readonly string[], title: string, definition: Definition): void {
  for (const mnemonic of typeof mnemonics === 'string' ? mnemonics.split(' ') : mnemonics) {
    if (INSTRUCTIONS.has(mnemonic)) throw new Error(`${mnemonic} is defined twice`);
    INSTRUCTIONS.set(mnemonic, { mnemonic, title, define: definition });
  }
}

export const instructionNamed = (mnemonic: string): Instruction | undefined => INSTRUCTIONS.get(mnemonic);

/** Every defined mnemonic, in order of definition. */
export const definedMnemonics = (): string[] => [...INSTRUCTIONS.keys()];
