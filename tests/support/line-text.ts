import { CpuidFeature, Decoder, DecoderOptions, Formatter, FormatterSyntax } from '../../src/decode/iced.ts';
import { hostFeatures } from '../../src/oracle/native.ts';

/** Addresses in texts: the code stands at 0x1000. */
const TEXT_ADDRESS = 0x1000n;

let formatter: Formatter | undefined;

function intel(): Formatter {
  if (formatter !== undefined) return formatter;
  formatter = new Formatter(FormatterSyntax.Intel);
  formatter.hexPrefix = '0x';
  formatter.hexSuffix = '';
  formatter.uppercaseHex = false;
  formatter.signedImmediateOperands = true;
  formatter.ripRelativeAddresses = true;
  formatter.branchLeadingZeros = false;
  formatter.showBranchSize = false;
  return formatter;
}

/** Instructions in Intel syntax, separated by semicolons; `(bad)` where the bytes are none. */
export function textOf(code: Uint8Array): string {
  const decoder = new Decoder(64, code, DecoderOptions.None);
  decoder.ip = TEXT_ADDRESS;
  const texts: string[] = [];
  while (decoder.canDecode) {
    const insn = decoder.decode();
    texts.push(insn.isInvalid ? '(bad)' : intel().format(insn));
    insn.free();
  }
  decoder.free();
  return texts.join('; ');
}

/** Features whose instructions are no-operations on a CPU without them. */
const HINTS = new Set(['CET_IBT', 'CLDEMOTE', 'PREFETCHWT1', 'PREFETCHITI']);

/** Features that the code needs and the host does not have. */
export function lackingFeatures(code: Uint8Array): string[] {
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const lacking: string[] = [];
  while (decoder.canDecode) {
    const insn = decoder.decode();
    for (const feature of insn.cpuidFeatures()) {
      const name = CpuidFeature[feature] as string;
      if (!hostFeatures().has(name) && !HINTS.has(name)) lacking.push(name);
    }
    insn.free();
  }
  decoder.free();
  return lacking;
}
