import { dirname, resolve } from 'node:path';
import { parseHexBytes } from '../../bits/hex.ts';
import { isArchive, readArchive } from '../../elf/archive.ts';
import type { Companions, OpenFile } from '../../elf/dwarf/companions.ts';
import type { ByteSource } from '../../elf/source.ts';
import type { Build, CodeFunction, CodeUnit } from '../build.ts';
import { CodegenError } from '../error.ts';
import { ElfUnit } from './elf.ts';
import { FlatUnit, splitFlat } from './flat.ts';
import { isKernelImage, kernelIn } from './kernel-image.ts';
import { isListing, parseListing } from './listing.ts';
import { isPacked, unpack } from './unpack/unpack.ts';

/** How an input is to be read. */
export interface OpenOptions {
  /** Flat code at this address, whatever the file looks like. */
  readonly flat?: number | undefined;
  /** Names of addresses, for flat code and listings. */
  readonly names?: ReadonlyMap<number, string>;
  /** Opens files with debug information that others name: .dwo, .dwp, what dwz shares. Without it they are missing. */
  readonly openFile?: OpenFile;
}

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
/** LLVM bitcode, as it is and in the wrapper that Apple's tools put around it. */
const BITCODE = [0x42, 0x43, 0xc0, 0xde];
const BITCODE_WRAPPER = [0xde, 0xc0, 0x17, 0x0b];
/** Text longer than this is no pasted listing. */
const LONGEST_TEXT = 64 << 20;

const startsWith = (source: ByteSource, magic: readonly number[]): boolean => {
  const bytes = source.read(0, magic.length);
  return magic.every((byte, i) => bytes[i] === byte);
};

/** The text of a source, or null where it is none. */
function textOf(source: ByteSource): string | null {
  if (source.length > LONGEST_TEXT) return null;
  const bytes = source.read(0, source.length);
  if (bytes.includes(0)) return null;
  return Buffer.from(bytes).toString('utf8');
}

/**
 * Reads one side of a comparison: an ELF object or linked file, an archive of objects, a pasted listing, hexadecimal digits, or flat code.
 * @throws CodegenError, ElfError with one line
 */
export function openBuild(name: string, source: ByteSource, options: OpenOptions = {}): Build {
  const names = options.names ?? new Map<number, string>();
  const companions = { path: name, open: options.openFile ?? (() => null) };
  if (source.length === 0)
    throw new CodegenError('the file is empty; give an ELF file, an archive, flat code or a listing');
  if (startsWith(source, ELF_MAGIC)) return build(name, [new ElfUnit(name, source, companions)]);
  if (isArchive(source)) return openArchive(name, source, companions);
  if (isKernelImage(source)) return build(name, [new ElfUnit(name, kernelIn(source), companions)]);
  if (options.flat === undefined && isPacked(source)) {
    const inner = unpack(source, 'the file');
    if (isPacked(inner)) throw new CodegenError('the file is packed more than once; unpack it first');
    return openBuild(name, inner, options);
  }
  const text = textOf(source);
  if (text !== null) {
    if (/^[\s0-9a-f]+$/i.test(text) && text.trim() !== '') {
      return build(name, [splitFlat(name, hexOf(text), options.flat ?? 0, names)]);
    }
    if (isListing(text)) return openListing(name, text, names);
  }
  if (options.flat === undefined) {
    if (startsWith(source, BITCODE) || startsWith(source, BITCODE_WRAPPER)) {
      throw new CodegenError('this is LLVM bitcode, which has no code yet; compile without -flto and -emit-llvm');
    }
    throw new CodegenError('neither an ELF file, an archive nor a listing; give --bytes ADDR for flat code');
  }
  return build(name, [splitFlat(name, source.read(0, source.length), options.flat, names)]);
}

function hexOf(text: string): Uint8Array {
  try {
    return parseHexBytes(text);
  } catch (error) {
    throw new CodegenError(`${(error as Error).message}; give two digits a byte`);
  }
}

function openListing(name: string, text: string, given: ReadonlyMap<number, string>): Build {
  const listing = parseListing(text);
  const names = new Map([...listing.names, ...given]);
  return build(name, [new FlatUnit(name, listing.functions, names)]);
}

function openArchive(name: string, source: ByteSource, companions: Companions): Build {
  const units: CodeUnit[] = [];
  const folder = dirname(name);
  for (const member of readArchive(source, (file) => companions.open(resolve(folder, file)))) {
    if (!startsWith(member.source, ELF_MAGIC)) continue;
    try {
      units.push(new ElfUnit(`${name}(${member.name})`, member.source, companions));
    } catch (error) {
      // Members without code are the rule in archives of data; what is damaged is an error.
      if (!(error instanceof CodegenError)) throw error;
    }
  }
  if (units.length === 0) throw new CodegenError('no object with code in the archive; give another');
  return build(name, units);
}

function build(name: string, units: readonly CodeUnit[]): Build {
  const notes = units
    .filter((unit) => unit instanceof ElfUnit && unit.stripped)
    .map((unit) => `${unit.name}: no symbols of functions: their bounds are guessed, and they are paired by content`);
  return { name, units, notes };
}

/** The functions of one text as two builds: two of one function in a mail thread are old and new, and so are two of each of several. */
export function listingBuilds(build: Build): Build[] | null {
  const [unit] = build.units;
  if (!(unit instanceof FlatUnit)) return null;
  const sides = sidesOf(unit.functions);
  return (
    sides?.map((functions) => {
      const flat = functions.map((fn) => ({ name: fn.name, address: fn.address, bytes: unit.bytesOf(fn) }));
      return { name: build.name, units: [new FlatUnit(build.name, flat, unit.names)], notes: [] };
    }) ?? null
  );
}

function sidesOf(functions: readonly CodeFunction[]): CodeFunction[][] | null {
  if (functions.length === 2) return functions.map((fn) => [fn]);
  const old = functions.filter((fn, i) => functions.findIndex(({ name }) => name === fn.name) === i);
  const fresh = functions.filter((fn) => !old.includes(fn));
  const twice = fresh.length === old.length && new Set(fresh.map(({ name }) => name)).size === fresh.length;
  return twice && functions.length > 0 ? [old, fresh] : null;
}
