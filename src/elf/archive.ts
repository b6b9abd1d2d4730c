import { hex } from '../bits/hex.ts';
import { ElfError } from './error.ts';
import { type ByteSource, partOf } from './source.ts';

/** One file in an archive. */
export interface ArchiveMember {
  readonly name: string;
  readonly source: ByteSource;
}

const MAGIC = '!<arch>\n';
const THIN_MAGIC = '!<thin>\n';
/** ar(5): name 16, date 12, user 6, group 6, mode 8, size 10, and two bytes that end the header. */
const HEADER_SIZE = 60;
const NAME_SIZE = 16;
const SIZE_AT = 48;
const SIZE_SIZE = 10;
const END_AT = 58;

const ascii = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const magicOf = (source: ByteSource): string => ascii(source.read(0, MAGIC.length));

/** Whether a source begins as an archive does, thin ones included. */
export const isArchive = (source: ByteSource): boolean => [MAGIC, THIN_MAGIC].includes(magicOf(source));

/**
 * The members of an `ar` archive (System V names), its symbol index left out.
 * @param openMember opens a file that a thin archive names; null where there is none
 * @throws ElfError when it is damaged, or a thin one's member is missing
 */
export function readArchive(source: ByteSource, openMember: (name: string) => ByteSource | null): ArchiveMember[] {
  const thin = magicOf(source) === THIN_MAGIC;
  const members: ArchiveMember[] = [];
  let longNames = '';
  for (let at = MAGIC.length; at < source.length; ) {
    const header = ascii(source.read(at, HEADER_SIZE));
    const size = Number.parseInt(header.slice(SIZE_AT, SIZE_AT + SIZE_SIZE), 10);
    if (header.length < HEADER_SIZE || header.slice(END_AT) !== '`\n' || !(size >= 0)) {
      throw new ElfError(`no archive member header at file offset ${hex(at)}; the archive is damaged`);
    }
    const from = at + HEADER_SIZE;
    const raw = header.slice(0, NAME_SIZE).trimEnd();
    const table = raw === '//' || raw === '/' || raw === '/SYM64/';
    if (thin && !table) {
      const name = memberName(raw, longNames);
      const member = openMember(name);
      if (member === null)
        throw new ElfError(`no file ${name}, which this thin archive names; make it, or ar without T`);
      members.push({ name, source: member });
      at = from;
      continue;
    }
    if (from + size > source.length) {
      throw new ElfError(
        `archive member at ${hex(at)}: its ${size} bytes end past the file's ${hex(source.length)}; the archive is incomplete`,
      );
    }
    if (raw === '//') longNames = ascii(source.read(from, size));
    else if (!table) members.push({ name: memberName(raw, longNames), source: partOf(source, from, size) });
    at = from + size + (size % 2);
  }
  return members;
}

/** A name, or `/NUMBER` for a place in the table of long names. */
function memberName(raw: string, longNames: string): string {
  if (!/^\/\d+$/.test(raw)) return raw.replace(/\/$/, '');
  const from = Number(raw.slice(1));
  const end = longNames.indexOf('/\n', from);
  return longNames.slice(from, end < 0 ? undefined : end);
}
