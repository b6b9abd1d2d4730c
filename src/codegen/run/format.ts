// What printf writes, from the bits of its arguments: numbers are converted exactly, halves to even, as the C library does (C11 7.21.6.1).

/** Where the arguments of a format are found, one after the other. */
export interface FormatArguments {
  /** The next integer or pointer, 64 bits as they lie there. */
  integer(): bigint;
  /** The bits of the next double. */
  double(): bigint;
  /** The bytes of a string, at most so many; `most` null: up to its NUL. */
  text(address: bigint, most: number | null): Uint8Array;
  /** What %p shows for an address. */
  pointer(address: bigint): string;
}

interface Directive {
  readonly flags: string;
  readonly width: number;
  /** Null where none is given. */
  readonly precision: number | null;
  readonly length: string;
  readonly conversion: string;
}

const DIRECTIVE = /%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?(hh|h|ll|l|j|z|t|q|L)?([a-zA-Z%])/g;
/** Bits of an integer by its length modifier; `long double` has none here. */
const BITS: Readonly<Record<string, number>> = { hh: 8, h: 16, '': 32, l: 64, ll: 64, q: 64, j: 64, z: 64, t: 64 };
const RADIX: Readonly<Record<string, number>> = { d: 10, i: 10, u: 10, o: 8, x: 16, X: 16 };
/** Wider or more precise than this is a number that nobody meant. */
const MOST_COLUMNS = 4096;
const DEFAULT_PRECISION = 6;
const FRACTION_BITS = 52;
const EXPONENT_BIAS = 1023;

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/**
 * The text of a format, a character a byte.
 * @returns null where a conversion is none of C's for integers, doubles, characters and strings (%n, %a, %ls, long doubles, the kernel's %pI4)
 */
export function formatted(format: string, args: FormatArguments): string | null {
  let failed = false;
  const starred = (digits: string | undefined): number =>
    digits === '*' ? Number(BigInt.asIntN(32, args.integer())) : Number(digits ?? 0);
  const known = format.replace(
    DIRECTIVE,
    (match, flags: string, width, precision, length = '', conversion: string, at: number) => {
      const columns = starred(width);
      const digits = precision === undefined ? null : starred(precision);
      const directive: Directive = {
        flags: columns < 0 ? `${flags}-` : flags,
        width: Math.abs(columns),
        precision: digits === null || digits < 0 ? null : digits,
        length,
        conversion,
      };
      const next = format[at + match.length] ?? '';
      const extended = conversion === 'p' && /[a-zA-Z]/.test(next);
      const text =
        failed || extended || columns > MOST_COLUMNS || (digits ?? 0) > MOST_COLUMNS
          ? null
          : converted(directive, args);
      failed ||= text === null;
      return text ?? '';
    },
  );
  return failed || format.replace(DIRECTIVE, '').includes('%') ? null : known;
}

function converted(directive: Directive, args: FormatArguments): string | null {
  const { conversion, length, precision } = directive;
  switch (conversion) {
    case '%':
      return '%';
    case 'c':
      return length === '' ? padded(directive, '', String.fromCharCode(Number(args.integer() & 0xffn))) : null;
    case 's': {
      if (length !== '') return null;
      const address = args.integer();
      const text = address === 0n ? '(null)' : latin1(args.text(address, precision));
      return padded(directive, '', precision === null ? text : text.slice(0, precision));
    }
    case 'p': {
      const address = args.integer();
      return padded(directive, '', address === 0n ? '(nil)' : args.pointer(address));
    }
    case 'd':
    case 'i':
    case 'u':
    case 'o':
    case 'x':
    case 'X': {
      const bits = BITS[length];
      return bits === undefined ? null : integer(directive, args.integer(), bits);
    }
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      return length === '' || length === 'l' ? double(directive, args.double()) : null;
    default:
      return null;
  }
}

function integer(directive: Directive, word: bigint, bits: number): string {
  const { conversion, flags, precision } = directive;
  const signed = conversion === 'd' || conversion === 'i';
  const value = signed ? BigInt.asIntN(bits, word) : BigInt.asUintN(bits, word);
  let digits = (value < 0n ? -value : value).toString(RADIX[conversion]);
  if (value === 0n && precision === 0) digits = '';
  digits = digits.padStart(precision ?? 0, '0');
  if (conversion === 'X') digits = digits.toUpperCase();
  let prefix = signed ? signOf(value < 0n, flags) : '';
  if (flags.includes('#')) {
    if (conversion === 'o' && !digits.startsWith('0')) digits = `0${digits}`;
    if (RADIX[conversion] === 16 && value !== 0n) prefix = `0${conversion}`;
  }
  return padded(directive, prefix, digits, precision === null);
}

const signOf = (negative: boolean, flags: string): string =>
  negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';

function padded({ flags, width }: Directive, prefix: string, body: string, zeros = false): string {
  const missing = Math.max(0, width - prefix.length - body.length);
  if (flags.includes('-')) return `${prefix}${body}${' '.repeat(missing)}`;
  if (zeros && flags.includes('0')) return `${prefix}${'0'.repeat(missing)}${body}`;
  return `${' '.repeat(missing)}${prefix}${body}`;
}

function double(directive: Directive, bits: bigint): string {
  const { conversion, flags, precision } = directive;
  const negative = bits >> 63n !== 0n;
  const biased = Number((bits >> BigInt(FRACTION_BITS)) & 0x7ffn);
  const fraction = bits & ((1n << BigInt(FRACTION_BITS)) - 1n);
  const sign = signOf(negative, flags);
  const cased = (text: string): string => (conversion === conversion.toUpperCase() ? text.toUpperCase() : text);
  if (biased === 0x7ff) return padded(directive, sign, cased(fraction === 0n ? 'inf' : 'nan'));
  const exact: Exact = {
    mantissa: biased === 0 ? fraction : fraction | (1n << BigInt(FRACTION_BITS)),
    exponent: Math.max(1, biased) - EXPONENT_BIAS - FRACTION_BITS,
  };
  const digits = precision ?? DEFAULT_PRECISION;
  const keepsPoint = flags.includes('#');
  const style = conversion.toLowerCase();
  const body =
    style === 'f'
      ? fixed(exact, digits, keepsPoint)
      : style === 'e'
        ? scientific(exact, digits, keepsPoint)
        : shortest(exact, digits, keepsPoint);
  return padded(directive, sign, cased(body), true);
}

/** mantissa · 2^exponent */
interface Exact {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** A number times a power of ten as an integer, halves to even. */
function scaled({ mantissa, exponent }: Exact, power: number): bigint {
  let above = mantissa;
  let below = 1n;
  if (power >= 0) above *= 10n ** BigInt(power);
  else below *= 10n ** BigInt(-power);
  if (exponent >= 0) above <<= BigInt(exponent);
  else below <<= BigInt(-exponent);
  const quotient = above / below;
  const twice = 2n * (above % below);
  return twice > below || (twice === below && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}

const withPoint = (whole: string, part: string, keepsPoint: boolean): string =>
  part === '' && !keepsPoint ? whole : `${whole}.${part}`;

function fixed(exact: Exact, precision: number, keepsPoint: boolean): string {
  const digits = scaled(exact, precision)
    .toString()
    .padStart(precision + 1, '0');
  const point = digits.length - precision;
  return withPoint(digits.slice(0, point), digits.slice(point), keepsPoint);
}

/** Digits with one before the point, and the power of ten of that one. */
function leading(exact: Exact, precision: number): { readonly digits: string; readonly power: number } {
  if (exact.mantissa === 0n) return { digits: '0'.repeat(precision + 1), power: 0 };
  let power = Math.floor((exact.mantissa.toString(2).length - 1 + exact.exponent) * Math.LOG10E * Math.LN2);
  for (;;) {
    const digits = scaled(exact, precision - power).toString();
    if (digits.length === precision + 1) return { digits, power };
    power += digits.length > precision + 1 ? 1 : -1;
  }
}

const powerText = (power: number): string => `e${power < 0 ? '-' : '+'}${Math.abs(power).toString().padStart(2, '0')}`;

function scientific(exact: Exact, precision: number, keepsPoint: boolean): string {
  const { digits, power } = leading(exact, precision);
  return withPoint(digits.slice(0, 1), digits.slice(1), keepsPoint) + powerText(power);
}

/** %g: as many digits as said, in the shorter of both forms, without zeros at the end. */
function shortest(exact: Exact, precision: number, keepsPoint: boolean): string {
  const wanted = Math.max(1, precision);
  const { digits, power } = leading(exact, wanted - 1);
  const trim = (part: string): string => (keepsPoint ? part : part.replace(/0+$/, ''));
  if (power < -4 || power >= wanted) {
    return withPoint(digits.slice(0, 1), trim(digits.slice(1)), keepsPoint) + powerText(power);
  }
  const text = power < 0 ? '0'.repeat(-power) + digits : digits;
  const point = Math.max(1, power + 1);
  return withPoint(text.slice(0, point), trim(text.slice(point)), keepsPoint);
}
