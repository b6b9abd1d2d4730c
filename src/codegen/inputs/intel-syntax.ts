import { AssembleError } from '../../decode/assemble.ts';

const REGISTER =
  /^(?:[re]?(?:[abcd]x|[sd]i|[sb]p)|[abcd][hl]|[sd]il|[sb]pl|r(?:[89]|1[0-5])[dwbl]?|[c-gs]s|es|[xyz]mm\d+|mm[0-7]|k[0-7]|st(?:\([0-7]\))?|[cd]r\d+)$/;
const NUMBER = /^-?(?:0x[0-9a-f]+|\d+)$/;
const POINTER = /\b(byte|word|dword|fword|qword|tbyte|xmmword|ymmword|zmmword|oword) (?:ptr |bcst )?/;
const MEMORY = /^(?:([c-gs]s):)?(?:\[([^\]]*)\])?([+-]?(?:0x[0-9a-f]+|\d+))?$/;
const BRANCH = /^(?:j[a-z]+|call|loop[a-z]*|xbegin)$/;
const PREFIX =
  /^((?:(?:lock|rep[a-z]*|bnd|notrack|data16|rex[.wrxb]*|xacquire|xrelease) )*)([a-z][a-z0-9]*)(?: (.*))?$/;
const STRING = /^(?:movs|cmps|stos|lods|scas|ins|outs)$/;
const SUFFIXES: Readonly<Record<string, string>> = { byte: 'b', word: 'w', dword: 'l', qword: 'q' };
const X87_SUFFIXES: Readonly<Record<string, string>> = { dword: 's', qword: 'l', tbyte: 't' };
const X87_INTEGER_SUFFIXES: Readonly<Record<string, string>> = { word: 's', dword: 'l', qword: 'll' };
const X87_SIZED = /^f(?:ld|stp?|add|sub|subr|mul|div|divr|comp?)$/;
const X87_INTEGER = /^fi[a-z]+$/;
/** Instructions on general-purpose registers whose AT&T names say the width of a memory operand that no register tells. */
const SIZED =
  /^(?:mov|add|or|adc|sbb|and|sub|xor|cmp|test|inc|dec|neg|not|i?mul|i?div|sh[lr]|sa[lr]|ro[lr]|rc[lr]|bt[src]?|cvtt?s[is]2s[isd]|nop|vcvtu?si2s[sd])$/;
const RENAMED: Readonly<Record<string, string>> = {
  cdqe: 'cltq',
  cdq: 'cltd',
  cqo: 'cqto',
  cwde: 'cwtl',
  cbw: 'cbtw',
  cwd: 'cwtd',
  movsxd: 'movslq',
};

interface Operand {
  readonly text: string;
  readonly kind: 'register' | 'number' | 'memory';
  /** Width that a memory operand says it has: `qword`. */
  readonly width: string;
}

/** Whether an instruction is written in Intel's syntax: nothing in it has a sign of AT&T's, and something is no branch's target. */
export function isIntelSyntax(line: string): boolean {
  const text = line.toLowerCase();
  if (/[%$]/.test(text)) return false;
  const match = PREFIX.exec(text.replace(/\s+/g, ' ').trim());
  if (match === null) return false;
  if (match[3] === undefined) return Object.hasOwn(RENAMED, match[2]!);
  if (NUMBER.test(match[3])) return /^(?:push|int|ret|retf)$/.test(match[2]!);
  return (
    match[3].includes('[') ||
    POINTER.test(match[3]) ||
    match[3].split(',').some((part) => REGISTER.test(part.trim()) || /^[fg]s:/.test(part))
  );
}

/**
 * An instruction in Intel's syntax, as objdump -M intel and gdb write it, in AT&T's.
 * @throws AssembleError where it cannot be read
 */
export function fromIntelSyntax(line: string): string {
  const match = PREFIX.exec(line.toLowerCase().replace(/\s+/g, ' ').trim());
  if (match === null) throw new AssembleError(`cannot read «${line.trim()}»`);
  const [, prefixes, name, rest = ''] = match;
  const operands = rest === '' ? [] : rest.split(/,(?![^[]*\])/).map((part) => operandOf(part.trim(), line));
  const memory = operands.find((operand) => operand.kind === 'memory');
  if (STRING.test(name!)) {
    const register = operands.find((operand) => operand.kind === 'register')?.text ?? '';
    const width = SUFFIXES[memory?.width ?? ''];
    if (width !== undefined && !register.includes('mm') && !operands.some((o) => o.text.includes('dx'))) {
      return `${prefixes}${name}${width}`;
    }
  }
  const branch = BRANCH.test(name!);
  const written = operands.map((operand) => {
    if (branch) return operand.kind === 'number' ? operand.text : `*${attOf(operand)}`;
    return attOf(operand);
  });
  if (name !== 'enter' && name !== 'bound') written.reverse();
  return `${prefixes}${attName(name!, operands, memory)} ${written.join(',')}`.trim();
}

function attName(name: string, operands: readonly Operand[], memory: Operand | undefined): string {
  const first = operands[0];
  const second = operands[1];
  if ((name === 'movzx' || name === 'movsx') && first !== undefined && second !== undefined) {
    const from = second.kind === 'memory' ? SUFFIXES[second.width] : registerSuffix(second.text);
    return `mov${name[3]}${from ?? ''}${registerSuffix(first.text)}`;
  }
  if (memory === undefined) return RENAMED[name] ?? name;
  if (X87_INTEGER.test(name)) return name + (X87_INTEGER_SUFFIXES[memory.width] ?? '');
  if (X87_SIZED.test(name)) return name + (X87_SUFFIXES[memory.width] ?? '');
  const told = operands.some((o, n) => o.kind === 'register' && !(o.text === 'cl' && n > 0) && !/mm/.test(o.text));
  if (SIZED.test(name) && !told) return name + (SUFFIXES[memory.width] ?? '');
  return RENAMED[name] ?? name;
}

/** The width of a general-purpose register as AT&T's suffix. */
function registerSuffix(register: string): string {
  if (/^(?:[abcd][hl]|[sd]il|[sb]pl|r\d+[bl])$/.test(register)) return 'b';
  if (/^(?:[abcd]x|[sd]i|[sb]p|r\d+w)$/.test(register)) return 'w';
  return /^(?:e|r\d+d$)/.test(register) ? 'l' : 'q';
}

function operandOf(part: string, line: string): Operand {
  if (REGISTER.test(part)) return { text: part, kind: 'register', width: '' };
  const decorated = /^([xyz]mm\d+|k[0-7])(\{.*\})$/.exec(part);
  if (decorated !== null) return { text: part, kind: 'register', width: '' };
  if (NUMBER.test(part)) return { text: part, kind: 'number', width: '' };
  const width = POINTER.exec(part)?.[1] ?? '';
  const place = part.replace(POINTER, '').trim();
  if (!MEMORY.test(place)) throw new AssembleError(`cannot read the operand «${part}» of «${line.trim()}»`);
  return { text: place, kind: 'memory', width };
}

function attOf(operand: Operand): string {
  if (operand.kind === 'register') return `%${operand.text}`;
  if (operand.kind === 'number') return `$${operand.text}`;
  const [, segment, inside = '', behind] = MEMORY.exec(operand.text)!;
  let base = '';
  let index = '';
  let displacement = behind === undefined ? null : BigInt.asIntN(64, big(behind));
  for (const [, sign, term] of inside.replace(/\s/g, '').matchAll(/([+-]?)([^+-]+)/g)) {
    const scaled = /^(\w+)\*(\d)$/.exec(term!) ?? /^(\d)\*(\w+)$/.exec(term!);
    if (scaled !== null) {
      const [register, scale] = /^\d/.test(scaled[1]!) ? [scaled[2], scaled[1]] : [scaled[1], scaled[2]];
      index = `%${register},${scale}`;
    } else if (NUMBER.test(term!)) {
      displacement = BigInt.asIntN(64, (displacement ?? 0n) + (sign === '-' ? -big(term!) : big(term!)));
    } else if (base === '') base = `%${term}`;
    else index = `%${term},1`;
  }
  const registers = base === '' && index === '' ? '' : `(${base}${index === '' ? '' : `,${index}`})`;
  const lead = segment === 'gs' || segment === 'fs' ? `%${segment}:` : '';
  const offset =
    displacement === null
      ? ''
      : displacement < 0n
        ? `-0x${(-displacement).toString(16)}`
        : `0x${displacement.toString(16)}`;
  return `${lead}${offset}${registers}`;
}

const big = (text: string): bigint => (text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text.replace('+', '')));
