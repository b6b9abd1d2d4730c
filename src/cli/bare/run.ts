export function runBare(a: string, b: unknown): number {
  return 0;
}
