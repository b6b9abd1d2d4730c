// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../../support/check.ts';

/** 1, 3, −1, 2 and 3, ½, ∞, −1. */
const P = 0x4000_0000_bf80_0000_4040_0000_3f80_0000n;
const Q = 0xbf80_0000_7f80_0000_3f00_0000_4040_0000n;
/** 1, −2.5 and 3, 0.1. */
const D = 0xc004_0000_0000_0000_3ff0_0000_0000_0000n;
const E = 0x3fb9_9999_9999_999a_4008_0000_0000_0000n;

// even lanes subtract, odd ones add; sums and differences of neighbours
check('f2 0f d0 c1', 'addsubps xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0x3f80_0000_ff80_0000_4060_0000_c000_0000n }]);
check('66 0f d0 03', 'addsubpd xmm0,[rbx]', [{ xmm0: D, rbx: data(0x200), 'm128[0x200]': E }, { xmm0: 0xc003_3333_3333_3333_c000_0000_0000_0000n, mxcsr: 0x1fa0 }]);
check('f2 0f 7c c1', 'haddps xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0x7f80_0000_4060_0000_3f80_0000_4080_0000n }]);
check('66 0f 7c c1', 'haddpd xmm0,xmm1', [{ xmm0: D, xmm1: E }, { xmm0: 0x4008_cccc_cccc_cccd_bff8_0000_0000_0000n, mxcsr: 0x1fa0 }]);
check('f2 0f 7d c1', 'hsubps xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0x7f80_0000_4020_0000_c040_0000_c000_0000n }]);
check('66 0f 7d c1', 'hsubpd xmm0,xmm1', [{ xmm0: D, xmm1: E }, { xmm0: 0x4007_3333_3333_3333_400c_0000_0000_0000n, mxcsr: 0x1fa0 }]);
check('f2 0f 7c 03', 'haddps xmm0,[rbx]', [{ rbx: data(0x204) }, { fault: '#GP(0)' }]);
check('f2 0f 7d c1', 'hsubps xmm0,xmm1', [{ xmm0: 0x7f80_0000_7f80_0000n, xmm1: 0n, mxcsr: 0x1f00 }, { fault: '#XM', mxcsr: 0x1f01 }]);
// duplicates
check('f3 0f 12 c1', 'movsldup xmm0,xmm1', [{ xmm1: P }, { xmm0: 0xbf80_0000_bf80_0000_3f80_0000_3f80_0000n }]);
check('f3 0f 16 03', 'movshdup xmm0,[rbx]', [{ rbx: data(0x210), 'm128[0x210]': P }, { xmm0: 0x4000_0000_4000_0000_4040_0000_4040_0000n }]);
check('f2 0f 12 c1', 'movddup xmm0,xmm1', [{ xmm1: D }, { xmm0: 0x3ff0_0000_0000_0000_3ff0_0000_0000_0000n }]);
check('f2 0f 12 03', 'movddup xmm0,[rbx]', [{ rbx: data(0x203), 'm64[0x203]': 0x4008_0000_0000_0000n }, { xmm0: 0x4008_0000_0000_0000_4008_0000_0000_0000n }]);
check('f3 0f 12 03', 'movsldup xmm0,[rbx]', [{ rbx: data(0x208) }, { fault: '#GP(0)' }]);
check('f2 0f f0 03', 'lddqu xmm0,[rbx]', [{ rbx: data(0x203), 'm128[0x203]': P }, { xmm0: 0x4000_0000_bf80_0000_4040_0000_3f80_0000n }]);
// x87: toward zero whatever RC says, and pop
check('df 0b', 'fisttp word ptr [rbx],st', [{ rbx: data(0x203), st0: 0x4000_e000_0000_0000_0000n, fcw: 0xb7f }, { fsw: 0x820, ftw: 0x0, st0: 0n, st7: 0x4000_e000_0000_0000_0000n, 'm8[0x203]': 0x3n }]);
check('db 0b', 'fisttp dword ptr [rbx],st', [{ rbx: data(0x203), st0: 0xc000_e000_0000_0000_0000n }, { fsw: 0x820, ftw: 0x0, st0: 0n, st7: 0xc000_e000_0000_0000_0000n, 'm32[0x203]': 0xffff_fffdn }]);
check('dd 0b', 'fisttp qword ptr [rbx],st', [{ rbx: data(0x203), st0: 0x403e_8000_0000_0000_0000n }, { fsw: 0x801, ftw: 0x0, st0: 0n, st7: 0x403e_8000_0000_0000_0000n, 'm8[0x20a]': 0x80n }]);
check('dd 0b', 'fisttp qword ptr [rbx],st', [{ rbx: data(0x203) }, { fsw: 0x841, 'm8[0x20a]': 0x80n }]);

everyMnemonicOf('sse/sse3');
