/** What an oops tells that no register holds: who ran, on what kernel and machine. Every part may be left out. */
export interface OopsInfo {
  readonly cpu?: number;
  readonly pid?: number;
  readonly comm?: string;
  /** `Not tainted`, `Tainted: G W`. */
  readonly taint?: string;
  /** `6.6.0-rc6`: from 6.9 on the headline says «Oops: » in front. */
  readonly release?: string;
  /** Number of the build, behind `#`. */
  readonly build?: string;
  readonly hardware?: string;
  /** What the kernel was configured with: `PREEMPT SMP PTI`. */
  readonly flags?: string;
  /** How many there have been, with this one. */
  readonly count?: number;
  readonly modules?: string;
  /** Time stamps of the lines, as many as there are; the last one holds for the rest. */
  readonly times?: readonly string[];
  /** Addresses of names, or `ADDRESS/SIZE`; a name without a size covers what follows it, up to the next one. */
  readonly symbols?: Readonly<Record<string, string>>;
  /** Values to be shown in place of the machine's, by register: `cr3` of a kernel that ran in more memory. */
  readonly registers?: Readonly<Record<string, string>>;
  /** Where the backtrace begins; RSP unless given. The exception handler's own frames lie below RSP. */
  readonly traceFrom?: string;
  /** Stack slots that hold return addresses for certain (an unwinder's work); what else is found gets a `?`. */
  readonly frames?: readonly string[];
  /** The kernel panics with this: `Fatal exception`. */
  readonly panic?: string;
  /** How far the kernel was moved (KASLR). */
  readonly kernelOffset?: string;
  /** The form of the first exceptions of a boot: `PANIC: early exception`. */
  readonly early?: boolean;
}

const KINDS: Readonly<Record<keyof OopsInfo, 'number' | 'string' | 'boolean' | 'strings' | 'map'>> = {
  cpu: 'number',
  pid: 'number',
  comm: 'string',
  taint: 'string',
  release: 'string',
  build: 'string',
  hardware: 'string',
  flags: 'string',
  count: 'number',
  modules: 'string',
  times: 'strings',
  symbols: 'map',
  registers: 'map',
  traceFrom: 'string',
  frames: 'strings',
  panic: 'string',
  kernelOffset: 'string',
  early: 'boolean',
};

const NUMBERS = new Set<string>(['traceFrom', 'kernelOffset']);
const isNumber = (value: unknown): boolean => typeof value === 'string' && /^0x[0-9a-f]{1,16}$/i.test(value);
const isExtent = (value: unknown): boolean => typeof value === 'string' && value.split('/').every(isNumber);
const isText = (value: unknown): boolean => typeof value === 'string';

function fits(name: string, kind: string, value: unknown): boolean {
  switch (kind) {
    case 'strings':
      return Array.isArray(value) && value.every(name === 'frames' ? isNumber : isText);
    case 'map':
      return (
        typeof value === 'object' &&
        value !== null &&
        !Array.isArray(value) &&
        Object.values(value).every(name === 'symbols' ? isExtent : isNumber)
      );
    default:
      return value?.constructor.name.toLowerCase() === kind && (!NUMBERS.has(name) || isNumber(value));
  }
}

/** Checks what a file says. @throws RangeError naming the bad part */
export function oopsInfo(value: unknown): OopsInfo {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RangeError('it is no object');
  for (const [name, part] of Object.entries(value)) {
    const kind = KINDS[name as keyof OopsInfo];
    if (kind === undefined) throw new RangeError(`there is no '${name}'; there are ${Object.keys(KINDS).join(', ')}`);
    if (!fits(name, kind, part)) throw new RangeError(`'${name}' has a wrong form`);
  }
  return value as OopsInfo;
}
