import type { Insn } from '../decode/insn.ts';

/** Why no case compares an instruction that user code may execute, by mnemonic. */
const REASONS: readonly (readonly [mnemonics: string, reason: string])[] = [
  ['syscall sysenter int', 'a system call'],
  ['int1', 'a debug trap'],
  ['lar lsl verr verw lss lfs lgs jmpf callf retf iret', 'descriptors of the kernel'],
  ['sgdt sidt sldt str smsw', 'answered by the kernel (UMIP)'],
  ['wrgsbase', 'GS is the host program’s'],
];

const BY_MNEMONIC: ReadonlyMap<string, string> = new Map(
  REASONS.flatMap(([mnemonics, reason]) => mnemonics.split(' ').map((mnemonic) => [mnemonic, reason] as const)),
);

const SEGMENT_LOAD = 'a segment register of the host program’s';

/** Why no case compares the instruction, or null. */
export function whyUncompared({ mnemonic, operands }: Insn): string | null {
  const target = operands[0];
  if (target?.kind === 'reg' && target.register.file === 'seg' && mnemonic !== 'push') return SEGMENT_LOAD;
  return BY_MNEMONIC.get(mnemonic) ?? null;
}

/** Registers, in encoding order, that take what only this one CPU knows: who it is, the time, a random number. */
export function ownRegisters({ mnemonic, operands }: Insn): readonly number[] {
  switch (mnemonic) {
    case 'cpuid':
      return [0, 1, 2, 3];
    case 'rdtsc':
      return [0, 2];
    case 'rdtscp':
      return [0, 1, 2];
    case 'rdrand':
    case 'rdseed':
    case 'rdpid':
      return operands[0]?.kind === 'reg' ? [operands[0].register.n] : [];
    default:
      return [];
  }
}
