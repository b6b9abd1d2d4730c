// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf, open } from '../../support/check.ts';

/** 1, 3, −1, 2 and 3, ½, ∞, −1. */
const P = 0x4000_0000_bf80_0000_4040_0000_3f80_0000n;
const Q = 0xbf80_0000_7f80_0000_3f00_0000_4040_0000n;
/** 1, −2.5 and 3, 0.1. */
const D = 0xc004_0000_0000_0000_3ff0_0000_0000_0000n;
const E = 0x3fb9_9999_9999_999a_4008_0000_0000_0000n;
/** 1, 2, a quiet NaN, 3 and 1, 3, 1, 2. */
const N = 0x4040_0000_7fc0_1234_4000_0000_3f80_0000n;
const M = 0x4000_0000_3f80_0000_4040_0000_3f80_0000n;
const TABLE = open('another table');

// packed, scalar (the rest of the register stays), single, double
check('0f 58 c1', 'addps xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0x3f80_0000_7f80_0000_4060_0000_4080_0000n }]);
check('f3 0f 58 c1', 'addss xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0x4000_0000_bf80_0000_4040_0000_4080_0000n }]);
check('66 0f 58 c1', 'addpd xmm0,xmm1', [{ xmm0: D, xmm1: E }, { xmm0: 0xc003_3333_3333_3333_4010_0000_0000_0000n, mxcsr: 0x1fa0 }]);
check('f2 0f 58 03', 'addsd xmm0,[rbx]', [{ xmm0: D, rbx: data(0x201), 'm64[0x201]': 0x3fb9_9999_9999_999an }, { xmm0: 0xc004_0000_0000_0000_3ff1_9999_9999_999an, mxcsr: 0x1fa0 }]);
check('0f 5c c1', 'subps xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0x4040_0000_ff80_0000_4020_0000_c000_0000n }]);
check('f3 0f 5c c1', 'subss xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0x4000_0000_bf80_0000_4040_0000_c000_0000n }]);
check('66 0f 5c c1', 'subpd xmm0,xmm1', [{ xmm0: D, xmm1: E }, { xmm0: 0xc004_cccc_cccc_cccd_c000_0000_0000_0000n, mxcsr: 0x1fa0 }]);
check('f2 0f 5c 03', 'subsd xmm0,[rbx]', [{ xmm0: D, rbx: data(0x201), 'm64[0x201]': 0x3fb9_9999_9999_999an }, { xmm0: 0xc004_0000_0000_0000_3fec_cccc_cccc_cccdn, mxcsr: 0x1fa0 }]);
check('0f 59 c1', 'mulps xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0xc000_0000_ff80_0000_3fc0_0000_4040_0000n }]);
check('f3 0f 59 c1', 'mulss xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0x4000_0000_bf80_0000_4040_0000_4040_0000n }]);
check('66 0f 59 c1', 'mulpd xmm0,xmm1', [{ xmm0: D, xmm1: E }, { xmm0: 0xbfd0_0000_0000_0000_4008_0000_0000_0000n, mxcsr: 0x1fa0 }]);
check('f2 0f 59 03', 'mulsd xmm0,[rbx]', [{ xmm0: D, rbx: data(0x201), 'm64[0x201]': 0x3fb9_9999_9999_999an }, { xmm0: 0xc004_0000_0000_0000_3fb9_9999_9999_999an }]);
check('0f 5e c1', 'divps xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0xc000_0000_8000_0000_40c0_0000_3eaa_aaabn, mxcsr: 0x1fa0 }]);
check('f3 0f 5e c1', 'divss xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0x4000_0000_bf80_0000_4040_0000_3eaa_aaabn, mxcsr: 0x1fa0 }]);
check('66 0f 5e c1', 'divpd xmm0,xmm1', [{ xmm0: D, xmm1: E }, { xmm0: 0xc039_0000_0000_0000_3fd5_5555_5555_5555n, mxcsr: 0x1fa0 }]);
check('f2 0f 5e 03', 'divsd xmm0,[rbx]', [{ xmm0: D, rbx: data(0x201), 'm64[0x201]': 0x3fb9_9999_9999_999an }, { xmm0: 0xc004_0000_0000_0000_4024_0000_0000_0000n, mxcsr: 0x1fa0 }]);
check('0f 5d c1', 'minps xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0xbf80_0000_bf80_0000_3f00_0000_3f80_0000n }]);
check('f3 0f 5d c1', 'minss xmm0,xmm1', [{ xmm0: P, xmm1: Q }, {}]);
check('66 0f 5d c1', 'minpd xmm0,xmm1', [{ xmm0: D, xmm1: E }, {}]);
check('f2 0f 5d 03', 'minsd xmm0,[rbx]', [{ xmm0: D, rbx: data(0x201), 'm64[0x201]': 0x3fb9_9999_9999_999an }, { xmm0: 0xc004_0000_0000_0000_3fb9_9999_9999_999an }]);
check('0f 5f c1', 'maxps xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0x4000_0000_7f80_0000_4040_0000_4040_0000n }]);
check('f3 0f 5f c1', 'maxss xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0x4000_0000_bf80_0000_4040_0000_4040_0000n }]);
check('66 0f 5f c1', 'maxpd xmm0,xmm1', [{ xmm0: D, xmm1: E }, { xmm0: E }]);
check('f2 0f 5f 03', 'maxsd xmm0,[rbx]', [{ xmm0: D, rbx: data(0x201), 'm64[0x201]': 0x3fb9_9999_9999_999an }, {}]);
check('0f 51 c1', 'sqrtps xmm0,xmm1', [{ xmm0: P, xmm1: 0x3f80_0000_7f80_0000_4040_0000_4000_0000n }, { xmm0: 0x3f80_0000_7f80_0000_3fdd_b3d7_3fb5_04f3n, mxcsr: 0x1fa0 }]);
check('f3 0f 51 c1', 'sqrtss xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0x4000_0000_bf80_0000_4040_0000_3fdd_b3d7n, mxcsr: 0x1fa0 }]);
check('66 0f 51 c1', 'sqrtpd xmm0,xmm1', [{ xmm0: D, xmm1: E }, { xmm0: 0x3fd4_3d13_6248_490f_3ffb_b67a_e858_4caan, mxcsr: 0x1fa0 }]);
check('f2 0f 51 03', 'sqrtsd xmm0,[rbx]', [{ xmm0: D, rbx: data(0x201), 'm64[0x201]': 0x3fb9_9999_9999_999an }, { xmm0: 0xc004_0000_0000_0000_3fd4_3d13_6248_490fn, mxcsr: 0x1fa0 }]);
check('0f 58 03', 'addps xmm0,[rbx]', [{ rbx: data(0x204) }, { fault: '#GP(0)' }]);

// approximations: twelve bits from a table
check('f3 0f 53 c1', 'rcpss xmm0,xmm1', [{ xmm0: P, xmm1: 0x4040_0000n }, { xmm0: 0x4000_0000_bf80_0000_4040_0000_3eaa_a000n }], TABLE);
check('0f 53 c1', 'rcpps xmm0,xmm1', [{ xmm1: 0x7f80_0000_4040_0000_3f80_0000n }, { xmm0: 0x7f80_0000_0000_0000_3eaa_a000_3f7f_f000n }], TABLE);
check('f3 0f 52 c1', 'rsqrtss xmm0,xmm1', [{ xmm0: P, xmm1: 0x4040_0000n }, { xmm0: 0x4000_0000_bf80_0000_4040_0000_3f13_c800n }], TABLE);
check('0f 52 c1', 'rsqrtps xmm0,xmm1', [{ xmm1: 0xbf80_0000_4040_0000_3f80_0000n }, { xmm0: 0x7f80_0000_ffc0_0000_3f13_c800_3f7f_f000n }], TABLE);

// comparisons: eight predicates; 1, 2, 5 and 6 signal a quiet NaN
check('0f c2 c1 00', 'cmpeqps xmm0,xmm1', [{ xmm0: N, xmm1: M }, { xmm0: 0xffff_ffffn }]);
check('0f c2 c1 01', 'cmpltps xmm0,xmm1', [{ xmm0: N, xmm1: M }, { xmm0: 0xffff_ffff_0000_0000n, mxcsr: 0x1f81 }]);
check('0f c2 c1 02', 'cmpleps xmm0,xmm1', [{ xmm0: N, xmm1: M }, { xmm0: 0xffff_ffff_ffff_ffffn, mxcsr: 0x1f81 }]);
check('0f c2 c1 03', 'cmpunordps xmm0,xmm1', [{ xmm0: N, xmm1: M }, { xmm0: 0xffff_ffff_0000_0000_0000_0000n }]);
check('0f c2 c1 04', 'cmpneqps xmm0,xmm1', [{ xmm0: N, xmm1: M }, { xmm0: 0xffff_ffff_ffff_ffff_ffff_ffff_0000_0000n }]);
check('0f c2 c1 05', 'cmpnltps xmm0,xmm1', [{ xmm0: N, xmm1: M }, { xmm0: 0xffff_ffff_ffff_ffff_0000_0000_ffff_ffffn, mxcsr: 0x1f81 }]);
check('0f c2 c1 06', 'cmpnleps xmm0,xmm1', [{ xmm0: N, xmm1: M }, { xmm0: 0xffff_ffff_ffff_ffff_0000_0000_0000_0000n, mxcsr: 0x1f81 }]);
check('0f c2 c1 07', 'cmpordps xmm0,xmm1', [{ xmm0: N, xmm1: M }, { xmm0: 0xffff_ffff_0000_0000_ffff_ffff_ffff_ffffn }]);
check('f3 0f c2 c1 02', 'cmpless xmm0,xmm1', [{ xmm0: P, xmm1: Q }, { xmm0: 0x4000_0000_bf80_0000_4040_0000_ffff_ffffn }]);
check('66 0f c2 c1 01', 'cmpltpd xmm0,xmm1', [{ xmm0: D, xmm1: E }, { xmm0: 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffffn }]);
check('f2 0f c2 03 04', 'cmpneqsd xmm0,[rbx]', [{ xmm0: D, rbx: data(0x203), 'm64[0x203]': 0x3ff0_0000_0000_0000n }, { xmm0: 0xc004_0000_0000_0000_0000_0000_0000_0000n }]);

// flags: unordered ZF PF CF, below CF, equal ZF
check('0f 2e c1', 'ucomiss xmm0,xmm1', [{ xmm0: 0x3f80_0000n, xmm1: 0x4000_0000n }, { flags: 'c' }]);
check('0f 2e c1', 'ucomiss xmm0,xmm1', [{ xmm0: 0x4000_0000n, xmm1: 0x3f80_0000n }, { flags: '' }]);
check('0f 2e c1', 'ucomiss xmm0,xmm1', [{ xmm0: 0x3f80_0000n, xmm1: 0x3f80_0000n }, { flags: 'z' }]);
check('0f 2e c1', 'ucomiss xmm0,xmm1', [{ xmm0: 0x7fc0_1234n, xmm1: 0x3f80_0000n }, { flags: 'zpc' }]);
check('0f 2e c1', 'ucomiss xmm0,xmm1', [{ xmm0: 0x7f80_5678n, xmm1: 0x3f80_0000n }, { mxcsr: 0x1f81, flags: 'zpc' }]);
check('0f 2e c1', 'ucomiss xmm0,xmm1', [{ xmm0: 0n, xmm1: 0x8000_0000n }, { flags: 'z' }]);
check('0f 2f c1', 'comiss xmm0,xmm1', [{ xmm0: 0x7fc0_1234n, xmm1: 0x3f80_0000n }, { mxcsr: 0x1f81, flags: 'zpc' }]);
check('66 0f 2e c1', 'ucomisd xmm0,xmm1', [{ xmm0: 0x3ff0_0000_0000_0000n, xmm1: 0x7ff8_0000_0000_0001n }, { flags: 'zpc' }]);
check('66 0f 2f 03', 'comisd xmm0,[rbx]', [{ xmm0: 0x3ff0_0000_0000_0000n, rbx: data(0x203), 'm64[0x203]': 0xbff0_0000_0000_0000n }, { flags: '' }]);

// conversions
check('f3 0f 2a c0', 'cvtsi2ss xmm0,eax', [{ xmm0: 0n, rax: 0xffff_ffff_7fff_ffffn }, { xmm0: 0x4f00_0000n, mxcsr: 0x1fa0 }]);
check('f3 48 0f 2a c0', 'cvtsi2ss xmm0,rax', [{ rax: 0x8000_0000_0000_0000n }, { xmm0: 0x3c10_8f1e_2d4b_6978_8796_a5b4_df00_0000n }]);
check('f2 0f 2a c0', 'cvtsi2sd xmm0,eax', [{ rax: 0xffff_ffffn }, { xmm0: 0x3c10_8f1e_2d4b_6978_bff0_0000_0000_0000n }]);
check('f2 48 0f 2a 03', 'cvtsi2sd xmm0,qword ptr [rbx]', [{ rbx: data(0x200), 'm64[0x200]': 0x20_0000_0000_0001n }, { xmm0: 0x3c10_8f1e_2d4b_6978_4340_0000_0000_0000n, mxcsr: 0x1fa0 }]);
check('f3 0f 2d c0', 'cvtss2si eax,xmm0', [{ rax: 0xffff_ffff_ffff_ffffn, xmm0: 0x3fc0_0000n }, { rax: 2n, mxcsr: 0x1fa0 }]);
check('f3 48 0f 2d c0', 'cvtss2si rax,xmm0', [{ xmm0: 0xbf00_0000n }, { rax: 0n, mxcsr: 0x1fa0 }]);
check('f3 0f 2d c0', 'cvtss2si eax,xmm0', [{ xmm0: 0x4020_0000n, mxcsr: 0x5f80 }, { rax: 3n, mxcsr: 0x5fa0 }]);
check('f3 0f 2d c0', 'cvtss2si eax,xmm0', [{ xmm0: 0xbfc0_0000n, mxcsr: 0x3f80 }, { rax: 0xffff_fffen, mxcsr: 0x3fa0 }]);
check('f3 0f 2d c0', 'cvtss2si eax,xmm0', [{ xmm0: 0x4020_0000n, mxcsr: 0x7f80 }, { rax: 2n, mxcsr: 0x7fa0 }]);
check('f3 0f 2c 03', 'cvttss2si eax,[rbx]', [{ rbx: data(0x200), 'm32[0x200]': 0xbfc0_0000n }, { rax: 0xffff_ffffn, mxcsr: 0x1fa0 }]);
check('f2 0f 2d c0', 'cvtsd2si eax,xmm0', [{ xmm0: 0x4004_0000_0000_0000n }, { rax: 2n, mxcsr: 0x1fa0 }]);
check('f2 48 0f 2c c0', 'cvttsd2si rax,xmm0', [{ xmm0: 0xc3ab_c16d_674e_c800n }, { rax: 0xf21f_494c_589c_0000n }]);
check('f3 0f 5a c1', 'cvtss2sd xmm0,xmm1', [{ xmm0: 0xffff_ffff_ffff_ffff_0000_0000_0000_0000n, xmm1: 0x7f80_0001n }, { xmm0: 0xffff_ffff_ffff_ffff_7ff8_0000_2000_0000n, mxcsr: 0x1f81 }]);
check('f2 0f 5a c1', 'cvtsd2ss xmm0,xmm1', [{ xmm1: 0x3fb9_9999_9999_999an }, { xmm0: 0x3c10_8f1e_2d4b_6978_8796_a5b4_3dcc_cccdn, mxcsr: 0x1fa0 }]);
check('0f 5b c1', 'cvtdq2ps xmm0,xmm1', [{ xmm1: 0x8000_0000_7fff_ffff_ffff_ffff_0000_0001n }, { xmm0: 0xcf00_0000_4f00_0000_bf80_0000_3f80_0000n, mxcsr: 0x1fa0 }]);
check('66 0f 5b c1', 'cvtps2dq xmm0,xmm1', [{ xmm1: 0x7fc0_1234_4f00_0000_bf00_0000_3fc0_0000n }, { xmm0: 0x8000_0000_8000_0000_0000_0000_0000_0002n, mxcsr: 0x1fa1 }]);
check('f3 0f 5b c1', 'cvttps2dq xmm0,xmm1', [{ xmm1: 0x3f80_0000_cf00_0000_bf80_0001_3fc0_0000n }, { xmm0: 0x1_8000_0000_ffff_ffff_0000_0001n, mxcsr: 0x1fa0 }]);
check('f3 0f e6 03', 'cvtdq2pd xmm0,[rbx]', [{ rbx: data(0x204), 'm64[0x204]': 0x8000_0000_0000_0007n }, { xmm0: 0xc1e0_0000_0000_0000_401c_0000_0000_0000n }]);
check('f2 0f e6 c1', 'cvtpd2dq xmm0,xmm1', [{ xmm1: 0xc1e0_0000_0010_0000_4004_0000_0000_0000n }, { xmm0: 0x8000_0000_0000_0002n, mxcsr: 0x1fa0 }]);
check('66 0f e6 c1', 'cvttpd2dq xmm0,xmm1', [{ xmm1: 0x4202_a05f_2000_0000_bffe_6666_6666_6666n }, { xmm0: 0x8000_0000_ffff_ffffn, mxcsr: 0x1fa1 }]);
check('0f 5a c1', 'cvtps2pd xmm0,xmm1', [{ xmm1: 0x7f80_5678_7fc0_1234_0000_0001_3f80_0000n }, { xmm0: 0x36a0_0000_0000_0000_3ff0_0000_0000_0000n, mxcsr: 0x1f82 }]);
check('66 0f 5a c1', 'cvtpd2ps xmm0,xmm1', [{ xmm1: 0x7e37_e43c_8800_759c_3fb9_9999_9999_999an }, { xmm0: 0x7f80_0000_3dcc_cccdn, mxcsr: 0x1fa8 }]);

// an unmasked exception: #XM, the flag is set and the destination stays
check('f3 0f 5e c1', 'divss xmm0,xmm1', [{ xmm0: 0x3f80_0000n, xmm1: 0n, mxcsr: 0x1d80 }, { fault: '#XM', mxcsr: 0x1d84 }]);
check('66 0f 51 c1', 'sqrtpd xmm0,xmm1', [{ xmm1: 0xbff0_0000_0000_0000_4010_0000_0000_0000n, mxcsr: 0x1f00 }, { fault: '#XM', mxcsr: 0x1f01 }]);
check('0f 58 c1', 'addps xmm0,xmm1', [{ xmm0: P, xmm1: 0x3300_0000_0000_0001n, mxcsr: 0x0f80 }, { fault: '#XM', mxcsr: 0xfa2 }]);
check('f3 0f 59 c1', 'mulss xmm0,xmm1', [{ xmm0: 0x0080_0000n, xmm1: 0x3eaa_aaabn, mxcsr: 0x1780 }, { fault: '#XM', mxcsr: 0x1790 }]);
check('0f 2e c1', 'ucomiss xmm0,xmm1', [{ xmm0: 0x7f80_5678n, xmm1: 0n, mxcsr: 0x1f00 }, { fault: '#XM', mxcsr: 0x1f01 }]);
check('f3 0f 2d c0', 'cvtss2si eax,xmm0', [{ xmm0: 0x7fc0_1234n, mxcsr: 0x1f00 }, { fault: '#XM', mxcsr: 0x1f01 }]);


everyMnemonicOf('sse/float');
