/**
 * Who may run a sequence. `jit-slices` is the compiler's code, left and entered again every few instructions; `jit-plain` its code
 * without any optimisation of expressions.
 */
export const ORACLE_NAMES = ['host', 'reference', 'interpreter', 'jit', 'jit-slices', 'jit-plain'] as const;
export type OracleName = (typeof ORACLE_NAMES)[number];
export type EngineOracleName = Exclude<OracleName, 'host'>;
