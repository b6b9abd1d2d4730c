import { hex } from '../bits/hex.ts';
import { type AddressSource, effectiveAddress, linearAddress, type MemoryAccess } from '../decode/accesses.ts';
import type { RegisterRef } from '../decode/registers.ts';

/** One memory operand with the values that its address is made of. */
export interface ComposedAccess {
  readonly kind: MemoryAccess['kind'];
  readonly bytes: number;
  readonly address: bigint;
  /** `rax 0x1000 + rcx 0x2 * 8 + 0x10 + gs base 0xffff… = 0x…`. */
  readonly composition: string;
}

const part = (register: RegisterRef, source: AddressSource): string =>
  `${register.name} ${hex(BigInt.asUintN(register.width, source.gpr(register.n)))}`;

/** Says how an access comes to its linear address: base, index times scale, displacement, segment base. */
export function composeAccess(access: MemoryAccess, source: AddressSource): ComposedAccess {
  const terms: string[] = [];
  if (access.base !== null) terms.push(part(access.base, source));
  if (access.index !== null) {
    terms.push(`${part(access.index, source)}${access.scale === 1 ? '' : ` * ${access.scale}`}`);
  }
  let sum = terms.join(' + ');
  const { displacement } = access;
  if (terms.length === 0) {
    sum = `${hex(effectiveAddress(access, source))}${access.ripRelative ? ' (RIP-relative)' : ''}`;
  } else if (displacement !== 0n) {
    sum += displacement < 0n ? ` - ${hex(-displacement)}` : ` + ${hex(displacement)}`;
  }
  if (access.segment !== null) {
    sum += ` + ${access.segment} base ${hex(access.segment === 'fs' ? source.fsBase : source.gsBase)}`;
  }
  const address = linearAddress(access, source);
  const single = terms.length === 1 && displacement === 0n && access.segment === null && access.scale === 1;
  return {
    kind: access.kind,
    bytes: access.bytes,
    address,
    composition: single || (terms.length === 0 && access.segment === null) ? sum : `${sum} = ${hex(address)}`,
  };
}
