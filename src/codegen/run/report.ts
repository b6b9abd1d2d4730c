import { hex, hexBytes } from '../../bits/hex.ts';
import { typeText } from '../../elf/dwarf/types.ts';
import type { TypedCall } from './arguments.ts';
import type { CallOutcome } from './call.ts';
import type { Written } from './changes.ts';
import type { CodeImage } from './image.ts';
import { objectPath, pathOf } from './literals.ts';

/** Bytes of one written stretch that are shown. */
const MOST_SHOWN = 32;

/** An address for people: `pcpu_hot+0x8`, or digits. */
export const placeName = (image: CodeImage, address: bigint): string => image.nameOf(address) ?? hex(address);

/** How a call ended, in words. */
export function endText(image: CodeImage, { end }: CallOutcome): string {
  switch (end.reason) {
    case 'return':
      return 'returns';
    case 'fault':
      return `faults: ${end.text}, at ${codeName(image, end.at)}`;
    case 'limit':
      return `is stopped: ${end.text}`;
    case 'left':
      return `${end.text}: ${codeName(image, end.at)}`;
  }
}

function codeName(image: CodeImage, address: bigint): string {
  const hit = image.functionAt(address);
  return hit === null ? hex(address) : `${hit.fn.name}+${hit.offset} (${hex(address)})`;
}

const writeText = (image: CodeImage, { address, bytes }: Written, call: TypedCall | null): string => {
  const shown = hexBytes(bytes.subarray(0, MOST_SHOWN));
  const path = call === null ? null : pathOf(call.objects, address);
  const where = path === null ? placeName(image, address) : `${path} (${hex(address)})`;
  return `  wrote  ${where}: ${shown}${bytes.length > MOST_SHOWN ? ` … ${bytes.length} bytes` : ''}`;
};

const parametersText = (call: TypedCall | null): string =>
  call === null ? '' : `(${call.parameters.map(({ name, value }) => `${name} = ${value}`).join(', ')})`;

/** The result by its declared type. */
function resultText({ end, rax, xmm0 }: CallOutcome, call: TypedCall | null): string {
  if (call === null || end.reason !== 'return') return '';
  const { result } = call.signature;
  const view = new DataView(new ArrayBuffer(8));
  switch (result.kind) {
    case 'integer': {
      const bits = result.size * 8;
      return ` ${typeText(result)} ${result.signed ? BigInt.asIntN(bits, rax) : BigInt.asUintN(bits, rax)}`;
    }
    case 'boolean':
      return ` ${(rax & 0xffn) === 0n ? 'false' : 'true'}`;
    case 'enum': {
      const value = Number(BigInt.asIntN(result.size * 8, rax));
      return ` ${result.name} ${result.values.find((row) => row.value === value)?.name ?? value}`;
    }
    case 'float':
      view.setBigUint64(0, BigInt.asUintN(64, xmm0), true);
      return ` ${typeText(result)} ${result.size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true)}`;
    case 'pointer':
      return ` ${typeText(result)} ${rax === 0n ? 'NULL' : (objectPath(call.objects, rax) ?? pathOf(call.objects, rax) ?? hex(rax))}`;
    default:
      return '';
  }
}

/** What a call has done, line by line. */
export function callText(
  image: CodeImage,
  name: string,
  outcome: CallOutcome,
  call: TypedCall | null = null,
): string[] {
  const { rax, instructions, loads, stores, gsLoads, calls, writes, supplied } = outcome;
  return [
    `${name}${parametersText(call)} ${endText(image, outcome)}${resultText(outcome, call)}`,
    `  rax    ${hex(rax)}${image.nameOf(rax) === null ? '' : ` (${image.nameOf(rax)})`}`,
    `  ${instructions} instructions, ${loads} loads, ${stores} stores, ${gsLoads} %gs loads`,
    ...calls.map(
      ({ name: to, args, meant, returned }) =>
        `  call   ${to}(${args
          .map((value, i) => (meant & (1 << i) ? placeName(image, value) : '_'))
          .join(', ')
          .replace(/(, _)+$|^_(, _)*$/, '')}) = ${hex(returned)}`,
    ),
    ...writes.map((written) => writeText(image, written, call)),
    ...(supplied.length === 0 ? [] : [`  unknown memory supplied: ${supplied.map((page) => hex(page)).join(', ')}`]),
  ];
}

/** The same for programs. */
export function callJson(image: CodeImage, name: string, outcome: CallOutcome, call: TypedCall | null = null): object {
  const { end, rax, instructions, loads, stores, gsLoads, calls, writes, supplied, branches, size } = outcome;
  const own = [...branches].filter(([offset]) => offset >= 0 && offset < size);
  return {
    function: name,
    end: {
      ...end,
      ...('at' in end ? { at: hex(end.at), in: codeName(image, end.at) } : {}),
      ...('address' in end ? { address: end.address === null ? null : hex(end.address) } : {}),
    },
    rax: hex(rax),
    ...(call === null ? {} : { result: resultText(outcome, call).trim() || null }),
    instructions,
    loads,
    stores,
    gsLoads,
    calls: calls.map(({ name: to, args, returned }) => ({
      name: to,
      args: args.map((value) => hex(value)),
      returned: hex(returned),
    })),
    writes: writes.map(({ address, bytes }) => ({
      address: hex(address),
      place: (call === null ? null : pathOf(call.objects, address)) ?? image.nameOf(address),
      bytes: hexBytes(bytes, ''),
    })),
    supplied: supplied.map((page) => hex(page)),
    branches: Object.fromEntries(own.map(([offset, ways]) => [`+${offset}`, ['', 'not taken', 'taken', 'both'][ways]])),
  };
}
