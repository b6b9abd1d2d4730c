import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FLAG } from '../../src/state/rflags.ts';
import { ENGINES, type Engine, run } from './on-engine.ts';

const table = (name: string): string[] =>
  readFileSync(new URL(name, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

const MXCSR = 0x1f80;
const FTZ = 0x8000;
const DAZ = 0x40;
const COMPARED = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;

const view = new DataView(new ArrayBuffer(8));
function double(x: number): bigint {
  view.setFloat64(0, x);
  return view.getBigUint64(0);
}
function float(x: number): bigint {
  view.setFloat32(0, x);
  return BigInt(view.getUint32(0));
}
const hex = (value: bigint | number, digits: number): string => value.toString(16).padStart(digits, '0');
const QNAN = 0x7fc0_0000n;
const SNAN = 0x7f80_0001n;

/** A scalar SSE operation on XMM0 and XMM1: the low bits of the result, and the exceptions in hexadecimal. */
function scalar(
  engine: Engine,
  bytes: string,
  a: bigint,
  b = 0n,
  mxcsr = MXCSR,
): { result: bigint; ex: number; rax: bigint; flags: number } {
  const { cpu } = run(engine, bytes, { xmm: [a, b], mxcsr, rflags: 0x202 });
  return { result: cpu.xmm(0), ex: cpu.mxcsr & 0x3f, rax: cpu.gpr(0), flags: cpu.rflags & COMPARED };
}

const CONVERTED: Readonly<Record<string, number>> = {
  '1e10': 1e10,
  '-1e10': -1e10,
  '2^31-0.5': 2 ** 31 - 0.5,
  '-2^31-0.5': -(2 ** 31) - 0.5,
  '-2^31-1': -(2 ** 31) - 1,
  nan: Number.NaN,
  '1e20': 1e20,
  '0.5': 0.5,
  '1.5': 1.5,
  '2.5': 2.5,
  '-0.5': -0.5,
  '2^63': 2 ** 63,
  inf: Number.POSITIVE_INFINITY,
};

function conversion(engine: Engine, name: string): string {
  const x = double(CONVERTED[name]!);
  const one = (what: string, bytes: string, digits: number): string => {
    const { rax, ex } = scalar(engine, bytes, x);
    return `${what} ${hex(rax, digits)} ex${hex(ex, 1)}`;
  };
  const narrow = [one('si32', 'f2 0f 2d c0', 8), one('tsi32', 'f2 0f 2c c0', 8)];
  const wide = [one('si64', 'f2 48 0f 2d c0', 16), one('tsi64', 'f2 48 0f 2c c0', 16)];
  return `cvt ${name.padEnd(9)} -> ${narrow.join('  ')}  ${wide.join(' ')}`;
}

const UCOMISS = '0f 2e c1';
const COMISS = '0f 2f c1';
const NUMBERS: Readonly<Record<string, bigint>> = { nan: QNAN, '0': 0n, '-0': float(-0), '1': float(1), '2': float(2) };

function comparison(engine: Engine, a: string, b: string): string {
  const { flags } = scalar(engine, UCOMISS, NUMBERS[a]!, NUMBERS[b]!);
  return `ucomiss ${a},${b}: flags ${hex(flags, 3)} (CF1 PF4 AF10 ZF40 SF80 OF800)`;
}

const FNINIT = 'db e3';
const FNSTSW = 'dd 7e 20';
const STORED = 0x20;
const FLD1 = 'd9 e8';
const FSTP_TBYTE = 'db 3e';

/** x87 code behind FNINIT with a number at RSI: the status word behind it, and ten bytes that it has stored there. */
function x87(
  engine: Engine,
  bytes: string,
  number = 0,
): { sw: string; stored: Uint8Array; cpu: ReturnType<typeof run>['cpu'] } {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setFloat64(0, number, true);
  const { memory, cpu } = run(engine, `${FNINIT} ${bytes} ${FNSTSW}`, { data });
  return { sw: hex(memory[STORED]! | (memory[STORED + 1]! << 8), 4), stored: memory.slice(0, 10), cpu };
}
const backwards = (bytes: Uint8Array, n: number): string => Buffer.from(bytes.slice(0, n).reverse()).toString('hex');

/** The lines of `fp_cvt_x87.txt` from the comparisons on, as this engine has them. */
function others(engine: Engine): string[] {
  const ex = (bytes: string, a: bigint): string => hex(scalar(engine, bytes, a, NUMBERS['1']).ex, 1);
  const cvt = scalar(engine, 'f3 0f 5a c0', SNAN);
  const ftz = scalar(engine, 'f3 0f 59 c1', 0x0080_0000n, float(0.5), MXCSR | FTZ);
  const daz = scalar(engine, 'f3 0f 59 c1', 1n, float(1), MXCSR | DAZ);
  const low = (bytes: string, x: number): string => hex(BigInt.asUintN(32, scalar(engine, bytes, float(x)).result), 8);
  const single = (value: bigint): string => hex(BigInt.asUintN(32, value), 8);
  const third = x87(engine, `${FLD1} ${FLD1} ${FLD1} ${FLD1} de c1 de c1 de f9 ${FSTP_TBYTE}`);
  const overflow = x87(engine, Array<string>(9).fill(FLD1).join(' '));
  const spilled = x87(engine, `${Array<string>(9).fill(FLD1).join(' ')} ${FSTP_TBYTE}`);
  const fistp32 = x87(engine, 'dd 06 db 1e', 1e10);
  const fistp16 = x87(engine, 'dd 06 df 1e', 40000);
  const fcomi = x87(engine, `d9 ee ${FLD1} db f1`);
  return [
    ...(['1,2', '2,1', '1,1', 'nan,1', '0,-0'] as const).map((pair) =>
      comparison(engine, ...(pair.split(',') as [string, string])),
    ),
    `ucomiss(qNaN) ex=${ex(UCOMISS, QNAN)} comiss(qNaN) ex=${ex(COMISS, QNAN)} ucomiss(sNaN) ex=${ex(UCOMISS, SNAN)}`,
    `cvtss2sd(sNaN)=${hex(BigInt.asUintN(64, cvt.result), 16)} ex=${hex(cvt.ex, 1)}`,
    `FTZ: ${single(ftz.result)} ex=${hex(ftz.ex, 1)} DAZ denorm*1: ${single(daz.result)} ex=${hex(daz.ex, 1)}`,
    `rcpss(3)=${low('f3 0f 53 c0', 3)} rsqrtss(3)=${low('f3 0f 52 c0', 3)} rcpss(1)=${low('f3 0f 53 c0', 1)}`,
    `${backwards(third.stored, 10)} = 1/3 x87`,
    `fstp empty: sw=${x87(engine, 'dd d8').sw}`,
    `fld overflow: sw=${overflow.sw}`,
    `${backwards(spilled.stored, 10)} = default NaN on stack overflow`,
    `fistp32 1e10=${backwards(fistp32.stored, 4)} sw=${fistp32.sw}`,
    `fistp16 40000=${backwards(fistp16.stored, 2)} sw=${fistp16.sw}`,
    `fninit cw=${hex(x87(engine, '').cpu.x87.controlWord, 4)}`,
    `fcomi 1 vs 0 flags=${hex(fcomi.cpu.rflags & COMPARED, 1)}`,
    `fxam 0 sw=${x87(engine, 'd9 ee d9 e5').sw} fxam empty sw=${x87(engine, 'd9 e5').sw}`,
  ];
}

const OPCODES: Readonly<Record<string, string>> = {
  add: '58',
  mul: '59',
  sub: '5c',
  min: '5d',
  div: '5e',
  max: '5f',
  sqrt: '51',
};

/** A line of `fp_special.txt`, computed. */
function special(engine: Engine, line: string): string {
  const [, what, predicate, dst, src] = /^(\w+)ss( \$\d,)? +dst=(\w+) src=(\w+)/.exec(line)!;
  const opcode = what === 'cmp' ? 'c2' : OPCODES[what!]!;
  const imm = predicate === undefined ? '' : ` 0${predicate[2]}`;
  const { result, ex } = scalar(engine, `f3 0f ${opcode} c1${imm}`, BigInt(`0x${dst}`), BigInt(`0x${src}`));
  return `${line.split(' -> ')[0]} -> ${hex(BigInt.asUintN(32, result), 8)}  flags(PE,UE,OE,ZE,DE,IE)=${hex(ex, 2)}`;
}

describe.each(ENGINES)('%s', (engine) => {
  const lines = table('fp_cvt_x87.txt');
  const conversions = lines.filter((line) => line.startsWith('cvt '));
  test.each(conversions)('%s', (line) => expect(conversion(engine, line.split(' ')[1]!)).toBe(line));
  const rest = lines.slice(conversions.length);
  test.each(rest.map((line, i) => [line, i] as const))('%s', (line, i) => expect(others(engine)[i]).toBe(line));
  test.each(table('fp_special.txt'))('%s', (line) => expect(special(engine, line)).toBe(line));
});
