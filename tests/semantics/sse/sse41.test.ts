// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../../support/check.ts';

/** Two operands with corners of every width. */
const X = 0x7fff_8000_00ff_ff7f_0102_80fe_fffe_0180n;
const Y = 0x0001_ffff_80ff_0180_7f81_02ff_0003_ff7fn;
/** 1, 3, −1, 2; 1, −2.5 and 3, 0.1. */
const P = 0x4000_0000_bf80_0000_4040_0000_3f80_0000n;
const D = 0xc004_0000_0000_0000_3ff0_0000_0000_0000n;
const E = 0x3fb9_9999_9999_999a_4008_0000_0000_0000n;
/** ½, −1.5, nearly 2, −5. */
const R = 0xc0a0_0000_3fff_ffff_bfc0_0000_3f00_0000n;

// lanes
check('66 0f 38 40 c1', 'pmulld xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x8000_8000_7f80_3e80_087e_7902_0701_3e80n }]);
check('66 0f 38 28 c1', 'pmuldq xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0xff80_ff41_7f80_3e80_ffff_fff8_0701_3e80n }]);
check('66 0f 38 29 c1', 'pcmpeqq xmm0,xmm1', [{ xmm0: X, xmm1: X ^ (1n << 64n) }, { xmm0: 0xffff_ffff_ffff_ffffn }]);
check('66 0f 38 2b c1', 'packusdw xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0xffff_0000_ffff_ffff_ffff_ffff_ffff_0000n }]);
check('66 0f 38 38 c1', 'pminsb xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0xff_80ff_80ff_ff80_0181_80fe_fffe_ff80n }]);
check('66 0f 38 3c c1', 'pmaxsb xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x7f01_ff00_00ff_017f_7f02_02ff_0003_017fn }]);
check('66 0f 38 3a c1', 'pminuw xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x1_8000_00ff_0180_0102_02ff_0003_0180n }]);
check('66 0f 38 3e c1', 'pmaxuw xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x7fff_ffff_80ff_ff7f_7f81_80fe_fffe_ff7fn }]);
check('66 0f 38 39 c1', 'pminsd xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x1_ffff_80ff_0180_0102_80fe_fffe_0180n }]);
check('66 0f 38 3d c1', 'pmaxsd xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x7fff_8000_00ff_ff7f_7f81_02ff_0003_ff7fn }]);
check('66 0f 38 3b c1', 'pminud xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x1_ffff_00ff_ff7f_0102_80fe_0003_ff7fn }]);
check('66 0f 38 3f 03', 'pmaxud xmm0,[rbx]', [{ xmm0: X, rbx: data(0x200), 'm128[0x200]': Y }, { xmm0: 0x7fff_8000_80ff_0180_7f81_02ff_fffe_0180n }]);
check('66 0f 38 41 c1', 'phminposuw xmm0,xmm1', [{ xmm1: X }, { xmm0: 0x5_00ffn }]);
check('66 0f 38 41 c1', 'phminposuw xmm0,xmm1', [{ xmm1: ~0n }, { xmm0: 0xffffn }]);
// blends: by the top bits of XMM0, by the bits of an immediate
check('66 0f 38 10 ca', 'pblendvb xmm1,xmm2', [{ xmm0: 0x8000_7f80_0000_0000_ff00_0080_ffff_ffffn, xmm1: X, xmm2: Y }, { xmm1: 0xff_80ff_00ff_ff7f_7f02_80ff_0003_ff7fn }]);
check('66 0f 38 14 ca', 'blendvps xmm1,xmm2', [{ xmm0: 0x8000_0000_7fff_ffff_ffff_ffff_0000_0000n, xmm1: X, xmm2: Y }, { xmm1: 0x1_ffff_00ff_ff7f_7f81_02ff_fffe_0180n }]);
check('66 0f 38 15 0b', 'blendvpd xmm1,[rbx]', [{ xmm0: 0x8000_0000_0000_0000_7fff_ffff_ffff_ffffn, xmm1: X, rbx: data(0x200), 'm128[0x200]': Y }, { xmm1: 0x1_ffff_80ff_0180_0102_80fe_fffe_0180n }]);
check('66 0f 3a 0e c1 a5', 'pblendw xmm0,xmm1,-0x5b', [{ xmm0: X, xmm1: Y }, { xmm0: 0x1_8000_80ff_ff7f_0102_02ff_fffe_ff7fn }]);
check('66 0f 3a 0c c1 f6', 'blendps xmm0,xmm1,-0xa', [{ xmm0: X, xmm1: Y }, { xmm0: 0x7fff_8000_80ff_0180_7f81_02ff_fffe_0180n }]);
check('66 0f 3a 0d c1 02', 'blendpd xmm0,xmm1,2', [{ xmm0: X, xmm1: Y }, { xmm0: 0x1_ffff_80ff_0180_0102_80fe_fffe_0180n }]);
// ptest: flags only
check('66 0f 38 17 c1', 'ptest xmm0,xmm1', [{ xmm0: 0xf0n, xmm1: 0x0fn }, { flags: 'z' }]);
check('66 0f 38 17 c1', 'ptest xmm0,xmm1', [{ xmm0: 0xffn, xmm1: 0x0fn }, { flags: 'c' }]);
check('66 0f 38 17 c1', 'ptest xmm0,xmm1', [{ xmm0: 0x1fn, xmm1: 0x3fn }, { flags: '' }]);
check('66 0f 38 17 03', 'ptest xmm0,[rbx]', [{ xmm0: 5n, rbx: data(0x200) }, { flags: 'zc' }]);
check('66 0f 38 17 03', 'ptest xmm0,[rbx]', [{ rbx: data(0x201) }, { fault: '#GP(0)' }]);
// widening moves read no more than they need
check('66 0f 38 20 c1', 'pmovsxbw xmm0,xmm1', [{ xmm1: X }, { xmm0: 0x1_0002_ff80_fffe_ffff_fffe_0001_ff80n }]);
check('66 0f 38 21 c1', 'pmovsxbd xmm0,xmm1', [{ xmm1: X }, { xmm0: 0xffff_ffff_ffff_fffe_0000_0001_ffff_ff80n }]);
check('66 0f 38 22 03', 'pmovsxbq xmm0,[rbx]', [{ rbx: data(0x1ffe), 'm16[0x1ffe]': 0x80_7fn }, { xmm0: 0xffff_ffff_ffff_ff80_0000_0000_0000_007fn }]);
check('66 0f 38 23 c1', 'pmovsxwd xmm0,xmm1', [{ xmm1: X }, { xmm0: 0x102_ffff_80fe_ffff_fffe_0000_0180n }]);
check('66 0f 38 24 03', 'pmovsxwq xmm0,[rbx]', [{ rbx: data(0x1ffc), 'm32[0x1ffc]': 0x8000_7fffn }, { xmm0: 0xffff_ffff_ffff_8000_0000_0000_0000_7fffn }]);
check('66 0f 38 25 03', 'pmovsxdq xmm0,[rbx]', [{ rbx: data(0x203), 'm64[0x203]': 0x8000_0000_7fff_ffffn }, { xmm0: 0xffff_ffff_8000_0000_0000_0000_7fff_ffffn }]);
check('66 0f 38 30 c1', 'pmovzxbw xmm0,xmm1', [{ xmm1: X }, { xmm0: 0x1_0002_0080_00fe_00ff_00fe_0001_0080n }]);
check('66 0f 38 31 03', 'pmovzxbd xmm0,[rbx]', [{ rbx: data(0x1ffc), 'm32[0x1ffc]': 0x8000_7fffn }, { xmm0: 0x80_0000_0000_0000_007f_0000_00ffn }]);
check('66 0f 38 32 c1', 'pmovzxbq xmm0,xmm1', [{ xmm1: X }, { xmm0: 0x1_0000_0000_0000_0080n }]);
check('66 0f 38 33 c1', 'pmovzxwd xmm0,xmm1', [{ xmm1: X }, { xmm0: 0x102_0000_80fe_0000_fffe_0000_0180n }]);
check('66 0f 38 34 c1', 'pmovzxwq xmm0,xmm1', [{ xmm1: X }, { xmm0: 0xfffe_0000_0000_0000_0180n }]);
check('66 0f 38 35 c1', 'pmovzxdq xmm0,xmm1', [{ xmm1: X }, { xmm0: 0x102_80fe_0000_0000_fffe_0180n }]);
// single lanes; the number counts modulo the lanes
check('66 0f 3a 14 c0 03', 'pextrb eax,xmm0,3', [{ xmm0: X, rax: ~0n }, { rax: 0xffn }]);
check('66 0f 3a 14 03 1f', 'pextrb [rbx],xmm0,0x1f', [{ xmm0: X, rbx: data(0x203) }, { 'm8[0x203]': 0x7fn }]);
check('66 0f 3a 15 03 06', 'pextrw [rbx],xmm0,6', [{ xmm0: X, rbx: data(0x203) }, { 'm8[0x204]': 0x80n }]);
check('66 0f 3a 16 c0 02', 'pextrd eax,xmm0,2', [{ xmm0: X, rax: ~0n }, { rax: 0xff_ff7fn }]);
check('66 0f 3a 16 03 05', 'pextrd [rbx],xmm0,5', [{ xmm0: X, rbx: data(0x203) }, { 'm32[0x203]': 0x102_80fen }]);
check('66 48 0f 3a 16 c0 01', 'pextrq rax,xmm0,1', [{ xmm0: X }, { rax: 0x7fff_8000_00ff_ff7fn }]);
check('66 48 0f 3a 16 03 02', 'pextrq [rbx],xmm0,2', [{ xmm0: X, rbx: data(0x203) }, { 'm64[0x203]': 0x102_80fe_fffe_0180n }]);
check('66 0f 3a 17 c0 03', 'extractps eax,xmm0,3', [{ xmm0: X, rax: ~0n }, { rax: 0x7fff_8000n }]);
check('66 0f 3a 17 03 01', 'extractps [rbx],xmm0,1', [{ xmm0: X, rbx: data(0x203) }, { 'm32[0x203]': 0x102_80fen }]);
check('66 0f 3a 20 c0 1e', 'pinsrb xmm0,eax,0x1e', [{ xmm0: X, rax: 0x1234_5678n }, { xmm0: 0x7f78_8000_00ff_ff7f_0102_80fe_fffe_0180n }]);
check('66 0f 3a 20 03 01', 'pinsrb xmm0,[rbx],1', [{ xmm0: X, rbx: data(0x1fff), 'm8[0x1fff]': 0xeen }, { xmm0: 0x7fff_8000_00ff_ff7f_0102_80fe_fffe_ee80n }]);
check('66 0f 3a 22 c0 03', 'pinsrd xmm0,eax,3', [{ xmm0: X, rax: 0xffff_ffff_1234_5678n }, { xmm0: 0x1234_5678_00ff_ff7f_0102_80fe_fffe_0180n }]);
check('66 48 0f 3a 22 c0 01', 'pinsrq xmm0,rax,1', [{ xmm0: X, rax: 0xfedc_ba98_7654_3210n }, { xmm0: 0xfedc_ba98_7654_3210_0102_80fe_fffe_0180n }]);
check('66 0f 3a 21 c1 98', 'insertps xmm0,xmm1,-0x68', [{ xmm0: X, xmm1: Y }, { xmm0: 0xff_ff7f_80ff_0180_fffe_0180n }]);
check('66 0f 3a 21 03 d3', 'insertps xmm0,[rbx],-0x2d', [{ xmm0: X, rbx: data(0x1ffc), 'm32[0x1ffc]': 0xdead_beefn }, { xmm0: 0x7fff_8000_00ff_ff7f_0000_0000_0000_0000n }]);
check('66 0f 3a 42 c1 06', 'mpsadbw xmm0,xmm1,6', [{ xmm0: X, xmm1: Y }, { xmm0: 0x17f_017f_02fc_017f_017c_017d_0100_0279n }]);
check('66 0f 3a 42 c1 01', 'mpsadbw xmm0,xmm1,1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x279_0180_00ff_017c_017a_017c_02f7_017dn }]);
// rounding: to nearest, down, up, toward zero, by MXCSR; bit 3 keeps inexact back
check('66 0f 3a 08 c1 00', 'roundps xmm0,xmm1,0', [{ xmm1: R }, { xmm0: 0xc0a0_0000_4000_0000_c000_0000_0000_0000n, mxcsr: 0x1fa0 }]);
check('66 0f 3a 08 c1 01', 'roundps xmm0,xmm1,1', [{ xmm1: R }, { xmm0: 0xc0a0_0000_3f80_0000_c000_0000_0000_0000n, mxcsr: 0x1fa0 }]);
check('66 0f 3a 08 c1 02', 'roundps xmm0,xmm1,2', [{ xmm1: R }, { xmm0: 0xc0a0_0000_4000_0000_bf80_0000_3f80_0000n, mxcsr: 0x1fa0 }]);
check('66 0f 3a 08 c1 03', 'roundps xmm0,xmm1,3', [{ xmm1: R }, { xmm0: 0xc0a0_0000_3f80_0000_bf80_0000_0000_0000n, mxcsr: 0x1fa0 }]);
check('66 0f 3a 08 c1 04', 'roundps xmm0,xmm1,4', [{ xmm1: R, mxcsr: 0x5f80 }, { xmm0: 0xc0a0_0000_4000_0000_bf80_0000_3f80_0000n, mxcsr: 0x5fa0 }]);
check('66 0f 3a 08 c1 08', 'roundps xmm0,xmm1,8', [{ xmm1: R }, { xmm0: 0xc0a0_0000_4000_0000_c000_0000_0000_0000n }]);
check('66 0f 3a 09 c1 09', 'roundpd xmm0,xmm1,9', [{ xmm1: 0x7ff0_0000_0000_0001_bfe0_0000_0000_0000n }, { xmm0: 0x7ff8_0000_0000_0001_bff0_0000_0000_0000n, mxcsr: 0x1f81 }]);
check('66 0f 3a 0a c1 0a', 'roundss xmm0,xmm1,0xa', [{ xmm0: X, xmm1: 0xbf00_0000n }, { xmm0: 0x7fff_8000_00ff_ff7f_0102_80fe_8000_0000n }]);
check('66 0f 3a 0b 03 02', 'roundsd xmm0,[rbx],2', [{ xmm0: X, rbx: data(0x203), 'm64[0x203]': 0x4004_0000_0000_0000n }, { xmm0: 0x7fff_8000_00ff_ff7f_4008_0000_0000_0000n, mxcsr: 0x1fa0 }]);
check('66 0f 3a 0a c1 04', 'roundss xmm0,xmm1,4', [{ xmm0: X, xmm1: 0x3f00_0000n, mxcsr: 0xf80 }, { fault: '#XM', mxcsr: 0xfa0 }]);
// dot products: pairs first, a lane that is left out raises nothing
check('66 0f 3a 40 c1 ff', 'dpps xmm0,xmm1,-1', [{ xmm0: P, xmm1: 0x3f80_0000_3f80_0000_3f80_0000_4000_0000n }, { xmm0: 0x40c0_0000_40c0_0000_40c0_0000_40c0_0000n }]);
check('66 0f 3a 40 c1 71', 'dpps xmm0,xmm1,0x71', [{ xmm0: P, xmm1: 0x7f80_0001_4040_0000_3f00_0000_4040_0000n }, { xmm0: 0x3fc0_0000n }]);
check('66 0f 3a 40 c1 f1', 'dpps xmm0,xmm1,-0xf', [{ xmm0: 0xcb80_0000_3f80_0000_4b80_0000_3f80_0000n, xmm1: 0x3f80_0000_3f80_0000_3f80_0000_3f80_0000n }, { xmm0: 0x3f80_0000n, mxcsr: 0x1fa0 }]);
check('66 0f 3a 41 c1 31', 'dppd xmm0,xmm1,0x31', [{ xmm0: D, xmm1: E }, { xmm0: 0x4006_0000_0000_0000n, mxcsr: 0x1fa0 }]);
check('66 0f 3a 41 c1 12', 'dppd xmm0,xmm1,0x12', [{ xmm0: D, xmm1: E }, { xmm0: 0x4008_0000_0000_0000_0000_0000_0000_0000n }]);
check('66 0f 3a 41 c1 33', 'dppd xmm0,xmm1,0x33', [{ xmm0: 0x7fe0_0000_0000_0000_0010_0000_0000_0000n, xmm1: 0x7fe0_0000_0000_0000_3fd5_5555_5555_5555n, mxcsr: 0x1b80 }, { fault: '#XM', mxcsr: 0x1bb8 }]);
check('66 0f 38 2a 03', 'movntdqa xmm0,[rbx]', [{ rbx: data(0x200), 'm128[0x200]': X }, { xmm0: 0x7fff_8000_00ff_ff7f_0102_80fe_fffe_0180n }]);
check('66 0f 38 2a 03', 'movntdqa xmm0,[rbx]', [{ rbx: data(0x208) }, { fault: '#GP(0)' }]);

everyMnemonicOf('sse/sse41');
