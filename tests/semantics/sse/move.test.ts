// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../../support/check.ts';

check('0f 28 c1', 'movaps xmm0,xmm1', [{ xmm1: 1n }, { xmm0: 1n }]);
check('0f 28 03', 'movaps xmm0,[rbx]', [{ rbx: data(0x200), 'm128[0x200]': 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210n }, { xmm0: 0x123_4567_89ab_cdef_fedc_ba98_7654_3210n }]);
check('44 0f 29 0b', 'movaps [rbx],xmm9', [{ rbx: data(0x200), xmm9: 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210n }, { 'm128[0x200]': 0x123_4567_89ab_cdef_fedc_ba98_7654_3210n }]);
check('0f 28 03', 'movaps xmm0,[rbx]', [{ rbx: data(0x208) }, { fault: '#GP(0)' }]);
check('0f 29 03', 'movaps [rbx],xmm0', [{ rbx: data(0x201) }, { fault: '#GP(0)' }]);
check('66 0f 28 ca', 'movapd xmm1,xmm2', [{ xmm2: 7n }, { xmm1: 7n }]);
check('66 0f 7f 0b', 'movdqa [rbx],xmm1', [{ rbx: data(0x1ff0), xmm1: 1n }, { 'm8[0x1ff0]': 1n }]);
check('66 0f 6f 0b', 'movdqa xmm1,[rbx]', [{ rbx: data(0x1ff8) }, { fault: '#GP(0)' }]);
check('0f 10 0b', 'movups xmm1,[rbx]', [{ rbx: data(0xff8), 'm128[0xff8]': 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210n }, { xmm1: 0x123_4567_89ab_cdef_fedc_ba98_7654_3210n }]);
check('0f 11 0b', 'movups [rbx],xmm1', [{ rbx: data(0xff1), xmm1: 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210n }, { 'm128[0xff1]': 0x123_4567_89ab_cdef_fedc_ba98_7654_3210n }]);

// nothing is written where the second page is missing
check('0f 11 0b', 'movups [rbx],xmm1', [{ rbx: data(0x1ff8) }, { fault: '#PF(6)', cr2: data(0x2000) }]);
check('66 0f 10 ca', 'movupd xmm1,xmm2', [{ xmm2: 7n }, { xmm1: 7n }]);
check('f3 44 0f 7f 3b', 'movdqu [rbx],xmm15', [{ rbx: data(0x203), xmm15: 0xffff_ffff_ffff_ffff_0000_0000_0000_0000n }, { 'm64[0x20b]': 0xffff_ffff_ffff_ffffn }]);
check('0f 2b 03', 'movntps [rbx],xmm0', [{ rbx: data(0x200), xmm0: 3n }, { 'm8[0x200]': 3n }]);
check('66 0f 2b 03', 'movntpd [rbx],xmm0', [{ rbx: data(0x208) }, { fault: '#GP(0)' }]);
check('66 0f e7 03', 'movntdq [rbx],xmm0', [{ rbx: data(0x210), xmm0: 5n }, { 'm8[0x210]': 5n }]);

// from memory the rest is zeroed, between registers it stays
check('f3 0f 10 03', 'movss xmm0,[rbx]', [{ xmm0: 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffffn, rbx: data(0x201), 'm32[0x201]': 0x7f80_0001n }, { xmm0: 0x7f80_0001n }]);
check('f3 0f 10 c1', 'movss xmm0,xmm1', [{ xmm0: 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffffn, xmm1: 0x1_0000_0002n }, { xmm0: 0xffff_ffff_ffff_ffff_ffff_ffff_0000_0002n }]);
check('f3 0f 11 0b', 'movss [rbx],xmm1', [{ rbx: data(0x200), xmm1: 0x1_0000_0002n }, { 'm8[0x200]': 2n }]);
check('f2 0f 10 03', 'movsd xmm0,[rbx]', [{ xmm0: 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffffn, rbx: data(0x201), 'm64[0x201]': 9n }, { xmm0: 9n }]);
check('f2 0f 10 c1', 'movsd xmm0,xmm1', [{ xmm0: 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffffn, xmm1: 0x1_0000_0000_0000_0002n }, { xmm0: 0xffff_ffff_ffff_ffff_0000_0000_0000_0002n }]);
check('f2 0f 11 0b', 'movsd [rbx],xmm1', [{ rbx: data(0xffc), xmm1: 0x1_0000_0000_0000_0002n }, { 'm8[0xffc]': 2n }]);
check('66 0f 6e c0', 'movd xmm0,eax', [{ rax: 0xffff_ffff_8000_0001n }, { xmm0: 0x8000_0001n }]);
check('66 0f 7e c0', 'movd eax,xmm0', [{ rax: 0xffff_ffff_ffff_ffffn, xmm0: 0x1_8000_0001n }, { rax: 0x8000_0001n }]);
check('66 0f 7e 03', 'movd [rbx],xmm0', [{ rbx: data(0x200), xmm0: 0x1_8000_0001n }, { 'm32[0x200]': 0x8000_0001n }]);
check('66 48 0f 6e c0', 'movq xmm0,rax', [{ rax: 0x8000_0000_0000_0001n }, { xmm0: 0x8000_0000_0000_0001n }]);
check('66 48 0f 7e c0', 'movq rax,xmm0', [{ xmm0: 0x5_8000_0000_0000_0001n }, { rax: 0x8000_0000_0000_0001n }]);
check('f3 0f 7e c1', 'movq xmm0,xmm1', [{ xmm1: 0x5_8000_0000_0000_0001n }, { xmm0: 0x8000_0000_0000_0001n }]);
check('f3 0f 7e 03', 'movq xmm0,[rbx]', [{ rbx: data(0x200), 'm64[0x200]': 3n }, { xmm0: 3n }]);
check('66 0f d6 03', 'movq [rbx],xmm0', [{ rbx: data(0x200), xmm0: 0x5_8000_0000_0000_0001n }, { 'm64[0x200]': 0x8000_0000_0000_0001n }]);
check('0f 12 03', 'movlps xmm0,[rbx]', [{ xmm0: 0xffff_0000_0000_0000_0000_0000_0000_0000n, rbx: data(0x201), 'm64[0x201]': 9n }, { xmm0: 0xffff_0000_0000_0000_0000_0000_0000_0009n }]);
check('0f 13 03', 'movlps [rbx],xmm0', [{ rbx: data(0x200), xmm0: 0x7_0000_0000_0000_0008n }, { 'm8[0x200]': 8n }]);
check('66 0f 12 03', 'movlpd xmm0,[rbx]', [{ xmm0: 0n, rbx: data(0x200), 'm64[0x200]': 9n }, { xmm0: 9n }]);
check('0f 16 03', 'movhps xmm0,[rbx]', [{ xmm0: 5n, rbx: data(0x200), 'm64[0x200]': 9n }, { xmm0: 0x9_0000_0000_0000_0005n }]);
check('0f 17 03', 'movhps [rbx],xmm0', [{ rbx: data(0x200), xmm0: 0x7_0000_0000_0000_0008n }, { 'm8[0x200]': 7n }]);
check('66 0f 16 03', 'movhpd xmm0,[rbx]', [{ xmm0: 5n, rbx: data(0x200), 'm64[0x200]': 9n }, { xmm0: 0x9_0000_0000_0000_0005n }]);
check('0f 12 c1', 'movhlps xmm0,xmm1', [{ xmm0: 0x1_0000_0000_0000_0002n, xmm1: 0x3_0000_0000_0000_0004n }, { xmm0: 0x1_0000_0000_0000_0003n }]);
check('0f 16 c1', 'movlhps xmm0,xmm1', [{ xmm0: 0x1_0000_0000_0000_0002n, xmm1: 0x3_0000_0000_0000_0004n }, { xmm0: 0x4_0000_0000_0000_0002n }]);
check('0f 50 c0', 'movmskps eax,xmm0', [{ rax: 0xffff_ffff_ffff_ffffn, xmm0: 0x8000_0000_0000_0000_8000_0000_8000_0000n }, { rax: 0xbn }]);
check('66 0f 50 c0', 'movmskpd eax,xmm0', [{ xmm0: 0x8000_0000_0000_0000_0000_0000_8000_0000n }, { rax: 2n }]);
check('66 0f d7 c0', 'pmovmskb eax,xmm0', [{ xmm0: 0x8000_0000_0000_0000_0000_0000_ff00_0080n }, { rax: 0x8009n }]);
check('66 0f f7 c1', 'maskmovdqu xmm0,xmm1', [{ rdi: data(0x200), xmm0: 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100n, xmm1: 0x8000_0000_0000_0000_ff00_0000_0000_8080n, 'm64[0x200]': 0xffff_ffff_ffff_ffffn }, { 'm64[0x200]': 0x7ff_ffff_ffff_0100n, 'm8[0x20f]': 0xfn }]);
check('64 67 66 0f f7 c1', 'addr32 maskmovdqu xmm0,xmm1,fs', [{ rdi: 0xffff_ffff_0000_0010n, fsbase: data(0x1f0), xmm0: 0x11n, xmm1: 0x80n }, { 'm8[0x200]': 0x11n }]);
check('0f ae 13', 'ldmxcsr [rbx]', [{ rbx: data(0x200), 'm32[0x200]': 0xffbfn }, { mxcsr: 0xffbf }]);
check('0f ae 13', 'ldmxcsr [rbx]', [{ rbx: data(0x200), 'm32[0x200]': 0x1_1f80n }, { fault: '#GP(0)' }]);
check('0f ae 13', 'ldmxcsr [rbx]', [{ rbx: data(0x201), 'm32[0x201]': 0n }, { mxcsr: 0 }]);
check('0f ae 1b', 'stmxcsr [rbx]', [{ rbx: data(0x200), mxcsr: 0x9fc0 }, { 'm16[0x200]': 0x9fc0n }]);

// the last of F2 and F3 counts, and beats 66
check('f2 f3 0f 10 c1', 'movss xmm0,xmm1', [{ xmm0: 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffffn, xmm1: 0n }, { xmm0: 0xffff_ffff_ffff_ffff_ffff_ffff_0000_0000n }]);
check('f3 f2 0f 10 c1', 'movsd xmm0,xmm1', [{ xmm0: 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffffn, xmm1: 0n }, { xmm0: 0xffff_ffff_ffff_ffff_0000_0000_0000_0000n }]);
check('f2 66 0f 10 c1', 'movsd xmm0,xmm1', [{ xmm0: 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffffn, xmm1: 0n }, { xmm0: 0xffff_ffff_ffff_ffff_0000_0000_0000_0000n }]);


everyMnemonicOf('sse/move');
