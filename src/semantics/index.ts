/** Importing this file fills the table of instructions and the table of helpers. */
import './arith.ts';
import './atomic.ts';
import './bits.ts';
import './branch.ts';
import './helpers/system.ts';
import './logic.ts';
import './move.ts';
import './muldiv.ts';
import './shift.ts';
import './stack.ts';
import './string.ts';
import './system.ts';
import './helpers/sse-float.ts';
import './sse/float.ts';
import './sse/integer.ts';
import './sse/move.ts';
