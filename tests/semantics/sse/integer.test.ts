// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../../support/check.ts';

/** Two operands with corners of every width. */
const A = 0x7fff_8000_00ff_ff7f_0102_80fe_fffe_0180n;
const B = 0x0001_ffff_80ff_0180_7f81_02ff_0003_ff7fn;
const BYTES = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100n;
const WORDS = 0x8001_7fff_8001_7fff_8001_7fff_8001_7fffn;

// every lane with its corners
check('66 0f fc c1', 'paddb xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7f00_7fff_80fe_00ff_8083_82fd_ff01_00ffn }]);
check('66 0f fd c1', 'paddw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x8000_7fff_81fe_00ff_8083_83fd_0001_00ffn }]);
check('66 0f fe c1', 'paddd xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x8001_7fff_81ff_00ff_8083_83fd_0002_00ffn }]);
check('66 0f d4 c1', 'paddq xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x8001_7fff_81ff_00ff_8083_83fe_0002_00ffn }]);
check('66 0f f8 c1', 'psubb xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7ffe_8101_8000_feff_8281_7eff_fffb_0201n }]);
check('66 0f f9 c1', 'psubw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7ffe_8001_8000_fdff_8181_7dff_fffb_0201n }]);
check('66 0f fa c1', 'psubd xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7ffd_8001_8000_fdff_8181_7dff_fffa_0201n }]);
check('66 0f fb c1', 'psubq xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7ffd_8000_8000_fdff_8181_7dff_fffa_0201n }]);
check('66 0f ec c1', 'paddsb xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7f00_80ff_80fe_00ff_7f83_82fd_ff01_00ffn }]);
check('66 0f ed c1', 'paddsw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7fff_8000_81fe_00ff_7fff_83fd_0001_00ffn }]);
check('66 0f dc c1', 'paddusb xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7fff_ffff_80ff_ffff_8083_82ff_ffff_ffffn }]);
check('66 0f dd c1', 'paddusw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x8000_ffff_81fe_ffff_8083_83fd_ffff_ffffn }]);
check('66 0f e8 c1', 'psubsb xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7ffe_8101_7f00_fe7f_827f_80ff_fffb_0280n }]);
check('66 0f e9 c1', 'psubsw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7ffe_8001_7fff_fdff_8181_8000_fffb_0201n }]);
check('66 0f d8 c1', 'psubusb xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7ffe_0000_0000_fe00_0000_7e00_fffb_0001n }]);
check('66 0f d9 c1', 'psubusw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7ffe_0000_0000_fdff_0000_7dff_fffb_0000n }]);
check('66 0f d5 c1', 'pmullw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7fff_8000_7e01_3e80_8002_7902_fffa_3e80n }]);
check('66 0f e5 c1', 'pmulhw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0xff81_ffff_0080_fe83_ffff_ffffn }]);
check('66 0f e4 c1', 'pmulhuw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7fff_0080_017f_0080_0182_0002_017fn }]);
check('66 0f f5 c1', 'pmaddwd xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0xffff_ff80_bc81_ff03_f904_ffff_3e7an }]);
check('66 0f f4 c1', 'pmuludq xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x80_fec0_7f80_3e80_0003_ff77_0701_3e80n }]);
check('66 0f f6 c1', 'psadbw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x47a_0000_0000_0000_0475n }]);
check('66 0f e0 c1', 'pavgb xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x4080_c080_40ff_8080_4042_41ff_8081_8080n }]);
check('66 0f e3 c1', 'pavgw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x4000_c000_40ff_8080_4042_41ff_8001_8080n }]);
check('66 0f da c1', 'pminub xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x1_8000_00ff_017f_0102_02fe_0003_017fn }]);
check('66 0f de c1', 'pmaxub xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7fff_ffff_80ff_ff80_7f81_80ff_fffe_ff80n }]);
check('66 0f ea c1', 'pminsw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x1_8000_80ff_ff7f_0102_80fe_fffe_ff7fn }]);
check('66 0f ee c1', 'pmaxsw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7fff_ffff_00ff_0180_7f81_02ff_0003_0180n }]);
check('66 0f 74 c1', 'pcmpeqb xmm0,xmm1', [{ xmm0: A, xmm1: 0x7fff_0000_00ff_ff7f_0102_81fe_fffe_0180n }, { xmm0: 0xffff_00ff_ffff_ffff_ffff_00ff_ffff_ffffn }]);
check('66 0f 75 c1', 'pcmpeqw xmm0,xmm1', [{ xmm0: A, xmm1: 0x7fff_0000_00ff_ff7f_0102_81fe_fffe_0180n }, { xmm0: 0xffff_0000_ffff_ffff_ffff_0000_ffff_ffffn }]);
check('66 0f 76 c1', 'pcmpeqd xmm0,xmm1', [{ xmm0: A, xmm1: 0x7fff_0000_00ff_ff7f_0102_81fe_fffe_0180n }, { xmm0: 0xffff_ffff_0000_0000_ffff_ffffn }]);
check('66 0f 64 c1', 'pcmpgtb xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0xff00_00ff_ff00_00ff_00ff_0000_0000_ff00n }]);
check('66 0f 65 c1', 'pcmpgtw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0xffff_0000_ffff_0000_0000_0000_0000_ffffn }]);
check('66 0f 66 c1', 'pcmpgtd xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0xffff_ffff_ffff_ffff_0000_0000_0000_0000n }]);
check('66 0f 63 c1', 'packsswb xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x1ff_807f_7f7f_0380_7f80_7f80_7f80_fe7fn }]);
check('66 0f 67 c1', 'packuswb xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x100_00ff_ffff_0300_ff00_ff00_ff00_00ffn }]);
check('66 0f 6b c1', 'packssdw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7fff_8000_7fff_7fff_7fff_7fff_7fff_8000n }]);
check('66 0f 60 c1', 'punpcklbw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7f01_8102_0280_fffe_00ff_03fe_ff01_7f80n }]);
check('66 0f 61 c1', 'punpcklwd xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7f81_0102_02ff_80fe_0003_fffe_ff7f_0180n }]);
check('66 0f 62 c1', 'punpckldq xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7f81_02ff_0102_80fe_0003_ff7f_fffe_0180n }]);
check('66 0f 6c c1', 'punpcklqdq xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7f81_02ff_0003_ff7f_0102_80fe_fffe_0180n }]);
check('66 0f 68 c1', 'punpckhbw xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7f_01ff_ff80_ff00_8000_ffff_01ff_807fn }]);
check('66 0f 69 c1', 'punpckhwd xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x1_7fff_ffff_8000_80ff_00ff_0180_ff7fn }]);
check('66 0f 6a c1', 'punpckhdq xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x1_ffff_7fff_8000_80ff_0180_00ff_ff7fn }]);
check('66 0f 6d c1', 'punpckhqdq xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x1_ffff_80ff_0180_7fff_8000_00ff_ff7fn }]);
check('0f 14 c1', 'unpcklps xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7f81_02ff_0102_80fe_0003_ff7f_fffe_0180n }]);
check('0f 15 c1', 'unpckhps xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x1_ffff_7fff_8000_80ff_0180_00ff_ff7fn }]);
check('66 0f 14 c1', 'unpcklpd xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7f81_02ff_0003_ff7f_0102_80fe_fffe_0180n }]);
check('66 0f 15 c1', 'unpckhpd xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x1_ffff_80ff_0180_7fff_8000_00ff_ff7fn }]);
check('66 0f db c1', 'pand xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x1_8000_00ff_0100_0100_00fe_0002_0100n }]);
check('0f 54 c1', 'andps xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x1_8000_00ff_0100_0100_00fe_0002_0100n }]);
check('66 0f 54 c1', 'andpd xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x1_8000_00ff_0100_0100_00fe_0002_0100n }]);
check('66 0f eb c1', 'por xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7fff_ffff_80ff_ffff_7f83_82ff_ffff_ffffn }]);
check('0f 56 c1', 'orps xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7fff_ffff_80ff_ffff_7f83_82ff_ffff_ffffn }]);
check('66 0f 56 c1', 'orpd xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7fff_ffff_80ff_ffff_7f83_82ff_ffff_ffffn }]);
check('66 0f ef c1', 'pxor xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7ffe_7fff_8000_feff_7e83_8201_fffd_feffn }]);
check('0f 57 c1', 'xorps xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7ffe_7fff_8000_feff_7e83_8201_fffd_feffn }]);
check('66 0f 57 c1', 'xorpd xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7ffe_7fff_8000_feff_7e83_8201_fffd_feffn }]);
check('66 0f df c1', 'pandn xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7fff_8000_0080_7e81_0201_0001_fe7fn }]);
check('0f 55 c1', 'andnps xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7fff_8000_0080_7e81_0201_0001_fe7fn }]);
check('66 0f 55 c1', 'andnpd xmm0,xmm1', [{ xmm0: A, xmm1: B }, { xmm0: 0x7fff_8000_0080_7e81_0201_0001_fe7fn }]);
check('66 44 0f fc 03', 'paddb xmm8,[rbx]', [{ xmm8: 1n, rbx: data(0x200), 'm128[0x200]': 0xffn }, { xmm8: 0n }]);

// memory must be aligned
check('66 44 0f fc 03', 'paddb xmm8,[rbx]', [{ rbx: data(0x208) }, { fault: '#GP(0)' }]);
check('66 0f ef c0', 'pxor xmm0,xmm0', [{}, { xmm0: 0n }]);
check('66 0f f5 c1', 'pmaddwd xmm0,xmm1', [{ xmm0: 0x8000_8000n, xmm1: 0x8000_8000n }, { xmm0: 0x8000_0000n }]);
check('66 0f 67 c0', 'packuswb xmm0,xmm0', [{ xmm0: 0x7fff_8000_00ff_0100_ffff_0001_00fe_0080n }, { xmm0: 0xff00_ffff_0001_fe80_ff00_ffff_0001_fe80n }]);

// counts at and above the width: zeros, or signs; by a register its low quadword counts
check('66 0f 71 f0 03', 'psllw xmm0,3', [{ xmm0: WORDS }, { xmm0: 0x8_fff8_0008_fff8_0008_fff8_0008_fff8n }]);
check('66 0f 71 f0 10', 'psllw xmm0,0x10', [{ xmm0: WORDS }, { xmm0: 0n }]);
check('66 0f f1 c1', 'psllw xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0xffff_ffff_ffff_ffff_0000_0000_0000_0004n }, { xmm0: 0x10_fff0_0010_fff0_0010_fff0_0010_fff0n }]);
check('66 0f f1 c1', 'psllw xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0x1_0000_0000n }, { xmm0: 0n }]);
check('66 0f 72 f0 03', 'pslld xmm0,3', [{ xmm0: WORDS }, { xmm0: 0xb_fff8_000b_fff8_000b_fff8_000b_fff8n }]);
check('66 0f 72 f0 20', 'pslld xmm0,0x20', [{ xmm0: WORDS }, { xmm0: 0n }]);
check('66 0f f2 c1', 'pslld xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0xffff_ffff_ffff_ffff_0000_0000_0000_0004n }, { xmm0: 0x17_fff0_0017_fff0_0017_fff0_0017_fff0n }]);
check('66 0f f2 c1', 'pslld xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0x1_0000_0000n }, { xmm0: 0n }]);
check('66 0f 73 f0 03', 'psllq xmm0,3', [{ xmm0: WORDS }, { xmm0: 0xb_fffc_000b_fff8_000b_fffc_000b_fff8n }]);
check('66 0f 73 f0 40', 'psllq xmm0,0x40', [{ xmm0: WORDS }, { xmm0: 0n }]);
check('66 0f f3 c1', 'psllq xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0xffff_ffff_ffff_ffff_0000_0000_0000_0004n }, { xmm0: 0x17_fff8_0017_fff0_0017_fff8_0017_fff0n }]);
check('66 0f f3 c1', 'psllq xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0x1_0000_0000n }, { xmm0: 0n }]);
check('66 0f 71 d0 03', 'psrlw xmm0,3', [{ xmm0: WORDS }, { xmm0: 0x1000_0fff_1000_0fff_1000_0fff_1000_0fffn }]);
check('66 0f 71 d0 10', 'psrlw xmm0,0x10', [{ xmm0: WORDS }, { xmm0: 0n }]);
check('66 0f d1 c1', 'psrlw xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0xffff_ffff_ffff_ffff_0000_0000_0000_0004n }, { xmm0: 0x800_07ff_0800_07ff_0800_07ff_0800_07ffn }]);
check('66 0f d1 c1', 'psrlw xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0x1_0000_0000n }, { xmm0: 0n }]);
check('66 0f 72 d0 03', 'psrld xmm0,3', [{ xmm0: WORDS }, { xmm0: 0x1000_2fff_1000_2fff_1000_2fff_1000_2fffn }]);
check('66 0f 72 d0 20', 'psrld xmm0,0x20', [{ xmm0: WORDS }, { xmm0: 0n }]);
check('66 0f d2 c1', 'psrld xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0xffff_ffff_ffff_ffff_0000_0000_0000_0004n }, { xmm0: 0x800_17ff_0800_17ff_0800_17ff_0800_17ffn }]);
check('66 0f d2 c1', 'psrld xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0x1_0000_0000n }, { xmm0: 0n }]);
check('66 0f 73 d0 03', 'psrlq xmm0,3', [{ xmm0: WORDS }, { xmm0: 0x1000_2fff_f000_2fff_1000_2fff_f000_2fffn }]);
check('66 0f 73 d0 40', 'psrlq xmm0,0x40', [{ xmm0: WORDS }, { xmm0: 0n }]);
check('66 0f d3 c1', 'psrlq xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0xffff_ffff_ffff_ffff_0000_0000_0000_0004n }, { xmm0: 0x800_17ff_f800_17ff_0800_17ff_f800_17ffn }]);
check('66 0f d3 c1', 'psrlq xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0x1_0000_0000n }, { xmm0: 0n }]);
check('66 0f 71 e0 03', 'psraw xmm0,3', [{ xmm0: WORDS }, { xmm0: 0xf000_0fff_f000_0fff_f000_0fff_f000_0fffn }]);
check('66 0f 71 e0 10', 'psraw xmm0,0x10', [{ xmm0: WORDS }, { xmm0: 0xffff_0000_ffff_0000_ffff_0000_ffff_0000n }]);
check('66 0f e1 c1', 'psraw xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0xffff_ffff_ffff_ffff_0000_0000_0000_0004n }, { xmm0: 0xf800_07ff_f800_07ff_f800_07ff_f800_07ffn }]);
check('66 0f e1 c1', 'psraw xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0x1_0000_0000n }, { xmm0: 0xffff_0000_ffff_0000_ffff_0000_ffff_0000n }]);
check('66 0f 72 e0 03', 'psrad xmm0,3', [{ xmm0: WORDS }, { xmm0: 0xf000_2fff_f000_2fff_f000_2fff_f000_2fffn }]);
check('66 0f 72 e0 20', 'psrad xmm0,0x20', [{ xmm0: WORDS }, { xmm0: 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffffn }]);
check('66 0f e2 c1', 'psrad xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0xffff_ffff_ffff_ffff_0000_0000_0000_0004n }, { xmm0: 0xf800_17ff_f800_17ff_f800_17ff_f800_17ffn }]);
check('66 0f e2 c1', 'psrad xmm0,xmm1', [{ xmm0: WORDS, xmm1: 0x1_0000_0000n }, { xmm0: 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffffn }]);
check('66 0f f1 03', 'psllw xmm0,[rbx]', [{ xmm0: BYTES, rbx: data(0x200), 'm64[0x200]': 8n }, { xmm0: 0xe00_0c00_0a00_0800_0600_0400_0200_0000n }]);
check('66 0f 73 f8 05', 'pslldq xmm0,5', [{ xmm0: BYTES }, { xmm0: 0xa09_0807_0605_0403_0201_0000_0000_0000n }]);
check('66 0f 73 f8 10', 'pslldq xmm0,0x10', [{ xmm0: BYTES }, { xmm0: 0n }]);
check('66 0f 73 d8 03', 'psrldq xmm0,3', [{ xmm0: BYTES }, { xmm0: 0xf_0e0d_0c0b_0a09_0807_0605_0403n }]);
check('66 0f 73 d8 ff', 'psrldq xmm0,-1', [{ xmm0: BYTES }, { xmm0: 0n }]);

// shuffles
check('66 0f 70 c1 1b', 'pshufd xmm0,xmm1,0x1b', [{ xmm1: BYTES }, { xmm0: 0x302_0100_0706_0504_0b0a_0908_0f0e_0d0cn }]);
check('66 0f 70 03 00', 'pshufd xmm0,[rbx],0', [{ rbx: data(0x200), 'm128[0x200]': BYTES }, { xmm0: 0x302_0100_0302_0100_0302_0100_0302_0100n }]);
check('f2 0f 70 c1 1b', 'pshuflw xmm0,xmm1,0x1b', [{ xmm1: BYTES }, { xmm0: 0xf0e_0d0c_0b0a_0908_0100_0302_0504_0706n }]);
check('0f 70 c1 1b', 'pshufw mm0,mm1,0x1b', [{ mm1: 0x4444_3333_2222_1111n }, { ftw: 0xff, mm0: 0x1111_2222_3333_4444n }]);
check('f3 0f 70 c1 e1', 'pshufhw xmm0,xmm1,-0x1f', [{ xmm1: BYTES }, { xmm0: 0xf0e_0d0c_0908_0b0a_0706_0504_0302_0100n }]);
check('0f c6 c1 1b', 'shufps xmm0,xmm1,0x1b', [{ xmm0: BYTES, xmm1: 0xffee_ddcc_bbaa_9988_7766_5544_3322_1100n }, { xmm0: 0x3322_1100_7766_5544_0b0a_0908_0f0e_0d0cn }]);
check('66 0f c6 c1 01', 'shufpd xmm0,xmm1,1', [{ xmm0: BYTES, xmm1: 0xffee_ddcc_bbaa_9988_7766_5544_3322_1100n }, { xmm0: 0x7766_5544_3322_1100_0f0e_0d0c_0b0a_0908n }]);
check('66 0f c6 c0 02', 'shufpd xmm0,xmm0,2', [{ xmm0: BYTES }, {}]);
check('66 0f c4 c0 03', 'pinsrw xmm0,eax,3', [{ xmm0: BYTES, rax: 0x1_ffffn }, { xmm0: 0xf0e_0d0c_0b0a_0908_ffff_0504_0302_0100n }]);
check('66 0f c4 03 0f', 'pinsrw xmm0,[rbx],0xf', [{ xmm0: BYTES, rbx: data(0x201), 'm16[0x201]': 0xffffn }, { xmm0: 0xffff_0d0c_0b0a_0908_0706_0504_0302_0100n }]);
check('66 0f c5 c0 06', 'pextrw eax,xmm0,6', [{ xmm0: BYTES, rax: 0xffff_ffff_ffff_ffffn }, { rax: 0xd0cn }]);
check('66 0f c5 c0 08', 'pextrw eax,xmm0,8', [{ xmm0: BYTES }, { rax: 0x100n }]);


everyMnemonicOf('sse/integer');
