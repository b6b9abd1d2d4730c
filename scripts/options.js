// Options of a script: parseArgs, with a line in the place of a stack trace.
import { parseArgs } from 'node:util';

/** Says in a line why the script does not start, and ends it. */
export function refuse(script, why) {
  process.stderr.write(`${script}: ${why}\n`);
  process.exit(125);
}

/** The values of the options; those of `numbers` are whole numbers of at least so much. */
export function optionsOf(script, options, numbers) {
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    refuse(script, error.message.split('\n')[0]);
  }
  for (const [name, least] of Object.entries(numbers)) {
    const value = /^\d+$/.test(values[name]) ? Number(values[name]) : Number.NaN;
    if (!(Number.isSafeInteger(value) && value >= least))
      refuse(script, `--${name} ${values[name]}: it wants a whole number of at least ${least}`);
    values[name] = value;
  }
  return values;
}
