import fs from 'node:fs';
import { join } from 'node:path';

/** Names looked at in one grant, and levels below its root. */
const MOST = 512;
const DEPTH = 2;

/** The newest modification time among the upper levels of host directories, in nanoseconds since 1970; 0 for none. */
export function newestTime(directories: readonly string[]): bigint {
  let newest = 0n;
  for (const directory of directories) {
    let left = MOST;
    const visit = (path: string, depth: number): void => {
      const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (stat === undefined || left-- <= 0) return;
      if (stat.mtimeNs > newest) newest = stat.mtimeNs;
      if (!stat.isDirectory() || depth === DEPTH) return;
      for (const name of readable(path)) visit(join(path, name), depth + 1);
    };
    visit(directory, 0);
  }
  return newest;
}

function readable(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch {
    return [];
  }
}
