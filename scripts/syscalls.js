// Writes docs/syscalls.md from the table of system calls: node scripts/syscalls.js
import { writeFileSync } from 'node:fs';
import { syscallsText } from '../dist/kernel/syscalls/coverage.js';

writeFileSync(new URL('../docs/syscalls.md', import.meta.url), syscallsText());
