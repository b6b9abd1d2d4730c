import { hex } from '../../bits/hex.ts';
import { type AddressSource, linearAddress, memoryAccesses } from '../../decode/accesses.ts';
import type { InsnText } from '../../decode/text.ts';
import { isCanonical } from '../../memory/page-walk.ts';
import { PF } from '../../memory/paging.ts';
import { composeAccess } from '../accesses.ts';
import type { Decoded } from './decodecode.ts';
import type { OopsReport } from './parse.ts';

/** Register names by their numbers in an encoding. */
const GPRS = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
];
const VECTOR_GP = 13;
const VECTOR_SS = 12;
const VECTOR_PF = 14;
const PAGE = 4096n;
/** Linux' KASAN_SHADOW_OFFSET on x86-64: a byte of shadow tells of 8 bytes. */
const KASAN_OFFSET = 0xdffffc0000000000n;
const KASAN_SHIFT = 3n;
/** No per-CPU area is larger; a pointer this small is an offset into one, or into a structure. */
const PER_CPU_END = 1n << 21n;
const POISONS: readonly (readonly [bigint, bigint, string])[] = [
  [0xdead000000000000n, 0x1000n, 'a poisoned list pointer: the entry has been removed from its list'],
  [0x6b6b6b6b6b6b6b6bn, 0x1000n, 'the pattern of freed slab memory: use after free'],
  [0x5a5a5a5a5a5a5a5an, 0x1000n, 'the pattern of slab memory that nobody has initialised'],
];
const CR3_LAM_U57 = 1n << 61n;
const CR3_LAM_U48 = 1n << 62n;
const CR4_LA57 = 1n << 12n;
const CR4_LAM_SUP = 1n << 28n;

const canonical = (address: bigint, levels: number): boolean => isCanonical(address, levels);

/** The registers, with numbers as `R08` and `R8` alike. */
const lookup = ({ registers }: OopsReport, name: string): bigint | undefined =>
  registers.get(name) ?? registers.get(name.replace(/^r(\d)$/, 'r0$1'));

function source(report: OopsReport): AddressSource {
  return {
    gpr: (n) => lookup(report, GPRS[n]!) ?? 0n,
    fsBase: lookup(report, 'fs') ?? 0n,
    gsBase: lookup(report, 'gs') ?? 0n,
  };
}

const errorText = (code: number): string =>
  [
    code & PF.U ? 'user' : 'supervisor',
    code & PF.I ? 'instruction fetch' : code & PF.W ? 'write' : 'read',
    code & PF.RSVD
      ? 'reserved bit set'
      : code & PF.P
        ? 'the page is there, but not for this access'
        : 'page not present',
  ].join(', ');

/** What a linear-address mask (LAM) would make of an address, by the switches of the paging mode. */
function tagged(address: bigint, top: number): bigint {
  const low = BigInt.asIntN(top + 1, address);
  const upper = address & (1n << 63n);
  return BigInt.asUintN(64, (BigInt.asUintN(63, low) | upper) as bigint);
}

/** LAM, for an address that is not canonical: what its switches make or would make of it. */
function lamLines(address: bigint, report: OopsReport, levels: number): string[] {
  const cr3 = lookup(report, 'cr3');
  const cr4 = lookup(report, 'cr4');
  const high = address >> 63n !== 0n;
  const kinds: [string, number, boolean | null][] = high
    ? [['LAM_SUP (CR4 bit 28)', levels === 5 ? 56 : 47, cr4 === undefined ? null : (cr4 & CR4_LAM_SUP) !== 0n]]
    : [
        ['LAM_U57 (CR3 bit 61)', 56, cr3 === undefined ? null : (cr3 & CR3_LAM_U57) !== 0n],
        ['LAM_U48 (CR3 bit 62)', 47, cr3 === undefined ? null : (cr3 & CR3_LAM_U48) !== 0n],
      ];
  return kinds.map(([name, top, on]) => {
    const masked = tagged(address, top);
    const good = canonical(masked, levels);
    const tag = `bits 62:${top + 1} as a tag`;
    if (on === true)
      return `${name} is on and takes ${tag}: ${hex(masked)} ${good ? 'is canonical' : `is still not canonical: bit ${top} differs from bit 63`}`;
    const would = good ? `it would take ${tag} and use ${hex(masked)}` : 'it would not make this address canonical';
    return `${name} is ${on === null ? 'not shown' : 'off'}: ${would}`;
  });
}

/** The address that a byte of KASAN's shadow tells of, or null where an address is no shadow. */
export function kasanAddress(shadow: bigint): bigint | null {
  const address = BigInt.asUintN(64, BigInt.asUintN(64, shadow - KASAN_OFFSET) << KASAN_SHIFT);
  // Shadow of user addresses and of offsets lies just above the offset, that of the kernel below it.
  const reach = 1n << 45n;
  const distance = BigInt.asIntN(64, shadow - KASAN_OFFSET);
  return distance >= -reach && distance < reach ? address : null;
}

/** The offset that a `%gs:` operand of an instruction names. */
const slotOf = (insn: InsnText): bigint | null => (insn.segment === 'gs' && insn.place !== null ? insn.place : null);

function kasanLines(shadow: bigint, after: readonly InsnText[], known: boolean): string[] {
  const address = kasanAddress(shadow);
  if (address === null) return [];
  const lines = [
    `${hex(shadow)} is KASAN shadow: (${hex(address)} >> 3) + ${hex(KASAN_OFFSET)}; the access that is checked is at ${hex(address)}`,
  ];
  if (address >= PER_CPU_END) return lines;
  const access = known ? after.find((insn) => slotOf(insn) === address) : undefined;
  if (access !== undefined)
    lines.push(
      `${hex(address)} is a bare per-CPU offset: the access itself, ${access.text.replace(/\s+/g, ' ')}, adds the GS base, the check does not`,
    );
  else
    lines.push(`${hex(address)} is a small number: NULL plus an offset, or a bare per-CPU offset without the GS base`);
  return lines;
}

/** Why the instruction faulted, as far as the registers tell: one sentence a line. */
export function diagnose(report: OopsReport, decoded: Decoded): string[] {
  const { trapping, all } = decoded;
  if (trapping === null) return [];
  const insn = all[trapping]!;
  const after = all.slice(trapping + 1);
  const { vector, errorCode } = report;
  const lines: string[] = [];
  const cr2 = report.address ?? lookup(report, 'cr2') ?? null;
  if (vector === VECTOR_PF && errorCode !== null) lines.push(`#PF error ${hex(errorCode)}: ${errorText(errorCode)}`);
  else if (vector === VECTOR_GP || vector === VECTOR_SS)
    lines.push(`${vector === VECTOR_GP ? '#GP' : '#SS'}(${hex(errorCode ?? 0)}): CR2 is not written and may be old`);
  if (insn.text === '(bad)') return [...lines, 'the bytes at RIP are no instruction'];
  const rip = lookup(report, 'rip');
  const accesses = memoryAccesses(insn.bytes, insn.address).filter(({ bytes }) => bytes > 0);
  const from = source(report);
  const levels = (lookup(report, 'cr4') ?? 0n) & CR4_LA57 ? 5 : 4;
  for (const access of accesses) {
    const needed = [access.base, access.index].filter((register) => register !== null);
    const missing = needed.filter(({ n }) => lookup(report, GPRS[n]!) === undefined);
    if (missing.length > 0) {
      lines.push(`${access.kind} of ${access.bytes}: ${missing.map(({ name }) => name).join(', ')} not in the report`);
      continue;
    }
    if (access.ripRelative && rip === undefined) continue;
    const address = linearAddress(access, from);
    lines.push(`${access.kind} of ${access.bytes}: ${composeAccess(access, from).composition}`);
    const nulls = needed.filter(({ n }) => lookup(report, GPRS[n]!) === 0n);
    if (address < PAGE && access.segment === null) {
      const name = nulls[0]?.name ?? needed[0]?.name;
      const offset = address === 0n ? '' : ` plus offset ${hex(address)}`;
      lines.push(`a NULL pointer${name === undefined ? '' : ` in ${name}`}${offset}`);
    }
    if (!canonical(address, levels)) {
      const bits = levels === 5 ? 'bits 63:56' : 'bits 63:47';
      lines.push(`${hex(address)} is not canonical: ${bits} differ, so #GP or #SS and no page walk`);
      const shadow = kasanLines(address, after, rip !== undefined);
      lines.push(...(shadow.length > 0 ? shadow : lamLines(address, report, levels)));
    } else if (address !== cr2 && vector === VECTOR_PF && cr2 !== null && needed.length > 0 && accesses.length === 1) {
      const masked = [47, 56].some((top) => tagged(address, top) === cr2);
      lines.push(
        masked
          ? `CR2 ${hex(cr2)} is this address with its tag taken out (LAM)`
          : `CR2 is ${hex(cr2)}: the fault was not on this operand's first byte`,
      );
    }
    for (const [pattern, reach, text] of POISONS)
      if (address >= pattern - reach && address < pattern + reach) lines.push(`${hex(address)} is ${text}`);
  }
  if (accesses.length === 0 && errorCode !== null && vector === VECTOR_PF && errorCode & PF.I)
    lines.push(`the fetch itself faulted: a jump or call to ${cr2 === null ? 'a bad address' : hex(cr2)}`);
  return lines;
}
