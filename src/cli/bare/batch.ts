export function runBatch(a: string, b: unknown): number {
  return 0;
}
