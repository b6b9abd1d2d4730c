import { basename, dirname, join, resolve } from 'node:path';
import type { ByteSource } from '../source.ts';

/** Opens a file that another one names; null where there is none that can be read. */
export type OpenFile = (path: string) => ByteSource | null;

/** What a file says of others that belong to it, and where they may be. */
export interface Companions {
  /** The file's own path. */
  readonly path: string;
  readonly open: OpenFile;
}

const BUILD_IDS = '/usr/lib/debug/.build-id';

/** A file with debug information of another one (`.dwo`): where the compiler says, or beside the object. */
export function openSplit({ path, open }: Companions, name: string, folder: string): ByteSource | null {
  const beside = dirname(path);
  return first(open, [resolve(beside, folder, name), join(beside, name), join(beside, basename(name))]);
}

/** The package of a program's split files, beside it (`.dwp`). */
export function openPackage({ path, open }: Companions): ByteSource | null {
  return open(`${path}.dwp`);
}

/** The file that holds what several have in common (dwz): beside them, or where distributions have it. */
export function openSupplementary({ path, open }: Companions, name: string, id: string): ByteSource | null {
  const beside = dirname(path);
  const byId = join(BUILD_IDS, id.slice(0, 2), `${id.slice(2)}.debug`);
  return first(open, [resolve(beside, name), join(beside, basename(name)), byId]);
}

function first(open: OpenFile, paths: readonly string[]): ByteSource | null {
  for (const path of new Set(paths)) {
    const source = open(path);
    if (source !== null) return source;
  }
  return null;
}
