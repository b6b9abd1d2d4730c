import { expect, test } from 'vitest';
import { Random } from '../../../src/bits/random.ts';
import { ENGINE_NAMES } from '../../../src/exec/engine.ts';
import { enginesAgree } from '../../../src/fuzz/differences.ts';
import { CODE, DATA } from '../../../src/oracle/layout.ts';
import { Sandbox } from '../../../src/oracle/sandbox.ts';
import { AMX, configuration } from '../../support/tiles.ts';

const RDI = 7;
const RSI = 6;
const SEQUENCES = 150;
const random = new Random(3);
const sizes = [1, 4, 16];

/** Mostly tiles that fit each other; A of a product is 1, B is 2. */
function drawConfiguration(): Uint8Array {
  const [m, n, k] = [random.pick(sizes), random.pick(sizes), random.pick(sizes)];
  const image = configuration(
    { 0: [m, 4 * n], 1: [m, 4 * k], 2: [k, 4 * n], 3: [random.pick([7, 16]), 36] },
    random.below(8) ? 0 : 2,
  );
  if (random.below(16) === 0) image[random.below(64)]! ^= 1 << random.below(8);
  return image;
}

const products = [
  AMX.tdpbssd,
  AMX.tdpbsud,
  AMX.tdpbusd,
  AMX.tdpbuud,
  AMX.tdpbf16ps,
  AMX.tdpfp16ps,
  AMX.tcmmimfp16ps,
  AMX.tcmmrlfp16ps,
];
const move = (register: number, value: number): number[] => [
  0x48,
  0xc7,
  0xc0 | register,
  value & 255,
  (value >> 8) & 255,
  (value >> 16) & 255,
  value >>> 24,
];

function drawInsn(): readonly number[] {
  const n = random.below(4);
  const stride = random.pick([0, 8, 36, 64, 64, 64, 300]);
  // Seldom past the end of memory.
  const place = Number(DATA.base) + 0x100 + random.below(random.below(6) ? 0xd00 : 0x1f00);
  const at = [...move(RDI, place), ...move(RSI, stride)];
  switch (random.below(8)) {
    case 0:
      return [...at, ...AMX.tilestored(n, random.below(2))];
    case 1:
      return AMX.tilezero(n);
    case 2:
      return [...move(RDI, Number(DATA.base)), ...(random.below(12) ? [] : AMX.ldtilecfg)];
    case 3:
      return random.below(10) ? [...at, ...AMX.sttilecfg] : AMX.tilerelease;
    case 4:
    case 5:
      return [...at, ...random.pick([AMX.tileloadd, AMX.tileloaddt1])(n, random.below(2))];
    default:
      return random.pick(products)(0, 1, 2);
  }
}

test('engines agree on sequences of instructions on tiles, faults among them', () => {
  const sandboxes = ENGINE_NAMES.map((name) => new Sandbox(name, 1));
  const endings = new Map<string, number>();
  for (let n = 0; n < SEQUENCES; n++) {
    // A jump leads into code that is compiled at once.
    const code = [0xeb, 0, ...AMX.ldtilecfg];
    while (code.length < 200) code.push(...drawInsn());
    const gpr = Array.from({ length: 16 }, (_, i) => (i === RDI ? DATA.base : 0n));
    const memory = [
      { address: DATA.base + 0x40n, bytes: random.bytes(0x1fc0) },
      { address: DATA.base, bytes: drawConfiguration() },
    ];
    const c = { code: Uint8Array.from(code), gpr, memory };
    const ended = sandboxes.map((sandbox) => sandbox.run(c, 100));
    for (const i of [1, 2])
      expect(
        enginesAgree(sandboxes[0]!, ended[0]!, sandboxes[i]!, ended[i]!),
        `sequence ${n}: ${ENGINE_NAMES[i]}`,
      ).toBe(true);
    const kind = ended[0]!.kind === 'fault' ? `vector ${ended[0]!.fault.vector}` : ended[0]!.kind;
    endings.set(kind, (endings.get(kind) ?? 0) + 1);
  }
  expect(sandboxes[0]!.machine.cpu.rip).toBeGreaterThan(CODE.base);
  for (const kind of ['normal', 'vector 6', 'vector 13', 'vector 14'])
    expect(endings.get(kind), kind).toBeGreaterThan(0);
});
