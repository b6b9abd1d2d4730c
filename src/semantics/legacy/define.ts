import type { Op } from '../operands.ts';
import type { LegacyLift } from './lift.ts';

/** Meaning of an instruction in 16- and 32-bit code where it is not that of 64-bit mode. */
export type LegacyDefinition = (x: LegacyLift, ...operands: Op[]) => void;

const DEFINITIONS = new Map<string, LegacyDefinition>();

/** Defines mnemonics for 16- and 32-bit code. */
export function defineLegacy(mnemonics: string, definition: LegacyDefinition): void {
  for (const mnemonic of mnemonics.split(' ')) {
    if (DEFINITIONS.has(mnemonic)) throw new Error(`${mnemonic} is defined twice for legacy code`);
    DEFINITIONS.set(mnemonic, definition);
  }
}

export const legacyNamed = (mnemonic: string): LegacyDefinition | undefined => DEFINITIONS.get(mnemonic);
