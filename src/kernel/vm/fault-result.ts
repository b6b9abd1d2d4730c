import { SIG } from '../signals/numbers.ts';

/** How a page fault ended: the access may be tried again, or the process gets a signal with that si_code. */
export type FaultResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly signal: number; readonly code: number };

/** si_code of SIGSEGV and SIGBUS. */
export const SEGV_MAPERR = 1;
export const SEGV_ACCERR = 2;
export const BUS_ADRERR = 2;

export const OK: FaultResult = { ok: true };
export const MAPERR: FaultResult = { ok: false, signal: SIG.SEGV, code: SEGV_MAPERR };
export const ACCERR: FaultResult = { ok: false, signal: SIG.SEGV, code: SEGV_ACCERR };
export const ADRERR: FaultResult = { ok: false, signal: SIG.BUS, code: BUS_ADRERR };
