/** `swapgs: N instructions, S s, M MIPS`. */
export function statsLine(instructions: number, milliseconds: number): string {
  const mips = milliseconds > 0 ? instructions / milliseconds / 1000 : 0;
  return `swapgs: ${instructions} instructions, ${(milliseconds / 1000).toFixed(3)} s, ${mips.toFixed(1)} MIPS`;
}
