// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../../support/check.ts';

/** Two operands with corners of every width, for MMX and for vectors. */
const A = 0x7fff_8000_00ff_ff7fn;
const B = 0x0001_ffff_80ff_0180n;
const X = 0x7fff_8000_00ff_ff7f_0102_80fe_fffe_0180n;
const Y = 0x0001_ffff_80ff_0180_7f81_02ff_0003_ff7fn;

// with MMX registers and with vectors
check('0f 38 00 c1', 'pshufb mm0,mm1', [{ mm0: A, mm1: 0x80ff_0908_0701_0000n }, { ftw: 0xff, mm0: 0xff7f_7fff_7f7fn }]);
check('66 0f 38 00 c1', 'pshufb xmm0,xmm1', [{ xmm0: X, xmm1: 0x8f_7f_1f_10_0f_0e_0d_0c_0b_0a_01_00_80_40_20_00n }, { xmm0: 0x7f_7f80_7fff_8000_00ff_0180_0080_8080n }]);
check('0f 38 01 c1', 'phaddw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x827f_ffff_007en }]);
check('66 0f 38 01 c1', 'phaddw xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x827f_8280_ff82_ffff_007e_8200_017en }]);
check('0f 38 02 c1', 'phaddd mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x8101_017f_80ff_7f7fn }]);
check('66 0f 38 02 c1', 'phaddd xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x8101_017f_7f85_027e_80ff_7f7f_0100_827en }]);
check('0f 38 03 c1', 'phaddsw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x827f_ffff_007en }]);
check('66 0f 38 03 c1', 'phaddsw xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x827f_7fff_ff82_ffff_007e_8200_017en }]);
check('0f 38 05 c1', 'phsubw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0xfffe_8081_0001_fe80n }]);
check('66 0f 38 05 c1', 'phsubw xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0xfffe_8081_837e_ff7c_0001_fe80_7ffc_0182n }]);
check('0f 38 06 c1', 'phsubd mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x80fd_0181_8100_7f7fn }]);
check('66 0f 38 06 c1', 'phsubd xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x80fd_0181_8082_fc80_8100_7f7f_fefb_8082n }]);
check('0f 38 07 c1', 'phsubsw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0xfffe_7fff_8000_fe80n }]);
check('66 0f 38 07 c1', 'phsubsw xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0xfffe_7fff_837e_ff7c_8000_fe80_8000_0182n }]);
check('0f 38 04 c1', 'pmaddubsw mm0,mm1', [{ mm0: ~0n, mm1: 0x7f7f_8080_7f7f_017fn }, { ftw: 0xff, mm0: 0x7fff_8000_7fff_7f80n }]);
check('66 0f 38 04 c1', 'pmaddubsw xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0xff_ff80_ff01_c17f_ff81_0002_02fa_3f7fn }]);
check('0f 38 0b c1', 'pmulhrsw mm0,mm1', [{ mm0: 0x8000_8000_7fff_0001n, mm1: 0x8000_7fff_7fff_4000n }, { ftw: 0xff, mm0: 0x8000_8001_7ffe_0001n }]);
check('66 0f 38 0b c1', 'pmulhrsw xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x1_0001_ff03_fffe_0101_fd07_0000_fffen }]);
check('0f 38 08 c1', 'psignb mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0xff_8000_0001_ff81n }]);
check('66 0f 38 08 c1', 'psignb xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0xff_8000_0001_ff81_01fe_8002_00fe_ff80n }]);
check('0f 38 09 c1', 'psignw mm0,mm1', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7fff_8000_ff01_ff7fn }]);
check('66 0f 38 09 c1', 'psignw xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x7fff_8000_ff01_ff7f_0102_80fe_fffe_fe80n }]);
check('0f 38 0a c1', 'psignd mm0,mm1', [{ mm0: A, mm1: 0x8000_0000_0000_0000n }, { ftw: 0xff, mm0: 0x8000_8000_0000_0000n }]);
check('66 0f 38 0a c1', 'psignd xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x7fff_8000_ff00_0081_0102_80fe_fffe_0180n }]);
check('0f 38 1c c1', 'pabsb mm0,mm1', [{ mm1: A }, { ftw: 0xff, mm0: 0x7f01_8000_0001_017fn }]);
check('66 0f 38 1c c1', 'pabsb xmm0,xmm1', [{ xmm1: X }, { xmm0: 0x7f01_8000_0001_017f_0102_8002_0102_0180n }]);
check('0f 38 1d c1', 'pabsw mm0,mm1', [{ mm1: A }, { ftw: 0xff, mm0: 0x7fff_8000_00ff_0081n }]);
check('66 0f 38 1d c1', 'pabsw xmm0,xmm1', [{ xmm1: X }, { xmm0: 0x7fff_8000_00ff_0081_0102_7f02_0002_0180n }]);
check('0f 38 1e c1', 'pabsd mm0,mm1', [{ mm1: 0x8000_0000_ffff_fffen }, { ftw: 0xff, mm0: 0x8000_0000_0000_0002n }]);
check('66 0f 38 1e c1', 'pabsd xmm0,xmm1', [{ xmm1: X }, { xmm0: 0x7fff_8000_00ff_ff7f_0102_80fe_0001_fe80n }]);
// palignr: bytes from the middle of both, zeros past them
check('0f 3a 0f c1 03', 'palignr mm0,mm1,3', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0xffff_7f00_01ff_ff80n }]);
check('0f 3a 0f c1 0b', 'palignr mm0,mm1,0xb', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0x7f_ff80_0000n }]);
check('0f 3a 0f c1 10', 'palignr mm0,mm1,0x10', [{ mm0: A, mm1: B }, { ftw: 0xff, mm0: 0n }]);
check('66 0f 3a 0f c1 00', 'palignr xmm0,xmm1,0', [{ xmm0: X, xmm1: Y }, { xmm0: 0x1_ffff_80ff_0180_7f81_02ff_0003_ff7fn }]);
check('66 0f 3a 0f c1 05', 'palignr xmm0,xmm1,5', [{ xmm0: X, xmm1: Y }, { xmm0: 0xfeff_fe01_8000_01ff_ff80_ff01_807f_8102n }]);
check('66 0f 3a 0f c1 14', 'palignr xmm0,xmm1,0x14', [{ xmm0: X, xmm1: Y }, { xmm0: 0x7fff_8000_00ff_ff7f_0102_80fen }]);
check('66 0f 3a 0f c1 20', 'palignr xmm0,xmm1,0x20', [{ xmm0: X, xmm1: Y }, { xmm0: 0n }]);
check('66 0f 3a 0f c1 ff', 'palignr xmm0,xmm1,-1', [{ xmm0: X, xmm1: Y }, { xmm0: 0n }]);
// memory: anywhere for MMX, aligned for vectors
check('0f 38 01 03', 'phaddw mm0,[rbx]', [{ mm0: A, rbx: data(0x203), 'm64[0x203]': B }, { ftw: 0xff, mm0: 0x827f_ffff_007en }]);
check('66 0f 38 00 03', 'pshufb xmm0,[rbx]', [{ xmm0: X, rbx: data(0x210) }, { xmm0: 0x8080_8080_8080_8080_8080_8080_8080_8080n }]);
check('66 0f 38 00 03', 'pshufb xmm0,[rbx]', [{ rbx: data(0x208) }, { fault: '#GP(0)' }]);

everyMnemonicOf('sse/ssse3');
