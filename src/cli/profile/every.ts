/** Instructions between two samples unless somebody says otherwise. */
export const DEFAULT_PROFILE_EVERY = 100_000;
