import { hex, hexBytes } from '../../bits/hex.ts';
import type { CallOutcome } from './call.ts';
import type { Written } from './changes.ts';
import type { CodeImage } from './image.ts';

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

const writeText = (image: CodeImage, { address, bytes }: Written): string => {
  const shown = hexBytes(bytes.subarray(0, MOST_SHOWN));
  return `  wrote  ${placeName(image, address)}: ${shown}${bytes.length > MOST_SHOWN ? ` … ${bytes.length} bytes` : ''}`;
};

/** What a call has done, line by line. */
export function callText(image: CodeImage, name: string, outcome: CallOutcome): string[] {
  const { rax, instructions, loads, stores, gsLoads, calls, writes, supplied } = outcome;
  return [
    `${name} ${endText(image, outcome)}`,
    `  rax    ${hex(rax)}${image.nameOf(rax) === null ? '' : ` (${image.nameOf(rax)})`}`,
    `  ${instructions} instructions, ${loads} loads, ${stores} stores, ${gsLoads} %gs loads`,
    ...calls.map(
      ({ name: to, args, meant, returned }) =>
        `  call   ${to}(${args
          .map((value, i) => (meant & (1 << i) ? placeName(image, value) : '_'))
          .join(', ')
          .replace(/(, _)+$|^_(, _)*$/, '')}) = ${hex(returned)}`,
    ),
    ...writes.map((written) => writeText(image, written)),
    ...(supplied.length === 0 ? [] : [`  unknown memory supplied: ${supplied.map((page) => hex(page)).join(', ')}`]),
  ];
}

/** The same for programs. */
export function callJson(image: CodeImage, name: string, outcome: CallOutcome): object {
  const { end, rax, instructions, loads, stores, gsLoads, calls, writes, supplied, branches } = outcome;
  return {
    function: name,
    end: {
      ...end,
      ...('at' in end ? { at: hex(end.at), in: codeName(image, end.at) } : {}),
      ...('address' in end ? { address: end.address === null ? null : hex(end.address) } : {}),
    },
    rax: hex(rax),
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
      place: image.nameOf(address),
      bytes: hexBytes(bytes, ''),
    })),
    supplied: supplied.map((page) => hex(page)),
    branches: Object.fromEntries(
      [...branches].map(([offset, ways]) => [`+${offset}`, ['', 'not taken', 'taken', 'both'][ways]]),
    ),
  };
}
