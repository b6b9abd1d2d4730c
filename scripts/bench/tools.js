import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { root, say } from './base.js';
import { buildUnicorn } from './unicorn.js';

export const swapgs = join(root, 'bin/swapgs.js');

const onLinux = process.platform === 'linux' && process.arch === 'x64';

function firstLine(command, ...args) {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout?.split('\n')[0];
}

/**
 * What runs programs. `found` is the tool's version, `missing` why it is not there; `command` makes a command line of a
 * program with its arguments. A tool with a `scale` of its own runs only that percentage of the work.
 */
function all({ engines, unicornScale, unicorn }) {
  const native = {
    name: 'native',
    kind: 'native',
    find: () => (onLinux ? { found: cpus()[0]?.model ?? 'unknown CPU' } : { missing: 'it needs x86-64 Linux' }),
    command: (file, args) => [file, ...args],
  };
  const qemu = {
    name: 'qemu',
    kind: 'qemu',
    find() {
      const found = firstLine('qemu-x86_64', '--version');
      return found ? { found } : { missing: 'there is no qemu-x86_64; on Debian: apt-get install qemu-user' };
    },
    command: (file, args) => ['qemu-x86_64', file, ...args],
  };
  let driver;
  const unicornTool = {
    name: 'unicorn',
    kind: 'unicorn',
    scale: unicornScale,
    find() {
      const built = buildUnicorn(unicorn);
      driver = built.driver;
      return driver ? { found: firstLine(driver) } : { missing: built.missing };
    },
    command: (file, args) => [driver, file, ...args],
  };
  const own = (engines.length > 0 ? engines : [undefined]).map((engine) => ({
    name: engine ? `swapgs ${engine}` : 'swapgs',
    kind: 'swapgs',
    find: () => (existsSync(swapgs) ? { found: `Node ${process.version}` } : { missing: 'there is no bin/swapgs.js' }),
    command: (file, args, options = []) => [
      process.execPath,
      swapgs,
      'run',
      ...(engine ? ['--engine', engine] : []),
      ...options,
      file,
      ...args,
    ],
  }));
  return [native, qemu, unicornTool, ...own];
}

/** The wanted tools that are here; the others are named on stderr. */
export function presentTools(opts, kinds = ['native', 'qemu', 'unicorn', 'swapgs']) {
  return all(opts).filter((tool) => {
    if (!kinds.includes(tool.kind) || (opts.tools && !opts.tools.includes(tool.kind))) return false;
    Object.assign(tool, tool.find());
    if (!tool.found) say(`skipping ${tool.name}: ${tool.missing}`);
    return tool.found;
  });
}

/** A line about the tools for whoever reads the table. */
export const aboutTools = (tools) => tools.map((tool) => `${tool.name}: ${tool.found}`).join('; ');
