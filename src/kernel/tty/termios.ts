/** Terminal attributes (include/uapi/asm-generic/termbits.h). */

export const IFLAG = { ISTRIP: 0o40, INLCR: 0o100, IGNCR: 0o200, ICRNL: 0o400, IXON: 0o2000, IXANY: 0o4000 } as const;
export const OFLAG = { OPOST: 1, ONLCR: 4, OCRNL: 8, ONLRET: 0o40 } as const;
export const LFLAG = {
  ISIG: 1,
  ICANON: 2,
  ECHO: 0o10,
  ECHOE: 0o20,
  ECHOK: 0o40,
  ECHONL: 0o100,
  NOFLSH: 0o200,
  TOSTOP: 0o400,
  ECHOCTL: 0o1000,
  ECHOKE: 0o4000,
  IEXTEN: 0o100000,
} as const;
/** Indices of the control characters. */
export const V = {
  INTR: 0,
  QUIT: 1,
  ERASE: 2,
  KILL: 3,
  EOF: 4,
  TIME: 5,
  MIN: 6,
  START: 8,
  STOP: 9,
  SUSP: 10,
  EOL: 11,
  REPRINT: 12,
  WERASE: 14,
  LNEXT: 15,
  EOL2: 16,
} as const;

/** Control characters of the kernel's structure, and its size; TCGETS2 has two speeds more. */
const CONTROLS = 19;
export const TERMIOS_BYTES = 36;
export const TERMIOS2_BYTES = 44;
const SPEED = 38_400;
/** B38400 | CS8 | CREAD. */
const CFLAG = 0xbf;
const CBAUD = 0x100f;
// biome-ignore format: a table
const DEFAULT_CONTROLS = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0];

/** What tcsetattr(3) sets. Starts as a new pseudoterminal's (Linux: tty_std_termios). */
export class Termios {
  input: number = IFLAG.ICRNL | IFLAG.IXON;
  output: number = OFLAG.OPOST | OFLAG.ONLCR;
  control = CFLAG;
  local: number =
    LFLAG.ISIG | LFLAG.ICANON | LFLAG.ECHO | LFLAG.ECHOE | LFLAG.ECHOK | LFLAG.ECHOCTL | LFLAG.ECHOKE | LFLAG.IEXTEN;
  discipline = 0;
  readonly characters = Uint8Array.from(DEFAULT_CONTROLS);

  /** The bytes of TCGETS, or of TCGETS2. */
  bytes(size: number): Uint8Array {
    const bytes = new Uint8Array(TERMIOS2_BYTES);
    const view = new DataView(bytes.buffer);
    for (const [i, word] of [this.input, this.output, this.control, this.local].entries())
      view.setUint32(4 * i, word, true);
    bytes[16] = this.discipline;
    bytes.set(this.characters, 17);
    view.setUint32(36, SPEED, true);
    view.setUint32(40, SPEED, true);
    return bytes.subarray(0, size);
  }

  set(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.input = view.getUint32(0, true);
    this.output = view.getUint32(4, true);
    // A pseudoterminal has eight bits and a receiver (pty_set_termios).
    this.control = (view.getUint32(8, true) & ~0o460) | 0o260 | (CFLAG & CBAUD);
    this.local = view.getUint32(12, true);
    this.discipline = bytes[16]!;
    this.characters.set(bytes.subarray(17, 17 + CONTROLS));
  }

  /** Whether `byte` is the control character at `index`; 0 turns one off. */
  is(byte: number, index: number): boolean {
    const character = this.characters[index]!;
    return character !== 0 && byte === character;
  }
}
