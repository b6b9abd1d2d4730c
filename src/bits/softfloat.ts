/**
 * IEEE 754 arithmetic exactly as SSE and the x87 do it, on bit patterns in bigints, for any format.
 * This is the definition that the engines are held to, and their slow path.
 */
export { add, addUnpacked, div, divUnpacked, fma, mul, mulUnpacked, sqrt, sub } from './float/arithmetic.ts';
export { BCD_INDEFINITE, fromBcd, toBcd } from './float/bcd.ts';
export * from './float/compare.ts';
export { convert, fromInt, type IntWidth, roundToInt, toInt } from './float/convert.ts';
export * from './float/env.ts';
export * from './float/format.ts';
export { type Unpacked, unpack, unpackWidened } from './float/unpack.ts';
export * from './float/x87.ts';
