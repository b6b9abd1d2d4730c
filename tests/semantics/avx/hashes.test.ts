import { createCipheriv, createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decode } from '../../../src/decode/decode.ts';
import { ENGINE_NAMES } from '../../../src/exec/engine.ts';
import { Sandbox } from '../../../src/oracle/sandbox.ts';

/** Hashes and ciphers made of one instruction a step, against the same by the library of Node. */

const NONE = 0;
const P66 = 1;
const F3 = 2;
const F2 = 3;
const VEX = {
  vsha512rnds2: [2, F2, 0xcb, 256],
  vsha512msg1: [2, F2, 0xcc, 256],
  vsha512msg2: [2, F2, 0xcd, 256],
  vsm3msg1: [2, NONE, 0xda, 128],
  vsm3msg2: [2, P66, 0xda, 128],
  vsm3rnds2: [3, P66, 0xde, 128],
  vsm4key4: [2, F3, 0xda, 128],
  vsm4rnds4: [2, F2, 0xda, 128],
} as const;
type Name = keyof typeof VEX;

/** Words joined, lowest first; and taken apart. */
const joined = (words: readonly bigint[], w: number): bigint =>
  words.reduce((all, word, i) => all | (word << BigInt(w * i)), 0n);
const split = (v: bigint, w: number, n: number): bigint[] =>
  Array.from({ length: n }, (_, i) => BigInt.asUintN(w, v >> BigInt(w * i)));
const low = (v: bigint): bigint => BigInt.asUintN(128, v);

/** Words of `bytes` bytes, big-endian. */
const wordsOf = (block: Buffer, bytes: 4 | 8): bigint[] =>
  Array.from({ length: block.length / bytes }, (_, i) =>
    bytes === 4 ? BigInt(block.readUInt32BE(4 * i)) : block.readBigUInt64BE(8 * i),
  );

/** A message of these bits' blocks with its padding (FIPS 180-4 5.1, GB/T 32905 5.2). */
function padded(message: Buffer, block: 64 | 128): Buffer[] {
  const length = block === 64 ? 8 : 16;
  const zeros = (2 * block - ((message.length + 1 + length) % block)) % block;
  const end = Buffer.alloc(1 + zeros + length);
  end[0] = 0x80;
  end.writeBigUInt64BE(BigInt(message.length) * 8n, end.length - 8);
  const all = Buffer.concat([message, end]);
  return Array.from({ length: all.length / block }, (_, i) => all.subarray(i * block, (i + 1) * block));
}

/** The first 64 bits of the fractional parts of roots of the first primes (FIPS 180-4 4.2.3, 5.3.5). */
function fractions(count: number, degree: 2n | 3n): bigint[] {
  const primes: bigint[] = [];
  for (let n = 2n; primes.length < count; n++) if (primes.every((p) => n % p !== 0n)) primes.push(n);
  return primes.map((p) => {
    const scaled = p << (64n * degree);
    let [from, to] = [0n, 1n << 70n];
    while (to - from > 1n) {
      const middle = (from + to) >> 1n;
      if (middle ** degree <= scaled) from = middle;
      else to = middle;
    }
    return BigInt.asUintN(64, from);
  });
}

describe.each(ENGINE_NAMES)('%s', (engine) => {
  const sandbox = new Sandbox(engine, 1);
  /** `name ymm0, ymm1, ymm2` on these values. */
  function op(name: Name, d: bigint, a: bigint, b = 0n, imm?: number): bigint {
    const [map, pp, opcode, width] = VEX[name];
    const two = name === 'vsha512msg1' || name === 'vsha512msg2';
    const code = [0xc4, 0xe0 | map, (two ? 0x78 : 0x70) | (width === 256 ? 4 : 0) | pp, opcode, two ? 0xc1 : 0xc2];
    const bytes = Uint8Array.from(imm === undefined ? code : [...code, imm]);
    const insn = decode(Uint8Array.from([...bytes, ...new Uint8Array(8)]));
    expect(typeof insn === 'string' ? insn : insn.mnemonic).toBe(name);
    const values = [d, a, b];
    const c = {
      code: bytes,
      gpr: new Array<bigint>(16).fill(0n),
      xmm: values.map(low),
      ymmHigh: values.map((v) => v >> 128n),
    };
    expect(sandbox.run(c, 10).kind).toBe('normal');
    return sandbox.machine.cpu.xmm(0) | (sandbox.machine.cpu.ymmHigh(0) << 128n);
  }

  function sha512(message: Buffer): string {
    const k = fractions(80, 3n);
    let state = fractions(8, 2n);
    for (const block of padded(message, 128)) {
      const w = wordsOf(block, 8);
      while (w.length < 80) {
        const at = w.length - 16;
        const first = split(op('vsha512msg1', joined(w.slice(at, at + 4), 64), w[at + 4]!), 64, 4);
        const sums = first.map((word, i) => BigInt.asUintN(64, word + w[at + 9 + i]!));
        w.push(...split(op('vsha512msg2', joined(sums, 64), joined(w.slice(at + 12, at + 16), 64)), 64, 4));
      }
      const [a, b, c, d, e, f, g, h] = state as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
      let [abef, cdgh] = [joined([f, e, b, a], 64), joined([h, g, d, c], 64)];
      for (let i = 0; i < 80; i += 2) {
        const wk = joined(
          [w[i]! + k[i]!, w[i + 1]! + k[i + 1]!].map((v) => BigInt.asUintN(64, v)),
          64,
        );
        [abef, cdgh] = [op('vsha512rnds2', cdgh, abef, wk), abef];
      }
      const [f1, e1, b1, a1] = split(abef, 64, 4);
      const [h1, g1, d1, c1] = split(cdgh, 64, 4);
      state = [a1, b1, c1, d1, e1, f1, g1, h1].map((v, i) => BigInt.asUintN(64, v! + state[i]!));
    }
    return state.map((word) => word.toString(16).padStart(16, '0')).join('');
  }

  function sm3(message: Buffer): string {
    const back = (v: bigint, by: bigint): bigint => BigInt.asUintN(32, (v << (32n - by)) | (v >> by));
    let state = [
      0x7380166fn,
      0x4914b2b9n,
      0x172442d7n,
      0xda8a0600n,
      0xa96f30bcn,
      0x163138aan,
      0xe38dee4dn,
      0xb0fb0e4en,
    ];
    for (const block of padded(message, 64)) {
      const w = wordsOf(block, 4);
      const four = (at: number): bigint => joined(w.slice(at, at + 4), 32);
      while (w.length < 68) {
        const at = w.length - 16;
        const first = op('vsm3msg1', four(at + 7), four(at + 13), four(at));
        w.push(...split(op('vsm3msg2', first, four(at + 3), four(at + 10)), 32, 4));
      }
      const [a, b, c, d, e, f, g, h] = state as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
      let abef = joined([f, e, b, a], 32);
      let cdgh = joined([back(h, 19n), back(g, 19n), back(d, 9n), back(c, 9n)], 32);
      for (let i = 0; i < 64; i += 2) {
        const words = joined([w[i]!, w[i + 1]!, w[i + 4]!, w[i + 5]!], 32);
        [abef, cdgh] = [op('vsm3rnds2', cdgh, abef, words, i), abef];
      }
      const [f1, e1, b1, a1] = split(abef, 32, 4) as [bigint, bigint, bigint, bigint];
      const [h1, g1, d1, c1] = split(cdgh, 32, 4) as [bigint, bigint, bigint, bigint];
      const turned = [a1, b1, back(c1, 23n), back(d1, 23n), e1, f1, back(g1, 13n), back(h1, 13n)];
      state = turned.map((v, i) => v ^ state[i]!);
    }
    return state.map((word) => word.toString(16).padStart(8, '0')).join('');
  }

  function sm4(key: Buffer, block: Buffer): string {
    const system = [0xa3b1bac6n, 0x56aa3350n, 0x677d9197n, 0xb27022dcn];
    const constant = (n: number): bigint =>
      BigInt([0, 1, 2, 3].reduce((word, j) => (word << 8) | (((4 * n + j) * 7) & 0xff), 0) >>> 0);
    let keys = joined(
      wordsOf(key, 4).map((word, i) => word ^ system[i]!),
      32,
    );
    let state = joined(wordsOf(block, 4), 32);
    for (let i = 0; i < 32; i += 4) {
      keys = op('vsm4key4', 0n, keys, joined([i, i + 1, i + 2, i + 3].map(constant), 32));
      state = op('vsm4rnds4', 0n, state, keys);
    }
    return split(state, 32, 4)
      .reverse()
      .map((word) => word.toString(16).padStart(8, '0'))
      .join('');
  }

  const messages = ['', 'abc', 'The quick brown fox jumps over the lazy dog. '.repeat(4)];
  test.each(messages)('SHA-512 of «%s»', (text) => {
    expect(sha512(Buffer.from(text))).toBe(createHash('sha512').update(text).digest('hex'));
  });
  test.each(messages)('SM3 of «%s»', (text) => {
    expect(sm3(Buffer.from(text))).toBe(createHash('sm3').update(text).digest('hex'));
  });
  test('SM4', () => {
    const key = Buffer.from('0123456789abcdeffedcba9876543210', 'hex');
    for (const block of [key, Buffer.from('00112233445566778899aabbccddeeff', 'hex')]) {
      const cipher = createCipheriv('sm4-ecb', key, null).setAutoPadding(false);
      expect(sm4(key, block)).toBe(cipher.update(block).toString('hex'));
    }
  });
});
