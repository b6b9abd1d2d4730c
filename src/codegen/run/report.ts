import { hex, hexBytes } from '../../bits/hex.ts';
import type { Signature } from '../../elf/dwarf/debug-info.ts';
import { typeText } from '../../elf/dwarf/types.ts';
import { placeCall, registersTaken } from './abi.ts';
import type { TypedCall } from './arguments.ts';
import type { CallOutcome, OutsideCall } from './call.ts';
import type { Written } from './changes.ts';
import type { CodeImage } from './image.ts';
import { objectPath, pathOf } from './literals.ts';
import { resultBytes } from './placed.ts';
import { valueText } from './values.ts';

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
function resultText(outcome: CallOutcome, call: TypedCall | null): string {
  if (call === null) return '';
  const bytes = resultBytes(outcome, call.result);
  if (bytes === null) return '';
  const { type } = call.result;
  const pointer = (address: bigint): string =>
    objectPath(call.objects, address) ?? pathOf(call.objects, address) ?? hex(address);
  return ` ${typeText(type)} ${valueText(type, bytes, pointer)}`;
}

/** What a call has done, line by line. */
export function callText(
  image: CodeImage,
  name: string,
  outcome: CallOutcome,
  call: TypedCall | null = null,
  declared: (name: string) => Signature | null = () => null,
): string[] {
  const { rax, instructions, loads, stores, gsLoads, calls, writes, supplied } = outcome;
  return [
    `${name}${parametersText(call)} ${endText(image, outcome)}${resultText(outcome, call)}`,
    `  rax    ${hex(rax)}${image.nameOf(rax) === null ? '' : ` (${image.nameOf(rax)})`}`,
    `  ${instructions} instructions, ${loads} loads, ${stores} stores, ${gsLoads} %gs loads`,
    ...calls.map((outside) => `  call   ${outsideText(image, outside, declared(outside.name))}`),
    ...writes.map((written) => writeText(image, written, call)),
    ...(supplied.length === 0 ? [] : [`  unknown memory supplied: ${supplied.map((page) => hex(page)).join(', ')}`]),
  ];
}

/** A call that has left the build, with what is meant for its parameters: what is declared, or what was set for it. */
function outsideText(
  image: CodeImage,
  { name, args, meant, returned, output }: OutsideCall,
  declared: Signature | null,
): string {
  const taken = declared === null ? null : registersTaken(placeCall(declared));
  const shown = args
    .slice(0, taken ?? args.length)
    .map((value, i) => (taken !== null || meant & (1 << i) ? placeName(image, value) : '_'));
  while (shown.at(-1) === '_') shown.pop();
  return `${name}(${output ?? shown.join(', ')}) = ${hex(returned)}`;
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
