import { ALL_NAMES } from './names.ts';
import { STUB_ERRNO } from './stubs.ts';
import { SYSCALLS } from './table.ts';

/** docs/syscalls.md: every Linux system call of x86-64, and what the stub does about it. */
export function syscallsText(): string {
  const status = (number: number): string => {
    const errno = STUB_ERRNO.get(number);
    if (errno !== undefined) return `refused: ${errno}`;
    return SYSCALLS.has(number) ? 'implemented' : 'absent: ENOSYS, said once';
  };
  const all = ALL_NAMES.map(([number, name]) => ({ number, name, status: status(number) }));
  const count = (start: string): number => all.filter(({ status: text }) => text.startsWith(start)).length;
  return [
    '# System calls',
    '',
    'Made by `node scripts/syscalls.js` from the table that dispatch and `--strace` use (src/kernel/syscalls).',
    '',
    `Of ${all.length} calls ${count('implemented')} are implemented, ${count('refused')} are refused with the error of a kernel that has`,
    `them turned off or lets nobody use them, and ${count('absent')} are absent: ENOSYS, and one line on stderr.`,
    '',
    '| number | name | |',
    '|---|---|---|',
    ...all.map(({ number, name, status: text }) => `| ${number} | ${name} | ${text} |`),
    '',
  ].join('\n');
}
