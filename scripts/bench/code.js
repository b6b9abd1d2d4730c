import { closeSync, openSync, writeSync } from 'node:fs';
import { generator } from './inputs.js';

/**
 * A program with much code: functions that all differ, each called once a pass, in an order of their own, so that next to
 * nothing is executed twice. It computes with EAX, ECX, EDX, ESI and EDI and a table in memory, and prints a checksum.
 * `argv[1]` is the number of passes, one digit.
 *
 * The same walk over the seed writes the code and, in `checksum`, computes what it does.
 */

const BASE = 0x40_0000;
const ENTRY = 0x1000;
const TABLE = 0x1000_0000;
const TABLE_WORDS = 1024;
const TEXT = TABLE + TABLE_WORDS * 4;
const DATA_SIZE = 0x2000;
const HEADER = 64;
const PROGRAM_HEADER = 56;
const FUNCTION_OPS = 64;
/** A little more than any function takes. */
const FUNCTION_BYTES = FUNCTION_OPS * 8 + 1;

const EAX = 0;
/** Encodings of the registers that the functions use: EAX ECX EDX ESI EDI. RBX counts passes, RBP is the table. */
const REGISTERS = [0, 1, 2, 6, 7];
const KINDS = ['add', 'xor', 'imul', 'addReg', 'rol', 'lea', 'load', 'store', 'skip'];

/** The operations of one function, drawn from `next`; one `visit(kind, a, b, c, immediate)` each. */
function walkFunction(next, visit) {
  for (let i = 0; i < FUNCTION_OPS; i++) {
    const draw = next();
    // Nothing stands behind the last operation that could be skipped.
    const kind = KINDS[draw % (i === FUNCTION_OPS - 1 ? KINDS.length - 1 : KINDS.length)];
    const a = REGISTERS[(draw >>> 8) % REGISTERS.length];
    const b = REGISTERS[(draw >>> 12) % REGISTERS.length];
    const c = REGISTERS[(draw >>> 16) % REGISTERS.length];
    visit(kind, a, b, c, next());
  }
}

const tableAt = (immediate) => (immediate % TABLE_WORDS) * 4;
const rotation = (immediate) => 1 + (immediate % 31);

/** The functions' order of calls: a permutation of 0 … count − 1. */
function callOrder(count, seed) {
  const next = generator(seed ^ 0x5bd1e995);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = next() % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Machine code at the end of a growing buffer. */
class Code {
  constructor(size) {
    this.bytes = Buffer.alloc(size);
    this.at = 0;
  }
  u8(...bytes) {
    for (const byte of bytes) this.bytes[this.at++] = byte;
  }
  u32(value) {
    this.at = this.bytes.writeUInt32LE(value >>> 0, this.at);
  }
  op(kind, a, b, c, immediate) {
    switch (kind) {
      case 'add':
        this.u8(0x81, 0xc0 | a);
        return this.u32(immediate);
      case 'xor':
        this.u8(0x81, 0xf0 | a);
        return this.u32(immediate);
      case 'imul':
        this.u8(0x69, 0xc0 | (a << 3) | b);
        return this.u32(immediate | 1);
      case 'addReg':
        return this.u8(0x01, 0xc0 | (b << 3) | a);
      case 'rol':
        return this.u8(0xc1, 0xc0 | a, rotation(immediate));
      case 'lea': // a = b + c * 4 + disp32
        this.u8(0x8d, 0x84 | (a << 3), 0x80 | (c << 3) | b);
        return this.u32(immediate);
      case 'load':
        this.u8(0x8b, 0x85 | (a << 3));
        return this.u32(tableAt(immediate));
      case 'store':
        this.u8(0x89, 0x85 | (a << 3));
        return this.u32(tableAt(immediate));
      case 'skip': // test a, imm32; jnz over the next operation, whose length is filled in behind it
        this.u8(0xf7, 0xc0 | a);
        this.u32(1 << (immediate & 31));
        this.u8(0x75, 0);
    }
  }
}

/** Writes the functions; gives their offsets. */
function functions(code, count, next) {
  const starts = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    starts[i] = code.at;
    let jump = -1;
    walkFunction(next, (kind, a, b, c, immediate) => {
      const behindJump = jump;
      jump = -1;
      code.op(kind, a, b, c, immediate);
      if (behindJump >= 0) code.bytes[behindJump - 1] = code.at - behindJump;
      if (kind === 'skip') jump = code.at;
    });
    code.u8(0xc3);
  }
  return starts;
}

/** The program's beginning; the calls of a pass follow. Gives the offset of the loop. */
function prologue(code) {
  code.u8(0x48, 0x8b, 0x44, 0x24, 0x10); // mov rax, [rsp + 16]: argv[1]
  code.u8(0x0f, 0xb6, 0x18, 0x83, 0xeb, 0x30); // movzx ebx, byte [rax]; sub ebx, '0'
  code.u8(0xbd);
  code.u32(TABLE); // mov ebp, TABLE
  for (const register of REGISTERS) code.u8(0x31, 0xc0 | (register << 3) | register); // xor r, r
  return code.at;
}

/** The end of a pass, and of the program: the sum of the registers as eight digits and a line feed on descriptor 1. */
function epilogue(code, loop) {
  code.u8(0xff, 0xcb, 0x0f, 0x85); // dec ebx; jnz loop
  code.u32(loop - (code.at + 4));
  for (const register of REGISTERS.slice(1)) code.u8(0x01, 0xc0 | (register << 3)); // add eax, r
  code.u8(0xbe);
  code.u32(TEXT); // mov esi, TEXT
  code.u8(0xb9);
  code.u32(8); // mov ecx, 8
  const digit = code.at;
  code.u8(0xc1, 0xc0, 4, 0x89, 0xc2, 0x83, 0xe2, 15); // rol eax, 4; mov edx, eax; and edx, 15
  code.u8(0x80, 0xfa, 10, 0x72, 3, 0x80, 0xc2, 39); // cmp dl, 10; jb +3; add dl, 39: 'a' - '9' - 1
  code.u8(0x80, 0xc2, 48, 0x88, 0x16, 0x48, 0xff, 0xc6); // add dl, '0'; mov [rsi], dl; inc rsi
  code.u8(0xff, 0xc9, 0x75, digit - (code.at + 4)); // dec ecx; jnz digit
  code.u8(0xc6, 0x06, 10); // mov byte [rsi], '\n'
  code.u8(0xb8);
  code.u32(1); // mov eax, SYS_write
  code.u8(0xbf);
  code.u32(1); // mov edi, 1
  code.u8(0xbe);
  code.u32(TEXT); // mov esi, TEXT
  code.u8(0xba);
  code.u32(9); // mov edx, 9
  code.u8(0x0f, 0x05, 0xb8); // syscall
  code.u32(231); // mov eax, SYS_exit_group
  code.u8(0x31, 0xff, 0x0f, 0x05); // xor edi, edi; syscall
}

function headers(size, entry) {
  const bytes = Buffer.alloc(ENTRY);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUInt16LE(2, 16); // ET_EXEC
  bytes.writeUInt16LE(62, 18); // EM_X86_64
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(entry), 24);
  bytes.writeBigUInt64LE(BigInt(HEADER), 32);
  bytes.writeUInt16LE(HEADER, 52);
  bytes.writeUInt16LE(PROGRAM_HEADER, 54);
  bytes.writeUInt16LE(2, 56);
  const segment = (index, flags, offset, address, inFile, inMemory) => {
    const at = HEADER + index * PROGRAM_HEADER;
    bytes.writeUInt32LE(1, at); // PT_LOAD
    bytes.writeUInt32LE(flags, at + 4);
    [offset, address, address, inFile, inMemory, 0x1000].forEach((value, i) => {
      bytes.writeBigUInt64LE(BigInt(value), at + 8 + i * 8);
    });
  };
  segment(0, 5, 0, BASE, ENTRY + size, ENTRY + size); // R X
  segment(1, 6, 0, TABLE, 0, DATA_SIZE); // R W
  return bytes;
}

/** Writes a program with about `size` bytes of code. Returns the number of functions and of bytes. */
export function writeProgram(path, size, seed = 3) {
  const probe = new Code(1000 * FUNCTION_BYTES);
  functions(probe, 1000, generator(seed));
  const count = Math.round(size / (probe.at / 1000 + 5));
  const code = new Code(count * (FUNCTION_BYTES + 5) + 1024);
  const starts = functions(code, count, generator(seed));
  const entry = code.at;
  const loop = prologue(code);
  for (const index of callOrder(count, seed)) {
    code.u8(0xe8);
    code.u32(starts[index] - (code.at + 4));
  }
  epilogue(code, loop);
  const file = openSync(path, 'w', 0o755);
  writeSync(file, headers(code.at, BASE + ENTRY + entry));
  writeSync(file, code.bytes, 0, code.at);
  closeSync(file);
  return { functions: count, bytes: code.at };
}

/** What the program prints after so many passes. */
export function checksum(count, passes, seed = 3) {
  // The operations of each function, five words each: drawn in the order of the code, executed in the order of the calls.
  const WORDS = 5;
  const ops = new Uint32Array(count * FUNCTION_OPS * WORDS);
  const next = generator(seed);
  let at = 0;
  for (let i = 0; i < count; i++)
    walkFunction(next, (kind, ...rest) => {
      ops[at] = KINDS.indexOf(kind);
      ops.set(rest, at + 1);
      at += WORDS;
    });
  const order = callOrder(count, seed);
  const r = new Uint32Array(8);
  const memory = new Uint32Array(TABLE_WORDS);
  for (let pass = 0; pass < passes; pass++)
    for (const index of order)
      for (let op = index * FUNCTION_OPS * WORDS; op < (index + 1) * FUNCTION_OPS * WORDS; op += WORDS) {
        const [a, b, c, immediate] = [ops[op + 1], ops[op + 2], ops[op + 3], ops[op + 4]];
        switch (KINDS[ops[op]]) {
          case 'add':
            r[a] += immediate;
            break;
          case 'xor':
            r[a] ^= immediate;
            break;
          case 'imul':
            r[a] = Math.imul(r[b], immediate | 1);
            break;
          case 'addReg':
            r[a] += r[b];
            break;
          case 'rol': {
            const n = rotation(immediate);
            r[a] = (r[a] << n) | (r[a] >>> (32 - n));
            break;
          }
          case 'lea':
            r[a] = r[b] + r[c] * 4 + immediate;
            break;
          case 'load':
            r[a] = memory[immediate % TABLE_WORDS];
            break;
          case 'store':
            memory[immediate % TABLE_WORDS] = r[a];
            break;
          case 'skip':
            if (r[a] & (1 << (immediate & 31))) op += WORDS;
        }
      }
  let sum = r[EAX];
  for (const register of REGISTERS.slice(1)) sum += r[register];
  return `${(sum >>> 0).toString(16).padStart(8, '0')}\n`;
}
