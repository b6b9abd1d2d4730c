import fs from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { FEATURES_BY_NAME } from '../machine/feature-names.ts';
import { CPU_NAMES, isImplemented, profileNamed, profileOf } from '../machine/profiles.ts';

const HOST = 'host';
const ALL_NAMES = CPU_NAMES.join(', ');
const CPUINFO = '/proc/cpuinfo';

/** What the CPU under us has and swapgs implements, as switches on the baseline. @throws RangeError where it is no x86-64 under Linux */
function hostSwitches(): string {
  let text = '';
  try {
    if (process.arch === 'x64') text = fs.readFileSync(CPUINFO, 'utf8');
  } catch {
    // No Linux.
  }
  const flags = /^flags\s*:(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/);
  if (flags === undefined) throw new RangeError("'host' needs an x86-64 CPU under Linux; name a level instead");
  const has = new Set(flags);
  const all = profileNamed('max');
  const switches = [...FEATURES_BY_NAME].flatMap(([name, feature]) => {
    if (all.system.has(feature)) return has.has(name) ? [] : [`-${name}`];
    return isImplemented(feature) && has.has(name) ? [`+${name}`] : [];
  });
  return ['x86-64', ...switches].join(',');
}

/** A value of `--cpu`: a profile with features switched, checked. */
export function cpu(text: string): string {
  try {
    const [name, ...more] = text.split(',');
    const whole = name === HOST ? [hostSwitches(), ...more].join(',') : text;
    profileOf(whole);
    return whole;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The profiles know nothing of the host.
    throw new InvalidArgumentError(`${error.message.replace(ALL_NAMES, `${ALL_NAMES}, ${HOST}`)}.`);
  }
}
