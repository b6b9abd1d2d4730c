import fs from 'node:fs';
import type { CoreDump } from '../../kernel/core-dump.ts';
import { fileError } from '../files.ts';

/** Writes core files: the first one to `path`, those of other processes to `path.PID`. Holes stay holes. */
export function coreWriter(path: string): (dump: CoreDump, pid: number) => void {
  let written = 0;
  return ({ head, size, pages }, pid) => {
    const file = written++ === 0 ? path : `${path}.${pid}`;
    try {
      const fd = fs.openSync(file, 'w', 0o600);
      try {
        fs.writeSync(fd, head, 0, head.length, 0);
        for (const { offset, bytes } of pages) fs.writeSync(fd, bytes, 0, bytes.length, offset);
        fs.ftruncateSync(fd, size);
      } finally {
        fs.closeSync(fd);
      }
    } catch (error) {
      throw fileError(error, file);
    }
  };
}
