import fs from 'node:fs';
import type { Build } from '../../codegen/build.ts';
import { openBuild } from '../../codegen/inputs/open.ts';
import { type ByteSource, memorySource } from '../../elf/source.ts';
import { symOptions } from '../bare/request.ts';
import { locate } from '../errors.ts';
import { openSource, readFile } from '../files.ts';

/** Options of every command that reads builds. */
export interface InputOptions {
  /** Addresses of flat code: of the first input, of the second; one is for both. */
  readonly bytes?: readonly bigint[];
  readonly sym?: readonly string[];
}

/** Reads input number `index` of a command. @throws CliError naming the file */
export function readBuild(path: string, index: number, options: InputOptions): Build {
  const flat = options.bytes?.[index] ?? options.bytes?.[0];
  const names = new Map(symOptions(options.sym ?? []).map(([name, address]) => [signed(address), name] as const));
  const source = path === '-' ? memorySource(standardInput()) : openSource(path);
  const address = flat === undefined ? undefined : signed(flat);
  return locate(path, () => openBuild(path, source, { flat: address, names, openFile }));
}

const signed = (address: bigint): number => Number(BigInt.asIntN(64, address));

function standardInput(): Uint8Array {
  const source = openSource('/dev/stdin');
  return source.read(0, source.length);
}

/** Files beyond this stay open and are read where they are wanted; smaller ones, of which there may be thousands, are read at once. */
const READ_WHOLE = 16 << 20;

/** A file that debug information names; null where there is none. */
function openFile(path: string): ByteSource | null {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return null;
  try {
    return stat.size > READ_WHOLE ? openSource(path) : memorySource(readFile(path));
  } catch {
    return null;
  }
}
