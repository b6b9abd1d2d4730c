import { CliError } from '../errors.ts';

/** What a program finds in its environment unless somebody says otherwise: the same everywhere, so that runs are too. */
export const DEFAULT_ENVIRONMENT: Readonly<Record<string, string>> = {
  HOME: '/root',
  LANG: 'C',
  PATH: '/usr/local/bin:/usr/bin:/bin',
  TERM: 'dumb',
  USER: 'root',
};

/** `--env` and `--env-clear` as strings for execve, in order of name. A later setting of a name wins. */
export function environment(settings: readonly string[], clear: boolean): string[] {
  const variables = new Map(Object.entries(clear ? {} : DEFAULT_ENVIRONMENT));
  for (const setting of settings) {
    const cut = setting.indexOf('=');
    const name = cut < 0 ? setting : setting.slice(0, cut);
    if (name === '') throw new CliError(`'${setting}' has no name`, '--env', 'give K=V');
    const value = cut < 0 ? process.env[name] : setting.slice(cut + 1);
    if (value !== undefined) variables.set(name, value);
  }
  return [...variables].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([name, value]) => `${name}=${value}`);
}
