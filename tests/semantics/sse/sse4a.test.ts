// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../../support/check.ts';

const A = 0x1111_2222_3333_4444_0123_4567_89ab_cdefn;

// length, index; what is above goes
check('66 0f 78 c0 08 04', 'extrq xmm0,8,4', [{ xmm0: A }, { xmm0: 0xden }]);
check('66 0f 78 c0 00 00', 'extrq xmm0,0,0', [{ xmm0: A }, { xmm0: 0x0123_4567_89ab_cdefn }]);
check('66 0f 78 c0 40 04', 'extrq xmm0,0x40,4', [{ xmm0: A }, { xmm0: 0x0012_3456_789a_bcden }]);
check('66 0f 78 c0 20 30', 'extrq xmm0,0x20,0x30', [{ xmm0: A }, { xmm0: 0x0123n }]);
check('66 0f 79 c1', 'extrq xmm0,xmm1', [{ xmm0: A, xmm1: 0x0410n }, { xmm0: 0xbcden }]);
check('f2 0f 78 c1 08 04', 'insertq xmm0,xmm1,8,4', [{ xmm0: A, xmm1: 0xff5an }, { xmm0: 0x0123_4567_89ab_c5afn }]);
check('f2 0f 78 c1 00 00', 'insertq xmm0,xmm1,0,0', [{ xmm0: A, xmm1: 0xff5an }, { xmm0: 0xff5an }]);
check('f2 0f 79 c1', 'insertq xmm0,xmm1', [{ xmm0: A, xmm1: 0x3808_0000_0000_0000_0077n }, { xmm0: 0x7723_4567_89ab_cdefn }]);

check('f3 0f 2b 03', 'movntss [rbx],xmm0', [{ xmm0: A, rbx: data(0x201) }, { 'm32[0x201]': 0x89ab_cdefn }]);
check('f2 0f 2b 03', 'movntsd [rbx],xmm0', [{ xmm0: A, rbx: data(0x201) }, { 'm64[0x201]': 0x0123_4567_89ab_cdefn }]);

everyMnemonicOf('sse/sse4a');
