import type { EngineName } from '../../src/exec/engine.ts';
import { DATA } from '../../src/oracle/layout.ts';
import { Sandbox } from '../../src/oracle/sandbox.ts';
import { tileAt } from '../../src/state/layout.ts';
import { VECTOR } from '../../src/state/pending.ts';

/** Rows and bytes of a row, by tile. */
export type Shapes = Readonly<Record<number, readonly [rows: number, bytes: number]>>;

/** The 64 bytes that LDTILECFG reads for tiles of these shapes. */
export function configuration(shapes: Shapes, startRow = 0, palette = 1): Uint8Array {
  const image = new Uint8Array(64);
  image[0] = palette;
  image[1] = startRow;
  for (const [n, [rows, bytes]] of Object.entries(shapes)) {
    new DataView(image.buffer).setUint16(16 + 2 * Number(n), bytes, true);
    image[48 + Number(n)] = rows;
  }
  return image;
}

/** VEX.0F38.W0 with opcode and ModRM; the second of three tiles stands in vvvv. */
const vex = (pp: number, opcode: number, modrm: number, vvvv = 0): number[] => [
  0xc4,
  0xe2,
  ((15 - vvvv) << 3) | pp,
  opcode,
  modrm,
];
/** Where it is stored to be looked at. */
const CONFIGURATION = DATA.base + 0x1e00n;
const RDI = 7;
const RSI = 6;
const SIB = 4;
/** Memory by RDI; rows by RDI with a stride in RSI, scaled by 2 to the power of `scale`. */
const byRdi = (pp: number, opcode: number): number[] => vex(pp, opcode, RDI);
const rows = (pp: number, opcode: number, n: number, scale: number): number[] => [
  ...vex(pp, opcode, (n << 3) | SIB),
  (scale << 6) | (RSI << 3) | RDI,
];
const product =
  (pp: number, opcode: number) =>
  (c: number, a: number, b: number): number[] =>
    vex(pp, opcode, 0xc0 | (c << 3) | a, b);

/** Instructions of AMX as bytes. */
export const AMX = {
  ldtilecfg: byRdi(0, 0x49),
  sttilecfg: byRdi(1, 0x49),
  tilerelease: vex(0, 0x49, 0xc0),
  tilezero: (n: number): number[] => vex(3, 0x49, 0xc0 | (n << 3)),
  tileloadd: (n: number, scale = 0): number[] => rows(3, 0x4b, n, scale),
  tileloaddt1: (n: number, scale = 0): number[] => rows(1, 0x4b, n, scale),
  tilestored: (n: number, scale = 0): number[] => rows(2, 0x4b, n, scale),
  tdpbssd: product(3, 0x5e),
  tdpbsud: product(2, 0x5e),
  tdpbusd: product(1, 0x5e),
  tdpbuud: product(0, 0x5e),
  tdpbf16ps: product(2, 0x5c),
  tdpfp16ps: product(3, 0x5c),
  tcmmimfp16ps: product(1, 0x6c),
  tcmmrlfp16ps: product(0, 0x6c),
} as const;

/** A machine that runs instructions on tiles one after the other; what they leave stays. */
export class TileBench {
  readonly sandbox: Sandbox;

  constructor(engine: EngineName) {
    this.sandbox = new Sandbox(engine, 1);
    this.reset();
  }

  get cpu() {
    return this.sandbox.machine.cpu;
  }

  /** No tiles, no memory. */
  reset(): void {
    this.sandbox.place({ code: new Uint8Array(), gpr: new Array<bigint>(16).fill(0n) });
  }

  /** Runs code with RDI and RSI; '' or what ended it: «#UD», «#PF 10002000 w». */
  run(code: readonly number[], rdi: bigint = DATA.base, rsi = 64n): string {
    const { cpu, machine } = { cpu: this.cpu, machine: this.sandbox.machine };
    const at = 0x3000_0000n;
    const bytes = Uint8Array.from([...code, 0xcc]);
    machine.memory.write(this.sandbox.physical(at), bytes);
    cpu.setGpr(RDI, rdi);
    cpu.setGpr(RSI, rsi);
    cpu.rip = at;
    const exit = machine.run(1 + code.length);
    if (exit.kind !== 'fault') return exit.kind;
    const { vector, errorCode, cr2 } = exit.fault;
    if (vector === VECTOR.BP) return '';
    if (cpu.rip !== at && code.length < 12) return `at ${cpu.rip.toString(16)}`;
    const name = Object.entries(VECTOR).find(([, n]) => n === vector)![0];
    return cr2 === null ? `#${name}` : `#${name} ${cr2.toString(16)}${errorCode! & 2 ? ' w' : ''}`;
  }

  /** Puts bytes into memory. */
  put(bytes: Uint8Array, address: bigint = DATA.base): void {
    const { memory } = this.sandbox.machine;
    memory.write(this.sandbox.physical(address), bytes);
  }
  bytes(length: number, address: bigint = DATA.base): Uint8Array {
    return this.sandbox.machine.memory.bytes(this.sandbox.physical(address), length).slice();
  }

  configure(shapes: Shapes, startRow = 0): string {
    this.put(configuration(shapes, startRow));
    return this.run(AMX.ldtilecfg);
  }

  /** TILECFG as STTILECFG stores it. */
  configured(): Uint8Array {
    const ended = this.run(AMX.sttilecfg, CONFIGURATION);
    if (ended !== '') throw new Error(ended);
    return this.bytes(64, CONFIGURATION);
  }

  /** The 1,024 bytes of a tile. */
  tile(n: number): Uint8Array {
    return this.cpu.u8.subarray(tileAt(n), tileAt(n + 1));
  }
}
