/** Names that objtool gives a meaning of their own (Linux tools/objtool/arch/x86/decode.c, check.c). */

const INDIRECT = /^__x86_indirect_(?:call_|jump_)?thunk_/;
const RETURN = /^__x86_return_thunk$/;
const STATIC_CALL = /^__SCT__/;
const UBSAN = /^__ubsan_handle_/;
/** Calls for coverage and race detection, which objtool takes out of noinstr code. */
const PROFILING = /^__sanitizer_cov_|^__tsan_func_|^__tsan_atomic_signal_fence$/;

/** Stands for an indirect call or jump: a retpoline. */
export const isIndirectThunk = (name: string): boolean => INDIRECT.test(name);

/** A jump there is a return. */
export const isReturnThunk = (name: string): boolean => RETURN.test(name);

/** A jump there ends the function, and a call does nothing. */
export const isTakenOut = (name: string): boolean => PROFILING.test(name);

/** May be called from anywhere: what a static call leads to nobody can tell; UBSAN is only told of what never happens. */
export const isAlwaysAllowed = (name: string): boolean => STATIC_CALL.test(name) || UBSAN.test(name);
