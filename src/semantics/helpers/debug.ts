import * as L from '../../state/layout.ts';
import { VECTOR } from '../../state/pending.ts';
import { FLAG } from '../../state/rflags.ts';
import { defineHelper, type HelperContext } from './helper.ts';
import { privileged } from './system.ts';

const { DB, GP, UD } = VECTOR;

/** Bits of DR6 and DR7 that exist, and those that read as ones whatever is written (SDM 3B 18.2). */
const DR6_BITS = 0xffff_efffn;
const DR6_ONES = 0xffff_0ff0n;
const DR6_BD = 1n << 13n;
const DR7_BITS = 0xffff_2fffn;
const DR7_ONES = 0x400n;
/** L0 … G3. */
const DR7_ENABLED = 0xffn;
/** The next access to a debug register is #DB. */
const DR7_GD = 1n << 13n;
const CR4_DE = 1n << 3n;
const DR6 = L.DR + 48;
const DR7 = L.DR + 56;

/** Where the debug register stands that number `n` names; null with an exception pending (SDM 2B MOV to debug registers). */
function debugRegister(c: HelperContext, n: number): number | null {
  const { cpu } = c;
  const alias = n === 4 || n === 5;
  if (alias && cpu.u64(L.CR4) & CR4_DE) {
    c.fault(UD, null);
    return null;
  }
  if (privileged(c)) return null;
  if (!(cpu.u64(DR7) & DR7_GD)) return L.DR + 8 * (alias ? n + 2 : n);
  cpu.setU64(DR6, cpu.u64(DR6) | DR6_BD);
  // A fault, unlike other debug exceptions: it is pushed with RF.
  cpu.rflags |= FLAG.RF;
  c.fault(DB, null);
  return null;
}

defineHelper({
  name: 'readDebug',
  doc: 'MOV from a debug register; #UD for DR4 and DR5 with CR4.DE, #GP(0) outside CPL 0, #DB with DR7.GD',
  args: [32],
  result: 64,
  run: (c, n) => {
    const at = debugRegister(c, Number(n));
    return at === null ? 0n : c.cpu.u64(at);
  },
});

defineHelper({
  name: 'writeDebug',
  doc: 'MOV to a debug register; #GP(0) for the upper halves of DR6 and DR7. The last argument is where the instruction ends',
  args: [32, 64, 64],
  result: 0,
  run: (c, n, value, next) => {
    const { cpu } = c;
    const at = debugRegister(c, Number(n));
    if (at === null) return;
    if (at >= DR6 && value! >> 32n) return c.fault(GP, 0);
    const before = cpu.u64(DR7);
    cpu.setU64(at, at === DR7 ? (value! & DR7_BITS) | DR7_ONES : at === DR6 ? (value! & DR6_BITS) | DR6_ONES : value!);
    // Whoever runs the engine looks for breakpoints between instructions from now on.
    if ((before | cpu.u64(DR7)) & DR7_ENABLED) c.retire(next!);
  },
});
