export const SNAPSHOTS: URL;
export const BASE: bigint;
export function idioms(): [name: string, hex: string][];
export function snapshot(
  samples: readonly (readonly [name: string, hex: string])[],
  describe: (hex: string) => string | null,
): string;
