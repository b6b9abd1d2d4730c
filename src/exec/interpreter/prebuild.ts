import '../../semantics/index.ts';
import { writePrebuilt } from './prebuilt.ts';

/** Run by `npm run build` behind the compiler. */
writePrebuilt();
