import { F32, F64, F80, type FloatFormat } from '../../../../src/bits/softfloat.ts';
import * as A from '../../../../src/semantics/helpers/x87-arith.ts';
import { SW, type X87 } from '../../../../src/semantics/helpers/x87-core.ts';
import * as I from '../../../../src/semantics/helpers/x87-image.ts';
import * as T from '../../../../src/semantics/helpers/x87-transfer.ts';

/** What an instruction sees besides the x87: memory at [rdi], and RFLAGS and AX. */
export interface Surroundings {
  readonly memory: Uint8Array;
  rflags: bigint;
  rax: bigint;
}

export interface Instruction {
  readonly name: string;
  readonly code: readonly number[];
  /** What lies at [rdi] beforehand. */
  readonly source?: FloatFormat | 16 | 32 | 64 | 'bcd' | 'cw' | 'environment';
  /** It does not wait for pending exceptions, so that they may be there. */
  readonly noWait?: true;
  /** Bits of the status word in which AMD's processors leave what the manual says that they change. */
  readonly ignoredStatus?: number;
  readonly model: (x: X87, s: Surroundings) => void;
}

const load = (s: Surroundings, width: number): bigint => {
  let bits = 0n;
  for (let n = width / 8 - 1; n >= 0; n--) bits = (bits << 8n) | BigInt(s.memory[n]!);
  return bits;
};
const save =
  (s: Surroundings, width: number): T.Write =>
  (bits) => {
    for (let n = 0; n < width / 8; n++) s.memory[n] = Number((bits >> BigInt(8 * n)) & 0xffn);
    return true;
  };
const flags = (s: Surroundings, value: number): void => {
  s.rflags = (s.rflags & ~0x8d5n) | BigInt(value);
};

/** ModRM with [rdi] and the opcode extension. */
const at = (reg: number): number => (reg << 3) | 7;

const GROUP: readonly [A.X87Operation, number][] = [
  ['add', 0],
  ['mul', 1],
  ['sub', 4],
  ['subr', 5],
  ['div', 6],
  ['divr', 7],
];
/** In the forms that write ST(i) the reversed opcodes are exchanged. */
const EXCHANGED = { add: 0, mul: 1, subr: 4, sub: 5, divr: 6, div: 7 } as const;

const arithmetic: Instruction[] = GROUP.flatMap(([op, ext]) => [
  { name: `f${op} st0,st1`, code: [0xd8, 0xc1 + 8 * ext], model: (x) => A.arithmetic(x, op, 0, 1) },
  { name: `f${op} st3,st0`, code: [0xdc, 0xc3 + 8 * EXCHANGED[op]], model: (x) => A.arithmetic(x, op, 3, 0) },
  { name: `f${op}p st1,st0`, code: [0xde, 0xc1 + 8 * EXCHANGED[op]], model: (x) => A.arithmetic(x, op, 1, 0, true) },
  ...(
    [
      [0xd8, F32],
      [0xdc, F64],
      [0xde, 16],
      [0xda, 32],
    ] as const
  ).map(
    ([opcode, kind]): Instruction => ({
      name: `f${op} ${typeof kind === 'number' ? `m${kind}int` : kind.name}`,
      code: [opcode, at(ext)],
      source: kind,
      model: (x, s) => A.arithmeticMemory(x, op, kind, load(s, typeof kind === 'number' ? kind : kind.width)),
    }),
  ),
]);

const compareMemory = (pop: boolean): Instruction[] =>
  (
    [
      [0xd8, F32],
      [0xdc, F64],
      [0xde, 16],
      [0xda, 32],
    ] as const
  ).map(([opcode, kind]) => ({
    name: `fcom${pop ? 'p' : ''} ${typeof kind === 'number' ? `m${kind}int` : kind.name}`,
    code: [opcode, at(pop ? 3 : 2)],
    source: kind,
    model: (x, s) => A.fcomMemory(x, kind, load(s, typeof kind === 'number' ? kind : kind.width), pop),
  }));

const compare: Instruction[] = [
  { name: 'fcom st1', code: [0xd8, 0xd1], model: (x) => A.fcom(x, 1, true) },
  { name: 'fcomp st2', code: [0xd8, 0xda], model: (x) => A.fcom(x, 2, true, 1) },
  { name: 'fcompp', code: [0xde, 0xd9], model: (x) => A.fcom(x, 1, true, 2) },
  { name: 'fucom st1', code: [0xdd, 0xe1], model: (x) => A.fcom(x, 1, false) },
  { name: 'fucomp st1', code: [0xdd, 0xe9], model: (x) => A.fcom(x, 1, false, 1) },
  { name: 'fucompp', code: [0xda, 0xe9], model: (x) => A.fcom(x, 1, false, 2) },
  { name: 'fcomi st1', ignoredStatus: SW.C1, code: [0xdb, 0xf1], model: (x, s) => flags(s, A.fcomi(x, 1, true)) },
  {
    name: 'fcomip st1',
    ignoredStatus: SW.C1,
    code: [0xdf, 0xf1],
    model: (x, s) => flags(s, A.fcomi(x, 1, true, true)),
  },
  { name: 'fucomi st1', ignoredStatus: SW.C1, code: [0xdb, 0xe9], model: (x, s) => flags(s, A.fcomi(x, 1, false)) },
  {
    name: 'fucomip st1',
    ignoredStatus: SW.C1,
    code: [0xdf, 0xe9],
    model: (x, s) => flags(s, A.fcomi(x, 1, false, true)),
  },
  ...compareMemory(false),
  ...compareMemory(true),
  { name: 'ftst', code: [0xd9, 0xe4], model: A.ftst },
  { name: 'fxam', code: [0xd9, 0xe5], model: A.fxam },
];

const unary: Instruction[] = [
  { name: 'fchs', code: [0xd9, 0xe0], model: A.fchs },
  { name: 'fabs', code: [0xd9, 0xe1], model: A.fabs },
  { name: 'fsqrt', code: [0xd9, 0xfa], model: A.fsqrt },
  { name: 'frndint', code: [0xd9, 0xfc], model: A.frndint },
  { name: 'fscale', code: [0xd9, 0xfd], model: A.fscale },
  { name: 'fprem', code: [0xd9, 0xf8], model: (x) => A.fprem(x, false) },
  { name: 'fprem1', code: [0xd9, 0xf5], model: (x) => A.fprem(x, true) },
  { name: 'fxtract', code: [0xd9, 0xf4], model: A.fxtract },
];

const constants: Instruction[] = (['fld1', 'fldl2t', 'fldl2e', 'fldpi', 'fldlg2', 'fldln2', 'fldz'] as const).map(
  (name, i) => ({ name, code: [0xd9, 0xe8 + i], model: (x) => T.loadConstant(x, name) }),
);

const transfer: Instruction[] = [
  ...(
    [
      [0xd9, 0, F32],
      [0xdd, 0, F64],
      [0xdb, 5, F80],
    ] as const
  ).map(
    ([opcode, ext, fmt]): Instruction => ({
      name: `fld ${fmt.name}`,
      code: [opcode, at(ext)],
      source: fmt,
      model: (x, s) => T.fld(x, fmt, load(s, fmt.width)),
    }),
  ),
  ...(
    [
      [0xdf, 0, 16],
      [0xdb, 0, 32],
      [0xdf, 5, 64],
    ] as const
  ).map(
    ([opcode, ext, width]): Instruction => ({
      name: `fild m${width}`,
      code: [opcode, at(ext)],
      source: width,
      model: (x, s) => T.fild(x, width, load(s, width)),
    }),
  ),
  { name: 'fbld', code: [0xdf, at(4)], source: 'bcd', model: (x, s) => T.fbld(x, load(s, 80)) },
  { name: 'fld st0', code: [0xd9, 0xc0], model: (x) => T.fldRegister(x, 0) },
  { name: 'fld st2', code: [0xd9, 0xc2], model: (x) => T.fldRegister(x, 2) },
  { name: 'fst f32', code: [0xd9, at(2)], model: (x, s) => T.fst(x, F32, false, save(s, 32)) },
  { name: 'fstp f32', code: [0xd9, at(3)], model: (x, s) => T.fst(x, F32, true, save(s, 32)) },
  { name: 'fst f64', code: [0xdd, at(2)], model: (x, s) => T.fst(x, F64, false, save(s, 64)) },
  { name: 'fstp f64', code: [0xdd, at(3)], model: (x, s) => T.fst(x, F64, true, save(s, 64)) },
  { name: 'fstp f80', code: [0xdb, at(7)], model: (x, s) => T.fst(x, F80, true, save(s, 80)) },
  { name: 'fist m16', code: [0xdf, at(2)], model: (x, s) => T.fist(x, 16, false, false, save(s, 16)) },
  { name: 'fistp m16', code: [0xdf, at(3)], model: (x, s) => T.fist(x, 16, false, true, save(s, 16)) },
  { name: 'fist m32', code: [0xdb, at(2)], model: (x, s) => T.fist(x, 32, false, false, save(s, 32)) },
  { name: 'fistp m32', code: [0xdb, at(3)], model: (x, s) => T.fist(x, 32, false, true, save(s, 32)) },
  { name: 'fistp m64', code: [0xdf, at(7)], model: (x, s) => T.fist(x, 64, false, true, save(s, 64)) },
  { name: 'fisttp m16', code: [0xdf, at(1)], model: (x, s) => T.fist(x, 16, true, true, save(s, 16)) },
  { name: 'fisttp m32', code: [0xdb, at(1)], model: (x, s) => T.fist(x, 32, true, true, save(s, 32)) },
  { name: 'fisttp m64', code: [0xdd, at(1)], model: (x, s) => T.fist(x, 64, true, true, save(s, 64)) },
  { name: 'fbstp', code: [0xdf, at(6)], model: (x, s) => T.fbstp(x, save(s, 80)) },
  { name: 'fst st2', code: [0xdd, 0xd2], model: (x) => T.fstRegister(x, 2, false) },
  { name: 'fstp st0', code: [0xdd, 0xd8], model: (x) => T.fstRegister(x, 0, true) },
  { name: 'fstp st1', code: [0xdd, 0xd9], model: (x) => T.fstRegister(x, 1, true) },
  { name: 'fxch st1', code: [0xd9, 0xc9], model: (x) => T.fxch(x, 1) },
  { name: 'fxch st0', code: [0xd9, 0xc8], model: (x) => T.fxch(x, 0) },
  { name: 'fcmovb st1', code: [0xda, 0xc1], model: (x, s) => T.fcmov(x, 1, (s.rflags & 1n) !== 0n) },
  { name: 'fcmovne st1', code: [0xdb, 0xc9], model: (x, s) => T.fcmov(x, 1, (s.rflags & 0x40n) === 0n) },
  { name: 'ffree st1', code: [0xdd, 0xc1], model: (x) => T.ffree(x, 1) },
  { name: 'ffreep st1', code: [0xdf, 0xc1], model: (x) => T.ffree(x, 1, true) },
  { name: 'fincstp', code: [0xd9, 0xf7], model: (x) => T.rotate(x, 1) },
  { name: 'fdecstp', code: [0xd9, 0xf6], model: (x) => T.rotate(x, -1) },
  { name: 'fnop', code: [0xd9, 0xd0], model: () => {} },
];

const put = (s: Surroundings, image: Uint8Array): void => s.memory.set(image);

const control: Instruction[] = [
  { name: 'fninit', code: [0xdb, 0xe3], noWait: true, model: (x) => x.init() },
  { name: 'fnclex', code: [0xdb, 0xe2], noWait: true, model: (x) => x.clearExceptions() },
  {
    name: 'fldcw',
    code: [0xd9, at(5)],
    source: 'cw',
    model: (x, s) => {
      x.controlWord = Number(load(s, 16));
    },
  },
  { name: 'fnstcw', code: [0xd9, at(7)], noWait: true, model: (x, s) => save(s, 16)(BigInt(x.controlWord)) },
  { name: 'fnstsw', code: [0xdd, at(7)], noWait: true, model: (x, s) => save(s, 16)(BigInt(x.statusWord)) },
  {
    name: 'fnstsw ax',
    code: [0xdf, 0xe0],
    noWait: true,
    model: (x, s) => {
      s.rax = (s.rax & ~0xffffn) | BigInt(x.statusWord);
    },
  },
  ...([32, 16] as const).flatMap((size): Instruction[] => {
    const prefix = size === 16 ? [0x66] : [];
    return [
      {
        name: `fnstenv ${size}`,
        code: [...prefix, 0xd9, at(6)],
        noWait: true,
        model: (x, s) => {
          put(s, I.environmentImage(x, size));
          I.maskAll(x);
        },
      },
      {
        name: `fldenv ${size}`,
        code: [...prefix, 0xd9, at(4)],
        source: 'environment',
        model: (x, s) => I.loadEnvironment(x, s.memory, size),
      },
      {
        name: `fnsave ${size}`,
        code: [...prefix, 0xdd, at(6)],
        noWait: true,
        model: (x, s) => {
          put(s, I.saveImage(x, size));
          x.init();
        },
      },
      {
        name: `frstor ${size}`,
        code: [...prefix, 0xdd, at(4)],
        source: 'environment',
        model: (x, s) => I.restoreImage(x, s.memory, size),
      },
    ];
  }),
  // A second FXSAVE image does not fit into 128 bytes of memory: FXRSTOR and FXSAVE frame every case anyway.
  { name: 'emms', code: [0x0f, 0x77], model: (x) => x.emptyMmx() },
  {
    name: 'movd mm0,mm0',
    code: [0x0f, 0x6f, 0xc0],
    model: (x) => {
      x.enterMmx();
      x.write(0, x.readPhysical(0) | (0xffffn << 64n));
    },
  },
];

export const INSTRUCTIONS: readonly Instruction[] = [
  ...arithmetic,
  ...compare,
  ...unary,
  ...constants,
  ...transfer,
  ...control,
];
