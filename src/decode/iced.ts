import { createRequire } from 'node:module';

/** iced-x86 by `require`: as an ES module import Node would parse its whole source for export names first. */
export const iced = createRequire(import.meta.url)('iced-x86') as typeof import('iced-x86');
