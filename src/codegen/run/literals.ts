import { type CType, type Member, sizeOf, typeText } from '../../elf/dwarf/types.ts';
import { CodegenError } from '../error.ts';
import { objectAt, putBytes, SCRATCH } from './memory.ts';
import { bytesOfNumber, floatBits } from './values.ts';

// Arguments as C writes them: numbers, "text", &{.member = value, …}, {value, …}, as deep as types go.

/** An object that a literal has made. */
export interface MadeObject {
  readonly address: bigint;
  readonly size: number;
  readonly type: CType;
  /** What leads to it: `list`, `list->next`. */
  readonly path: string;
}

const WORD = 8;
const SPACE = /\s/;
const PLAIN = /[^\s,{}[\]=]/;
const CHAR_SIZE = 1;
const MOST_ZEROED = 1 << 16;
const INT128 = 16;
const NUMBER = /^[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|0x[\da-f]+|inf|nan)$/i;
const COMPLEX = /^([-+]?[\d.]+(?:e[-+]?\d+)?)?([-+]?[\d.]+(?:e[-+]?\d+)?)i$/i;

/** Reads literals by their types and keeps the objects that they make. */
export class Literals {
  readonly objects: MadeObject[] = [];
  /** Words of memory, by address. */
  readonly words = new Map<bigint, bigint>();
  readonly #number: (text: string) => bigint;
  #text = '';
  #at = 0;
  #what = '';

  /** @param number reads what is no literal of C: 42, 0x1000, a symbol; throws where it is none */
  constructor(number: (text: string) => bigint) {
    this.#number = number;
  }

  /** The bytes of a parameter's value. @throws CodegenError */
  read(text: string, type: CType, name: string): Uint8Array {
    this.#text = text;
    this.#at = 0;
    this.#what = name;
    const size = sizeOf(type);
    if (size === 0) this.#fail(`the file does not tell what ${typeText(type)} is`);
    const { kind } = type;
    if (kind === 'struct' || kind === 'union' || kind === 'array') this.#object(type, SCRATCH, name);
    else this.#put(type, SCRATCH, name);
    const bytes = Uint8Array.from({ length: size }, (_, i) => this.#byte(SCRATCH + BigInt(i)));
    for (let at = 0; at < size; at += WORD) this.words.delete(SCRATCH + BigInt(at));
    if (this.#peek() !== '') this.#fail(`'${text.slice(this.#at)}' is too much`);
    return bytes;
  }

  /** Memory for a value that a function writes. @returns its address */
  reserve(type: CType, path: string): bigint {
    return this.#make(type, sizeOf(type), path);
  }

  #fail(why: string): never {
    throw new CodegenError(`${this.#what}: ${why} at '${this.#text.slice(this.#at, this.#at + 12)}'`);
  }

  #peek(): string {
    while (this.#at < this.#text.length && SPACE.test(this.#text[this.#at]!)) this.#at++;
    return this.#text[this.#at] ?? '';
  }

  #take(letter: string): boolean {
    if (this.#peek() !== letter) return false;
    this.#at++;
    return true;
  }

  #word(): string {
    this.#peek();
    const from = this.#at;
    while (this.#at < this.#text.length && PLAIN.test(this.#text[this.#at]!)) this.#at++;
    if (this.#at === from) this.#fail('a value is wanted');
    return this.#text.slice(from, this.#at);
  }

  #scalar(type: CType, path: string): bigint {
    const next = this.#peek();
    if (next === '&' || next === '"') {
      if (type.kind !== 'pointer') this.#fail(`it is ${typeText(type)}, no pointer`);
      const to = type.to();
      if (next === '"') return this.#string(to, path);
      this.#at++;
      if (to.kind === 'function') return this.#plain(this.#word(), type);
      // A pointer to an array leads to the first of several, where a brace more is given than one has.
      const rows = to.kind === 'array' && this.#bracesAhead() > bracesOf(to);
      const address = this.#make(to, rows ? 0 : sizeOf(to), path);
      if (rows) this.#array(to, null, address, path);
      else this.#object(to, address, path);
      return address;
    }
    return this.#plain(this.#word(), type);
  }

  #plain(word: string, type: CType): bigint {
    const bits = BigInt(sizeOf(type) * 8);
    switch (type.kind) {
      case 'boolean':
        if (word === 'true' || word === 'false') return word === 'true' ? 1n : 0n;
        break;
      case 'enum': {
        const known = type.values.find(({ name }) => name === word);
        if (known !== undefined) return BigInt.asUintN(Number(bits), BigInt(known.value));
        break;
      }
      case 'pointer':
        if (word === 'NULL') return 0n;
        break;
      case 'float':
        if (!NUMBER.test(word)) this.#fail(`${typeText(type)} is wanted`);
        return floatBits(numberOf(word), type.size);
      case 'complex': {
        const half = type.size / 2;
        const parts = NUMBER.test(word) ? [word, word, '0'] : COMPLEX.exec(word);
        if (parts === null) this.#fail(`${typeText(type)} is wanted, as 1.5-2i`);
        const [re, im] = [parts[1] ?? '0', parts[2]!].map((part) => floatBits(numberOf(part), half));
        return re! | (im! << BigInt(8 * half));
      }
      case 'integer':
        if (type.size === CHAR_SIZE && /^'.'$/.test(word)) return BigInt(word.charCodeAt(1));
        break;
    }
    if (type.kind === 'integer' && type.size === INT128 && /^[-+]?(\d+|0x[\da-f]+)$/i.test(word)) {
      const digits = BigInt(word.replace(/^[-+]/, ''));
      return BigInt.asUintN(8 * INT128, word.startsWith('-') ? -digits : digits);
    }
    const value = this.#number(word);
    const signed = type.kind === 'integer' && type.signed;
    if (type.kind === 'integer' && type.size < WORD) {
      const fits = BigInt.asUintN(type.size * 8, value);
      const back = signed ? BigInt.asUintN(64, BigInt.asIntN(type.size * 8, fits)) : fits;
      if (back !== BigInt.asUintN(64, value)) this.#fail(`${word} does not fit in ${typeText(type)}`);
      return fits;
    }
    return BigInt.asUintN(64, value);
  }

  #string(to: CType, path: string): bigint {
    if (sizeOf(to) !== CHAR_SIZE) this.#fail(`text is wanted only where characters are, not ${typeText(to)}`);
    const from = this.#at;
    const end = /^"(?:[^"\\]|\\.)*"/.exec(this.#text.slice(from));
    if (end === null) this.#fail('a text has no end');
    this.#at += end[0].length;
    let text: string;
    try {
      text = JSON.parse(end[0]);
    } catch {
      return this.#fail('a text with an escape that is unknown');
    }
    const bytes = Buffer.from(`${text}\0`, 'utf8');
    const address = this.#make({ kind: 'array', of: to, count: bytes.length, vector: false }, bytes.length, path);
    putBytes(this.words, address, bytes);
    return address;
  }

  #make(type: CType, size: number, path: string): bigint {
    const address = objectAt(this.objects.length);
    this.objects.push({ address, size, type, path });
    // As in C, members that are not given are zero.
    putBytes(this.words, address, new Uint8Array(Math.min(size, MOST_ZEROED)));
    return address;
  }

  /** An object's value at an address. */
  #object(type: CType, address: bigint, path: string): void {
    if (type.kind === 'struct' || type.kind === 'union') this.#structure(type.members(), type.kind, address, path);
    else if (type.kind === 'array') this.#array(type.of, type.count, address, path);
    else if (this.#peek() === '{') this.#array(type, null, address, path);
    else this.#put(type, address, path);
  }

  #put(type: CType, address: bigint, path: string): void {
    if (sizeOf(type) === 0) this.#fail(`${typeText(type)} has no value to give`);
    putBytes(this.words, address, bytesOfNumber(this.#scalar(type, path), sizeOf(type)));
  }

  /** The value of a bit-field, among the others that share its bytes. */
  #putBits({ type, bits, name }: Member, structure: bigint, path: string): void {
    const { at, size } = bits!;
    const value = this.#scalar(type, path);
    const signed = type.kind === 'integer' && type.signed;
    const whole = BigInt.asIntN(8 * sizeOf(type), value);
    const fits = signed ? BigInt.asIntN(size, value) === whole : BigInt.asUintN(size, value) === value;
    if (!fits) this.#fail(`${name} has only ${size} bits`);
    for (let bit = 0; bit < size; bit++) {
      const byte = structure + BigInt((at + bit) >> 3);
      const mask = 1 << ((at + bit) & 7);
      const set = (value >> BigInt(bit)) & 1n;
      putBytes(this.words, byte, Uint8Array.of(set === 0n ? this.#byte(byte) & ~mask : this.#byte(byte) | mask));
    }
  }

  /** Opening braces that come next. */
  #bracesAhead(): number {
    return /^[\s{]*/.exec(this.#text.slice(this.#at))![0].replace(/\s/g, '').length;
  }

  #array(of: CType, count: number | null, address: bigint, path: string): void {
    if (this.#peek() === '"' && sizeOf(of) === CHAR_SIZE) {
      const made = this.#string(of, path);
      const { size } = this.objects.pop()!;
      if (count !== null && size > count) this.#fail('the text is longer than the array');
      for (let i = 0n; i < BigInt(size); i++) putBytes(this.words, address + i, Uint8Array.of(this.#byte(made + i)));
      return;
    }
    if (!this.#take('{')) this.#fail('{ is wanted');
    const made = count === null ? this.objects.findIndex((row) => row.address === address) : -1;
    let n = 0;
    for (; !this.#take('}'); n++) {
      if (count !== null && n >= count) this.#fail(`the array has only ${count} elements`);
      this.#object(of, address + BigInt(n * sizeOf(of)), `${path}[${n}]`);
      if (!this.#take(',') && this.#peek() !== '}') this.#fail(', or } is wanted');
    }
    // How many there are is known only now.
    if (made >= 0) {
      this.objects[made] = {
        ...this.objects[made]!,
        size: n * sizeOf(of),
        type: { kind: 'array', of, count: n, vector: false },
      };
    }
  }

  #structure(members: readonly Member[], kind: string, address: bigint, path: string): void {
    if (!this.#take('{')) this.#fail('{ is wanted');
    for (let n = 0; !this.#take('}'); n++) {
      let member = members[n];
      if (this.#take('.')) {
        const name = this.#word();
        member = members.find((row) => row.name === name);
        if (member === undefined)
          this.#fail(`the ${kind} has no member ${name}: it has ${members.map((row) => row.name).join(', ')}`);
        if (!this.#take('=')) this.#fail('= is wanted');
        n = members.indexOf(member);
      }
      if (member === undefined) this.#fail(`the ${kind} has only ${members.length} members`);
      const to = `${path}->${member.name}`;
      if (member.bits === null) this.#object(member.type, address + BigInt(member.offset), to);
      else this.#putBits(member, address, to);
      if (!this.#take(',') && this.#peek() !== '}') this.#fail(', or } is wanted');
    }
  }

  #byte(address: bigint): number {
    const word = address & ~7n;
    return Number(((this.words.get(word) ?? 0n) >> ((address - word) * 8n)) & 0xffn);
  }
}

/** Braces around the first scalar of a value. */
function bracesOf(type: CType): number {
  if (type.kind === 'array') return 1 + bracesOf(type.of);
  const first = type.kind === 'struct' || type.kind === 'union' ? type.members()[0] : undefined;
  return first === undefined ? 0 : 1 + bracesOf(first.type);
}

const numberOf = (word: string): number =>
  /inf$/i.test(word) ? (word.startsWith('-') ? -Infinity : Infinity) : /nan$/i.test(word) ? Number.NaN : Number(word);

/** What leads to the object that begins at an address. */
export const objectPath = (objects: readonly MadeObject[], address: bigint): string | null =>
  objects.find((row) => row.address === address)?.path ?? null;

/** The member that an address in an object means: `list->next`, `row[3]`; null where it is in none. */
export function pathOf(objects: readonly MadeObject[], address: bigint): string | null {
  const object = objects.find((row) => address >= row.address && address < row.address + BigInt(Math.max(1, row.size)));
  if (object === undefined) return null;
  let { path, type } = object;
  let offset = Number(address - object.address);
  let arrow = '->';
  for (;;) {
    if (type.kind === 'struct' || type.kind === 'union') {
      const member: Member | undefined = type
        .members()
        .find((row) => offset >= row.offset && offset < row.offset + sizeOf(row.type));
      if (member === undefined) break;
      path += member.name === '' ? '' : `${arrow}${member.name}`;
      offset -= member.offset;
      type = member.type;
      arrow = '.';
    } else if (type.kind === 'array' && sizeOf(type.of) > 0) {
      path += `[${Math.trunc(offset / sizeOf(type.of))}]`;
      offset %= sizeOf(type.of);
      type = type.of;
      arrow = '.';
    } else break;
  }
  return type === object.type && arrow === '->' ? `*${path}${offset === 0 ? '' : `+${offset}`}` : path;
}
