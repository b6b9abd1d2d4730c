// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../support/check.ts';

check('a4', 'movsb [rdi],[rsi]', [{ rsi: data(0x200), rdi: data(0x300), 'm8[0x200]': 0x11n }, { rsi: data(0x201), rdi: data(0x301), 'm8[0x300]': 0x11n }]);
check('66 a5', 'movsw [rdi],[rsi]', [{ rsi: data(0x200), rdi: data(0x300), 'm16[0x200]': 0x1122n, df: 1 }, { rsi: data(0x1fe), rdi: data(0x2fe), 'm16[0x300]': 0x1122n }]);
check('a5', 'movsd [rdi],[rsi]', [{ rsi: data(0xffe), rdi: data(0x301), 'm32[0xffe]': 0x1122_3344n }, { rsi: data(0x1002), rdi: data(0x305), 'm32[0x301]': 0x1122_3344n }]);
check('48 a5', 'movsq [rdi],[rsi]', [{ rsi: data(0x200), rdi: data(0xffc), 'm64[0x200]': 0x1122_3344_5566_7788n }, { rsi: data(0x208), rdi: data(0x1004), 'm64[0xffc]': 0x1122_3344_5566_7788n }]);

// the source takes a segment override, the destination does not
check('64 a4', 'movsb es:[rdi],fs:[rsi]', [{ rsi: 0x10n, rdi: data(0x300), fsbase: data(0x200), gsbase: 5n, 'm8[0x210]': 0x11n }, { rsi: 0x11n, rdi: data(0x301), 'm8[0x300]': 0x11n }]);

// 67: ESI, EDI and ECX, zero-extended where they are written
check('67 a5', 'movsd [edi],[esi]', [{ rsi: 0xffff_ffff_1000_0200n, rdi: 0xffff_ffff_1000_0300n, 'm32[0x200]': 0x1122_3344n }, { rsi: data(0x204), rdi: data(0x304), 'm32[0x300]': 0x1122_3344n }]);
check('67 f3 a4', 'rep movsb [edi],[esi]', [{ rsi: 0x5_1000_0200n, rdi: 0x5_1000_0300n, rcx: 0xffff_ffff_0000_0002n, 'm16[0x200]': 0x1122n }, { rcx: 0n, rsi: data(0x202), rdi: data(0x302), 'm16[0x300]': 0x1122n }]);
check('67 48 ab', 'stosq [edi]', [{ rax: 0x1122_3344_5566_7788n, rdi: 0xffff_ffff_1000_0300n }, { rdi: data(0x308), 'm64[0x300]': 0x1122_3344_5566_7788n }]);
check('f3 a4', 'rep movsb [rdi],[rsi]', [{ rsi: data(0x200), rdi: data(0x300), rcx: 5n, 'bytes[0x200]': '01 02 03 04 05 06' }, { rcx: 0n, rsi: data(0x205), rdi: data(0x305), 'm64[0x300]': 0x5_0403_0201n }]);
check('f3 a4', 'rep movsb [rdi],[rsi]', [{ rsi: data(0x200), rdi: data(0x201), rcx: 7n, 'm8[0x200]': 0x5an }, { rcx: 0n, rsi: data(0x207), rdi: data(0x208), 'm64[0x201]': 0x5a_5a5a_5a5a_5a5an }]);
check('f3 66 a5', 'rep movsw [rdi],[rsi]', [{ rsi: data(0x204), rdi: data(0x304), rcx: 3n, df: 1, 'bytes[0x200]': '01 02 03 04 05 06' }, { rcx: 0n, rsi: data(0x1fe), rdi: data(0x2fe), 'm64[0x300]': 0x605_0403_0201n }]);

// RCX of zero: no access at all
check('f3 48 a5', 'rep movsq [rdi],[rsi]', [{ rsi: 0n, rdi: 0n, rcx: 0n }, {}]);
check('67 f3 a4', 'rep movsb [edi],[esi]', [{ rsi: 0n, rdi: 0n, rcx: 0xffff_ffff_0000_0000n }, {}]);

// a fault leaves what was done and the registers of the next element
check('f3 a4', 'rep movsb [rdi],[rsi]', [{ rsi: data(0x200), rdi: data(0x1ffe), rcx: 5n, 'bytes[0x200]': '01 02 03 04 05' }, { fault: '#PF(6)', cr2: data(0x2000), rcx: 3n, rsi: data(0x202), rdi: data(0x2000), 'm16[0x1ffe]': 0x201n }]);
check('f3 48 ab', 'rep stosq [rdi]', [{ rax: 0x1122_3344_5566_7788n, rdi: data(0x1fec), rcx: 4n }, { fault: '#PF(6)', cr2: data(0x2000), rcx: 2n, rdi: data(0x1ffc), 'm128[0x1fec]': 0x1122_3344_5566_7788_1122_3344_5566_7788n }]);
check('48 a5', 'movsq [rdi],[rsi]', [{ rsi: data(0x200), rdi: data(0x1ffc), 'm64[0x200]': 0x1122_3344_5566_7788n }, { fault: '#PF(6)', cr2: data(0x2000) }]);
check('a4', 'movsb [rdi],[rsi]', [{ rsi: 0x8000_0000_0000_0000n, rdi: data(0x300) }, { fault: '#GP(0)' }]);
check('aa', 'stosb [rdi]', [{ rax: 0x1122n, rdi: data(0x300) }, { rdi: data(0x301), 'm8[0x300]': 0x22n }]);
check('66 ab', 'stosw [rdi]', [{ rax: 0x1122n, rdi: data(0x300), df: 1 }, { rdi: data(0x2fe), 'm16[0x300]': 0x1122n }]);
check('ab', 'stosd [rdi]', [{ rax: 0x1122_3344n, rdi: data(0x300) }, { rdi: data(0x304), 'm32[0x300]': 0x1122_3344n }]);
check('f3 48 ab', 'rep stosq [rdi]', [{ rax: 0x1122_3344_5566_7788n, rdi: data(0x300), rcx: 2n }, { rcx: 0n, rdi: data(0x310), 'm128[0x300]': 0x1122_3344_5566_7788_1122_3344_5566_7788n }]);

// ES is never overridden
check('64 aa', 'stosb es:[rdi]', [{ rax: 0x11n, rdi: data(0x300), fsbase: 0x1000n }, { rdi: data(0x301), 'm8[0x300]': 0x11n }]);
check('ac', 'lodsb [rsi]', [{ rax: 0xffff_ffff_ffff_ffffn, rsi: data(0x200), 'm8[0x200]': 0x11n }, { rax: 0xffff_ffff_ffff_ff11n, rsi: data(0x201) }]);
check('66 ad', 'lodsw [rsi]', [{ rax: 0xffff_ffff_ffff_ffffn, rsi: data(0x200), 'm16[0x200]': 0x1122n }, { rax: 0xffff_ffff_ffff_1122n, rsi: data(0x202) }]);
check('ad', 'lodsd [rsi]', [{ rax: 0xffff_ffff_ffff_ffffn, rsi: data(0x200), 'm32[0x200]': 0x1122n, df: 1 }, { rax: 0x1122n, rsi: data(0x1fc) }]);
check('48 ad', 'lodsq [rsi]', [{ rsi: data(0x200), 'm64[0x200]': 0x1122n }, { rax: 0x1122n, rsi: data(0x208) }]);
check('65 ac', 'lodsb gs:[rsi]', [{ rax: 0n, rsi: 0n, gsbase: data(0x200), 'm8[0x200]': 0x11n }, { rax: 0x11n, rsi: 1n }]);
check('f3 ac', 'rep lodsb [rsi]', [{ rax: 0n, rsi: data(0x200), rcx: 3n, 'bytes[0x200]': '01 02 03' }, { rax: 3n, rcx: 0n, rsi: data(0x203) }]);

// CMPS compares [RSI] with [RDI]: source minus destination
check('a6', 'cmpsb [rsi],[rdi]', [{ rsi: data(0x200), rdi: data(0x300), 'm8[0x200]': 1n, 'm8[0x300]': 2n }, { rsi: data(0x201), rdi: data(0x301), flags: 'sapc' }]);
check('66 a7', 'cmpsw [rsi],[rdi]', [{ rsi: data(0x200), rdi: data(0x300), 'm16[0x200]': 0x8000n, 'm16[0x300]': 1n }, { rsi: data(0x202), rdi: data(0x302), flags: 'oap' }]);
check('a7', 'cmpsd [rsi],[rdi]', [{ rsi: data(0x200), rdi: data(0x300), df: 1 }, { rsi: data(0x1fc), rdi: data(0x2fc), flags: 'zp' }]);
check('48 a7', 'cmpsq [rsi],[rdi]', [{ rsi: data(0x200), rdi: data(0x300), 'm64[0x200]': 5n }, { rsi: data(0x208), rdi: data(0x308), flags: 'p' }]);
check('f3 a6', 'repe cmpsb [rsi],[rdi]', [{ rsi: data(0x200), rdi: data(0x300), rcx: 9n, 'bytes[0x200]': '01 02 03', 'bytes[0x300]': '01 02 04' }, { rcx: 6n, rsi: data(0x203), rdi: data(0x303), flags: 'sapc' }]);
check('f3 a6', 'repe cmpsb [rsi],[rdi]', [{ rsi: data(0x200), rdi: data(0x300), rcx: 2n, 'bytes[0x200]': '01 02 03', 'bytes[0x300]': '01 02 04' }, { rcx: 0n, rsi: data(0x202), rdi: data(0x302), flags: 'zp' }]);
check('f2 a6', 'repne cmpsb [rsi],[rdi]', [{ rsi: data(0x200), rdi: data(0x300), rcx: 9n, 'bytes[0x200]': '01 02 03', 'bytes[0x300]': '05 06 03' }, { rcx: 6n, rsi: data(0x203), rdi: data(0x303), flags: 'zp' }]);

// no iteration: the flags stay
check('f3 a6', 'repe cmpsb [rsi],[rdi]', [{ rsi: data(0x200), rdi: data(0x300), rcx: 0n }, {}]);
check('f2 ae', 'repne scasb [rdi]', [{ rax: 3n, rdi: data(0x300), rcx: 9n, 'bytes[0x300]': '01 02 03 04' }, { rcx: 6n, rdi: data(0x303), flags: 'zp' }]);
check('f2 ae', 'repne scasb [rdi]', [{ rax: 9n, rdi: data(0x300), rcx: 3n, 'bytes[0x300]': '01 02 03 04' }, { rcx: 0n, rdi: data(0x303), flags: 'p' }]);
check('f3 66 af', 'repe scasw [rdi]', [{ rax: 0x1111n, rdi: data(0x300), rcx: 5n, 'm32[0x300]': 0x1111_1111n }, { rcx: 2n, rdi: data(0x306), flags: 'p' }]);
check('ae', 'scasb [rdi]', [{ rax: 0x80n, rdi: data(0x300), 'm8[0x300]': 1n }, { rdi: data(0x301), flags: 'oa' }]);
check('af', 'scasd [rdi]', [{ rax: 5n, rdi: data(0x300), 'm32[0x300]': 5n, df: 1 }, { rdi: data(0x2fc), flags: 'zp' }]);
check('48 af', 'scasq [rdi]', [{ rax: 0n, rdi: data(0x300), 'm64[0x300]': 1n }, { rdi: data(0x308), flags: 'sapc' }]);


everyMnemonicOf('string');
