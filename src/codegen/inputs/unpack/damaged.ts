/** What a decoder throws for data that no encoder writes; the caller names the file. The message, if any, says what is wrong. */
export class DamagedError extends Error {}
