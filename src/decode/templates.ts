import { Code, CodeExt, CpuidFeature, EncodingKind, Instruction, OpCodeOperandKind, OpCodeTableKind } from './iced.ts';

/** How one encoding is written, from the decoder's own tables: everything but the choice of operands. */
export interface Template {
  /** iced's `Code`, its name and the features it needs. */
  readonly code: number;
  readonly codeName: string;
  readonly features: readonly string[];
  readonly kind: 'legacy' | 'vex' | 'evex';
  /** Legacy: the mandatory prefix, or 0. VEX, EVEX: its number in the field pp. */
  readonly prefix: number;
  /** Legacy: escape bytes. */
  readonly escape: readonly number[];
  /** VEX, EVEX: number of the opcode map. */
  readonly map: number;
  /** One byte, or two where the second is what ModRM would be. */
  readonly opcode: readonly number[];
  readonly size66: boolean;
  readonly address67: boolean;
  readonly w: boolean;
  /** Length field of VEX and EVEX: 0, 1, 2. */
  readonly l: number;
  readonly modrm: 'none' | 'any' | 'register' | 'memory';
  /** Fixed fields of ModRM, or null. */
  readonly reg: number | null;
  readonly rm: number | null;
  /** The opcode's low three bits name a register. */
  readonly opcodeRegister: boolean;
  /** VEX.vvvv names a register; elsewhere it is 1111. */
  readonly vvvv: boolean;
  /** The memory operand's index is a vector register. */
  readonly vsib: boolean;
  /** Registers are tiles, of which there are 8. */
  readonly tiles: boolean;
  /** Bytes of a near branch's displacement, 0 for everything else. */
  readonly relative: 0 | 1 | 4;
  readonly lockable: boolean;
  readonly repeatable: boolean;
  /** It may only run at CPL 0. */
  readonly system: boolean;
}

const K = OpCodeOperandKind;
const ESCAPES = new Map<number, readonly number[]>([
  [OpCodeTableKind.Normal, []],
  [OpCodeTableKind.T0F, [0x0f]],
  [OpCodeTableKind.T0F38, [0x0f, 0x38]],
  [OpCodeTableKind.T0F3A, [0x0f, 0x3a]],
]);
const MAPS = new Map<number, number>([
  [OpCodeTableKind.Normal, 0],
  [OpCodeTableKind.T0F, 1],
  [OpCodeTableKind.T0F38, 2],
  [OpCodeTableKind.T0F3A, 3],
  [OpCodeTableKind.MAP5, 5],
  [OpCodeTableKind.MAP6, 6],
]);
const KINDS = new Map<number, Template['kind']>([
  [EncodingKind.Legacy, 'legacy'],
  [EncodingKind.VEX, 'vex'],
  [EncodingKind.EVEX, 'evex'],
]);
/** Mandatory prefixes by iced's numbering: none, NP, 66, F3, F2. */
const PREFIX_BYTES = [0, 0, 0x66, 0xf3, 0xf2] as const;
/** The same in the field pp. */
const PREFIX_FIELD = [0, 0, 1, 2, 3] as const;

const kindsNamed = (pattern: RegExp): ReadonlySet<number> =>
  new Set(
    Object.entries(K)
      .filter(([name, value]) => typeof value === 'number' && pattern.test(name))
      .map(([, value]) => value as number),
  );
const MEMORY_ONLY = kindsNamed(/^(mem(_mpx|_mib|_vsib.*)?|sibmem)$/);
const VSIB = kindsNamed(/^mem_vsib/);
const TILES = kindsNamed(/^tmm/);
const REGISTER_ONLY = kindsNamed(/^(r16_reg_mem|r32_reg_mem|r64_reg_mem)$|_rm$/);
const EITHER = kindsNamed(/_or_mem(_mpx)?$/);
const REG_FIELD = kindsNamed(/_reg(_mem)?$/);
const VVVV = kindsNamed(/_vvvv$/);
const OPCODE_REGISTER = kindsNamed(/_opcode$/);
/** Far branches with an immediate, and what only other modes have. */
const FOREIGN = kindsNamed(/^(farbr|br16|br32|xbegin|brdisp|bnd|tr_reg|mem_offs$)/);

function template(code: number, scratch: Instruction): Template | null {
  const info = CodeExt.opCode(code);
  try {
    const kind = KINDS.get(info.encoding);
    if (!info.mode64 || !info.isInstruction || info.fwait || kind === undefined || !info.intelDecoder64) return null;
    const operands = Array.from({ length: info.opCount }, (_, n) => info.opKind(n) as number);
    if (operands.some((op) => FOREIGN.has(op) && op !== K.mem_offs)) return null;
    const escapes = ESCAPES.get(info.table);
    const map = MAPS.get(info.table);
    if (map === undefined || (kind === 'legacy' && escapes === undefined)) return null;
    const has = (set: ReadonlySet<number>): boolean => operands.some((op) => set.has(op));
    const group = info.isGroup ? info.groupIndex : null;
    const rmGroup = info.isRmGroup ? info.rmGroupIndex : null;
    const field = has(REG_FIELD) || group !== null;
    const modrm = has(MEMORY_ONLY)
      ? 'memory'
      : has(EITHER)
        ? 'any'
        : has(REGISTER_ONLY) || (field && !has(OPCODE_REGISTER)) || rmGroup !== null
          ? 'register'
          : 'none';
    const opcode =
      info.opCodeLength === 2 ? [info.opCode >> 8, info.opCode & 0xff] : ([info.opCode] as readonly number[]);
    scratch.code = code;
    const defaults64 = info.defaultOpSize64 || info.forceOpSize64 || info.intelForceOpSize64;
    return {
      code,
      codeName: Code[code] as string,
      features: [...scratch.cpuidFeatures()].map((feature) => CpuidFeature[feature] as string),
      kind,
      prefix: (kind === 'legacy' ? PREFIX_BYTES : PREFIX_FIELD)[info.mandatoryPrefix]!,
      escape: escapes ?? [],
      map,
      opcode,
      size66: kind === 'legacy' && info.operandSize === 16,
      address67: info.addressSize === 32,
      w: kind === 'legacy' ? info.operandSize === 64 && !defaults64 : info.W === 1,
      l: info.L,
      modrm,
      reg: group,
      rm: rmGroup,
      opcodeRegister: has(OPCODE_REGISTER),
      vvvv: has(VVVV),
      vsib: has(VSIB),
      tiles: has(TILES),
      relative: operands.includes(K.br64_4) ? 4 : operands.includes(K.br64_1) ? 1 : 0,
      lockable: info.canUseLockPrefix,
      repeatable: info.canUseRepPrefix || info.canUseRepnePrefix,
      system: info.mustBeCpl0,
    };
  } finally {
    info.free();
  }
}

let templates: readonly Template[] | undefined;

/** Every encoding of 64-bit mode in the legacy, VEX and EVEX spaces, in iced's order. */
export function allTemplates(): readonly Template[] {
  if (templates === undefined) {
    const scratch = new Instruction();
    const codes = Object.values(Code).filter((code): code is number => typeof code === 'number');
    templates = codes.map((code) => template(code, scratch)).filter((t) => t !== null);
    scratch.free();
  }
  return templates;
}
