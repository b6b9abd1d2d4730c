// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf, open } from '../../support/check.ts';

/** Two operands with corners of every width. */
const A = 0x7fff_8000_00ff_ff7fn;
const B = 0x0001_ffff_80ff_0180n;

// every lane with its corners; TOP becomes 0 and no register is empty, sign and exponent are ones
check('0f fc c1', 'paddb mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7f00_7fff_80fe_00ffn }]);
check('0f fd c1', 'paddw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x8000_7fff_81fe_00ffn }]);
check('0f fe c1', 'paddd mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x8001_7fff_81ff_00ffn }]);
check('0f d4 c1', 'paddq mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x8001_7fff_81ff_00ffn }]);
check('0f f8 c1', 'psubb mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7ffe_8101_8000_feffn }]);
check('0f f9 c1', 'psubw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7ffe_8001_8000_fdffn }]);
check('0f fa c1', 'psubd mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7ffd_8001_8000_fdffn }]);
check('0f fb c1', 'psubq mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7ffd_8000_8000_fdffn }]);
check('0f ec c1', 'paddsb mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7f00_80ff_80fe_00ffn }]);
check('0f ed c1', 'paddsw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7fff_8000_81fe_00ffn }]);
check('0f dc c1', 'paddusb mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7fff_ffff_80ff_ffffn }]);
check('0f dd c1', 'paddusw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x8000_ffff_81fe_ffffn }]);
check('0f e8 c1', 'psubsb mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7ffe_8101_7f00_fe7fn }]);
check('0f e9 c1', 'psubsw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7ffe_8001_7fff_fdffn }]);
check('0f d8 c1', 'psubusb mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7ffe_0000_0000_fe00n }]);
check('0f d9 c1', 'psubusw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7ffe_0000_0000_fdffn }]);
check('0f d5 c1', 'pmullw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7fff_8000_7e01_3e80n }]);
check('0f e5 c1', 'pmulhw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0xff81_ffffn }]);
check('0f e4 c1', 'pmulhuw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7fff_0080_017fn }]);
check('0f f5 c1', 'pmaddwd mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0xffff_ff80_bc81n }]);
check('0f f4 c1', 'pmuludq mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x80_fec0_7f80_3e80n }]);
check('0f f6 c1', 'psadbw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x47an }]);
check('0f e0 c1', 'pavgb mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x4080_c080_40ff_8080n }]);
check('0f e3 c1', 'pavgw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x4000_c000_40ff_8080n }]);
check('0f da c1', 'pminub mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x1_8000_00ff_017fn }]);
check('0f de c1', 'pmaxub mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7fff_ffff_80ff_ff80n }]);
check('0f ea c1', 'pminsw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x1_8000_80ff_ff7fn }]);
check('0f ee c1', 'pmaxsw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7fff_ffff_00ff_0180n }]);
check('0f 74 c1', 'pcmpeqb mm0,mm1', [{ mm0: A, mm1: A ^ 0xff00n }, { ftw: 0xff, mm0: 0xffff_ffff_ffff_00ffn }]);
check('0f 75 c1', 'pcmpeqw mm0,mm1', [{ mm0: A, mm1: A ^ 0xff00n }, { ftw: 0xff, mm0: 0xffff_ffff_ffff_0000n }]);
check('0f 76 c1', 'pcmpeqd mm0,mm1', [{ mm0: A, mm1: A ^ 0xff00n }, { ftw: 0xff, mm0: 0xffff_ffff_0000_0000n }]);
check('0f 64 c1', 'pcmpgtb mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0xff00_00ff_ff00_00ffn }]);
check('0f 65 c1', 'pcmpgtw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0xffff_0000_ffff_0000n }]);
check('0f 66 c1', 'pcmpgtd mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0xffff_ffff_ffff_ffffn }]);
check('0f 63 c1', 'packsswb mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x1ff_807f_7f80_7f80n }]);
check('0f 67 c1', 'packuswb mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x100_00ff_ff00_ff00n }]);
check('0f 6b c1', 'packssdw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7fff_8000_7fff_7fffn }]);
check('0f 60 c1', 'punpcklbw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x8000_ffff_01ff_807fn }]);
check('0f 61 c1', 'punpcklwd mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x80ff_00ff_0180_ff7fn }]);
check('0f 62 c1', 'punpckldq mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x80ff_0180_00ff_ff7fn }]);
check('0f 68 c1', 'punpckhbw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7f_01ff_ff80_ff00n }]);
check('0f 69 c1', 'punpckhwd mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x1_7fff_ffff_8000n }]);
check('0f 6a c1', 'punpckhdq mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x1_ffff_7fff_8000n }]);
check('0f db c1', 'pand mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x1_8000_00ff_0100n }]);
check('0f df c1', 'pandn mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7fff_8000_0080n }]);
check('0f eb c1', 'por mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7fff_ffff_80ff_ffffn }]);
check('0f ef c1', 'pxor mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7ffe_7fff_8000_feffn }]);
check('0f 70 c1 1b', 'pshufw mm0,mm1,0x1b', [{ mm1: A }, { ftw: 0xff, mm0: 0xff7f_00ff_8000_7fffn }]);
check('0f 70 03 e1', 'pshufw mm0,[rbx],-0x1f', [{ rbx: data(0x201), 'm64[0x201]': A }, { ftw: 0xff, mm0: 0x7fff_8000_ff7f_00ffn }]);
// shifts: by an immediate, by a register, past the lane
check('0f 71 f0 03', 'psllw mm0,3', [{ mm0: A }, { ftw: 0xff, mm0: 0xfff8_0000_07f8_fbf8n }]);
check('0f 72 f0 1f', 'pslld mm0,0x1f', [{ mm0: A }, { ftw: 0xff, mm0: 0x8000_0000n }]);
check('0f 73 f0 40', 'psllq mm0,0x40', [{ mm0: A }, { ftw: 0xff, mm0: 0n }]);
check('0f f3 c1', 'psllq mm0,mm1', [{ mm0: A, mm1: 33n }, { ftw: 0xff, mm0: 0x1ff_fefe_0000_0000n }]);
check('0f 71 d0 10', 'psrlw mm0,0x10', [{ mm0: A }, { ftw: 0xff, mm0: 0n }]);
check('0f 72 d0 07', 'psrld mm0,7', [{ mm0: A }, { ftw: 0xff, mm0: 0xff_ff00_0001_fffen }]);
check('0f d3 03', 'psrlq mm0,[rbx]', [{ mm0: A, rbx: data(0x203), 'm64[0x203]': 12n }, { ftw: 0xff, mm0: 0x7_fff8_0000_0fffn }]);
check('0f 71 e0 c8', 'psraw mm0,-0x38', [{ mm0: A }, { ftw: 0xff, mm0: 0xffff_0000_ffffn }]);
check('0f e2 c1', 'psrad mm0,mm1', [{ mm0: A, mm1: 0x1_0000_0001n }, { ftw: 0xff, mm0: 0n }]);
// memory: 64 bits anywhere, 32 where nothing more is interleaved
check('0f fc 03', 'paddb mm0,[rbx]', [{ mm0: A, rbx: data(0x201), 'm64[0x201]': B }, { ftw: 0xff, mm0: 0x7f00_7fff_80fe_00ffn }]);
check('0f 60 03', 'punpcklbw mm0,[rbx]', [{ mm0: A, rbx: data(0x1ffc), 'm32[0x1ffc]': 0xdead_beefn }, { ftw: 0xff, mm0: 0xde00_adff_beff_ef7fn }]);
check('0f 68 03', 'punpckhbw mm0,[rbx]', [{ mm0: A, rbx: data(0x1ffc) }, { fault: '#PF(4)', cr2: data(0x2000) }]);
check('0f eb 03', 'por mm0,[rbx]', [{ rbx: 0x8000_0000_0000_0000n }, { fault: '#GP(0)' }]);
// moves
check('0f 6e c0', 'movd mm0,eax', [{ rax: 0xffff_ffff_8000_0001n }, { ftw: 0xff, mm0: 0x8000_0001n }]);
check('0f 7e c0', 'movd eax,mm0', [{ mm0: A }, { rax: 0xff_ff7fn, ftw: 0xff }]);
check('48 0f 6e c0', 'movq mm0,rax', [{ rax: A }, { ftw: 0xff, mm0: 0x7fff_8000_00ff_ff7fn }]);
check('48 0f 7e c0', 'movq rax,mm0', [{ mm0: A }, { rax: 0x7fff_8000_00ff_ff7fn, ftw: 0xff }]);
check('0f 6f c1', 'movq mm0,mm1', [{ mm1: A }, { ftw: 0xff, mm0: 0x7fff_8000_00ff_ff7fn }]);
check('0f 6f 03', 'movq mm0,[rbx]', [{ rbx: data(0x201), 'm64[0x201]': A }, { ftw: 0xff, mm0: 0x7fff_8000_00ff_ff7fn }]);
check('0f 7f 03', 'movq [rbx],mm0', [{ rbx: data(0x201), mm0: A }, { ftw: 0xff, 'm64[0x201]': 0x7fff_8000_00ff_ff7fn }]);
check('0f 7e 03', 'movd [rbx],mm0', [{ rbx: data(0x201), mm0: A }, { ftw: 0xff, 'm32[0x201]': 0xff_ff7fn }]);
check('0f 7e 03', 'movd [rbx],mm0', [{ rbx: 0x1000_3000n, mm0: A, fsw: 0x1800 }, { fault: '#PF(7)', cr2: 0x1000_3000n }]);
check('0f e7 03', 'movntq [rbx],mm0', [{ rbx: data(0x201), mm0: A }, { ftw: 0xff, 'm64[0x201]': 0x7fff_8000_00ff_ff7fn }]);
check('f2 0f d6 c1', 'movdq2q mm0,xmm1', [{ xmm1: (B << 64n) | A }, { ftw: 0xff, mm0: 0x7fff_8000_00ff_ff7fn }]);
check('f3 0f d6 c1', 'movq2dq xmm0,mm1', [{ mm1: A }, { xmm0: 0x7fff_8000_00ff_ff7fn, ftw: 0xff }]);
check('0f c4 c0 02', 'pinsrw mm0,eax,2', [{ mm0: A, rax: 0x1_2345n }, { ftw: 0xff, mm0: 0x7fff_2345_00ff_ff7fn }]);
check('0f c4 03 07', 'pinsrw mm0,[rbx],7', [{ mm0: A, rbx: data(0x1ffe), 'm16[0x1ffe]': 0xbeefn }, { ftw: 0xff, mm0: 0xbeef_8000_00ff_ff7fn }]);
check('0f c5 c0 03', 'pextrw eax,mm0,3', [{ mm0: A, rax: 0xffff_ffff_ffff_ffffn }, { rax: 0x7fffn, ftw: 0xff }]);
check('0f d7 c0', 'pmovmskb eax,mm0', [{ mm0: A, rax: 0xffff_ffff_ffff_ffffn }, { rax: 0x66n, ftw: 0xff }]);
check('0f f7 c1', 'maskmovq mm0,mm1', [{ mm0: A, mm1: 0x80ff_7f00_8080_0080n, rdi: data(0x205) }, { ftw: 0xff, 'm64[0x205]': 0x7fff_0000_00ff_007fn }]);
// the x87 stack: TOP turns to 0, the other registers keep their contents; EMMS frees them all
check('0f fc ff', 'paddb mm7,mm7', [{ fsw: 0x1800, st0: 0x3fff_8000_0000_0000_0000n, st4: 0n }, { fsw: 0, ftw: 0xff, st0: 0n, st3: 0x3fff_8000_0000_0000_0000n, mm7: 0n }]);
check('0f 77', 'emms', [{ fsw: 0x3c41, ftw: 0xff }, { fsw: 0x441, ftw: 0 }]);
// conversions
check('0f 2a c1', 'cvtpi2ps xmm0,mm1', [{ mm1: 0x7fff_ffff_ffff_fffen, xmm0: 1n }, { xmm0: 0x4f00_0000_c000_0000n, mxcsr: 0x1fa0, ftw: 0xff }]);
check('0f 2a 03', 'cvtpi2ps xmm0,[rbx]', [{ rbx: data(0x201), 'm64[0x201]': 0x3n, fsw: 0x800, ftw: 0xff }, { xmm0: 0x3c10_8f1e_2d4b_6978_0000_0000_4040_0000n, fsw: 0 }], open('AMD CPUs enter MMX only for a register'));
check('66 0f 2a c1', 'cvtpi2pd xmm0,mm1', [{ mm1: 0x7fff_ffff_ffff_fffen }, { xmm0: 0x41df_ffff_ffc0_0000_c000_0000_0000_0000n, ftw: 0xff }]);
check('66 0f 2a 03', 'cvtpi2pd xmm0,[rbx]', [{ rbx: data(0x201), 'm64[0x201]': 0x8000_0000_0000_0003n, fsw: 0x800 }, { xmm0: 0xc1e0_0000_0000_0000_4008_0000_0000_0000n }]);
check('0f 2d c1', 'cvtps2pi mm0,xmm1', [{ xmm1: 0x4020_0000_3fc0_0000n }, { mxcsr: 0x1fa0, ftw: 0xff, mm0: 0x2_0000_0002n }]);
check('0f 2c c1', 'cvttps2pi mm0,xmm1', [{ xmm1: 0xbfff_ffff_4f00_0000n }, { mxcsr: 0x1fa1, ftw: 0xff, mm0: 0xffff_ffff_8000_0000n }]);
check('0f 2d 03', 'cvtps2pi mm0,[rbx]', [{ rbx: data(0x201), 'm64[0x201]': 0xbfc0_0000_3f00_0000n, mxcsr: 0x3f80 }, { mxcsr: 0x3fa0, ftw: 0xff, mm0: 0xffff_fffe_0000_0000n }]);
check('66 0f 2d c1', 'cvtpd2pi mm0,xmm1', [{ xmm1: 0xbff8_0000_0000_0000_4004_0000_0000_0000n }, { mxcsr: 0x1fa0, ftw: 0xff, mm0: 0xffff_fffe_0000_0002n }]);
check('66 0f 2c c1', 'cvttpd2pi mm0,xmm1', [{ xmm1: 0xbff8_0000_0000_0000_41f0_0000_0000_0000n }, { mxcsr: 0x1fa1, ftw: 0xff, mm0: 0xffff_ffff_8000_0000n }]);
check('66 0f 2d 03', 'cvtpd2pi mm0,[rbx]', [{ rbx: data(0x208) }, { fault: '#GP(0)' }]);
// an x87 exception that waits comes first; CR0.EM and CR0.TS before that
check('0f fc 03', 'paddb mm0,[rbx]', [{ fsw: 0x8081, fcw: 0x37e, rbx: 0n }, { fault: '#MF' }]);
check('0f 77', 'emms', [{ fsw: 0x8081, fcw: 0x37e }, { fault: '#MF' }]);
check('0f 7e c0', 'movd eax,mm0', [{ cr0: 0x8005_003bn }, { fault: '#NM' }], { machine: 'CR0.TS' });
check('0f 7e c0', 'movd eax,mm0', [{ cr0: 0x8005_0037n }, { fault: '#UD' }], { machine: 'CR0.EM' });

everyMnemonicOf('sse/mmx');
