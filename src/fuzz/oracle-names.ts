/** Who may run a sequence. `jit-slices` is the compiler's code, left and entered again every few instructions. */
export const ORACLE_NAMES = ['host', 'reference', 'interpreter', 'jit', 'jit-slices'] as const;
export type OracleName = (typeof ORACLE_NAMES)[number];
export type EngineOracleName = Exclude<OracleName, 'host'>;
