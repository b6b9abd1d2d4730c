/** Something that the user can mend: `swapgs: WHAT: WHERE: HOW TO MEND`, one line. */
export class CliError extends Error {
  override readonly name = 'CliError';

  /** Empty parts are left out. */
  constructor(what: string, where = '', mend = '') {
    super([what, where, mend].filter((part) => part !== '').join(': '));
  }
}

/** Library errors whose message is already one line for the user: what is wrong, and after the last `; ` how to mend it. */
const FOR_USERS = new Set([
  'CodegenError',
  'ElfError',
  'GrantError',
  'MappingError',
  'MultibootError',
  'OopsError',
  'RegisterError',
  'ScriptError',
  'TraceFileError',
]);

/** Puts an error of the libraries into the form of ours; one that nobody foresaw stays what it is. */
export function located(error: unknown, where: string): unknown {
  if (!(error instanceof Error) || !FOR_USERS.has(error.name)) return error;
  const cut = error.message.lastIndexOf('; ');
  if (cut < 0) return new CliError(error.message, where);
  return new CliError(error.message.slice(0, cut), where, error.message.slice(cut + 2));
}

/** Runs `use` and tells where its errors come from: a file, an option. */
export function locate<T>(where: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw located(error, where);
  }
}

/** The line that is printed for an error. */
export function errorLine(error: unknown): string {
  if (error instanceof CliError) return `swapgs: ${oneLine(error.message)}`;
  const { name = 'error', message = String(error) } = error instanceof Error ? error : {};
  return `swapgs: internal error: ${name}: ${oneLine(message)}: please report it with the command line`;
}

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ');
