// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../support/check.ts';

check('50', 'push rax', [{ rax: 0x0123_4567_89ab_cdefn }, { rsp: data(0x17f8), 'm64[0x17f8]': 0x123_4567_89ab_cdefn }]);
check('66 50', 'push ax', [{ rax: 0x0123_4567_89ab_cdefn }, { rsp: data(0x17fe), 'm16[0x17fe]': 0xcdefn }]);

// PUSH RSP pushes the old value
check('54', 'push rsp', [{}, { rsp: data(0x17f8), 'm32[0x17f9]': 0x10_0018n }]);
check('6a fe', 'push -2', [{}, { rsp: data(0x17f8), 'm64[0x17f8]': 0xffff_ffff_ffff_fffen }]);
check('68 ff ff ff 7f', 'push 0x7fffffff', [{}, { rsp: data(0x17f8), 'm32[0x17f8]': 0x7fff_ffffn }]);
check('66 68 34 12', 'data16 push 0x1234', [{}, { rsp: data(0x17fe), 'm16[0x17fe]': 0x1234n }]);
check('66 6a 80', 'data16 push -0x80', [{}, { rsp: data(0x17fe), 'm16[0x17fe]': 0xff80n }]);
check('ff 74 24 08', 'push qword ptr [rsp+8]', [{ 'm64[0x1808]': 7n }, { rsp: data(0x17f8), 'm8[0x17f8]': 7n }]);
check('0f a0', 'push fs', [{ 'm64[0x17f8]': 0xffff_ffff_ffff_ffffn }, { rsp: data(0x17f8), 'm64[0x17f8]': 0n }]);
check('0f a8', 'push gs', [{ 'm64[0x17f8]': 0xffff_ffff_ffff_ffffn }, { rsp: data(0x17f8), 'm64[0x17f8]': 0n }]);
check('58', 'pop rax', [{ 'm64[0x1800]': 0x0123_4567_89ab_cdefn }, { rax: 0x123_4567_89ab_cdefn, rsp: data(0x1808) }]);
check('66 58', 'pop ax', [{ rax: 0xffff_ffffn, 'm64[0x1800]': 0x0123_4567_89ab_cdefn }, { rax: 0xffff_cdefn, rsp: data(0x1802) }]);

// POP RSP ends with the popped value
check('5c', 'pop rsp', [{ 'm64[0x1800]': 0x1234n }, { rsp: 0x1234n }]);

// an address through RSP counts from behind the increment
check('8f 44 24 08', 'pop qword ptr [rsp+8]', [{ 'm64[0x1800]': 7n }, { rsp: data(0x1808), 'm8[0x1810]': 7n }]);
check('66 8f 04 24', 'pop word ptr [rsp]', [{ 'm16[0x1800]': 7n }, { rsp: data(0x1802), 'm8[0x1802]': 7n }]);
check('8f 03', 'pop qword ptr [rbx]', [{ rbx: data(0x200), 'm64[0x1800]': 7n }, { rsp: data(0x1808), 'm8[0x200]': 7n }]);
check('0f a1', 'pop fs', [{ 'm64[0x1800]': 0xffff_ffff_ffff_0000n, fsbase: 0x55n }, { rsp: data(0x1808), fsbase: 0n }], { machine: 'AMD CPUs keep the base' });
check('0f a9', 'pop gs', [{ 'm64[0x1800]': 0x1234n }, { fault: '#GP(0x1234)' }]);

// a fault leaves RSP and the destination
check('50', 'push rax', [{ rsp: 0x8000_0000_0000_0000n }, { fault: '#SS(0)' }]);
check('50', 'push rax', [{ rsp: data(0) }, { fault: '#PF(6)', cr2: data(-8) }]);
check('50', 'push rax', [{ rsp: data(4) }, { fault: '#PF(6)', cr2: data(-4) }]);
check('58', 'pop rax', [{ rsp: 0x8000_0000_0000_0000n }, { fault: '#SS(0)' }]);
check('8f 03', 'pop qword ptr [rbx]', [{ rbx: 0n }, { fault: '#PF(6)' }]);
check('ff 33', 'push qword ptr [rbx]', [{ rbx: 0x1000_3000n, rsp: data(0) }, { fault: '#PF(6)', cr2: data(-8) }]);
check('c9', 'leave', [{ rbp: data(0x1900), 'm64[0x1900]': 0x77n }, { rsp: data(0x1908), rbp: 0x77n }]);
check('66 c9', 'data16 leave', [{ rbp: data(0x1900), 'm64[0x1900]': 0x77n }, { rsp: data(0x1902), rbp: data(0x77) }]);
check('c9', 'leave', [{ rbp: 0x8000_0000_0000_0000n }, { fault: '#SS(0)' }]);
check('c8 20 00 00', 'enter 0x20,0', [{ rbp: 0x1111n }, { rsp: data(0x17d8), rbp: data(0x17f8), 'm16[0x17f8]': 0x1111n }]);
check('c8 08 00 01', 'enter 8,1', [{ rbp: 0x1111n }, { rsp: data(0x17e8), rbp: data(0x17f8), 'm128[0x17f0]': 0x1111_0000_0000_1000_17f8n }]);
check('c8 00 00 03', 'enter 0,3', [{ rbp: data(0x1900), 'm64[0x18f8]': 0xaan, 'm64[0x18f0]': 0xbbn }, { rsp: data(0x17e0), rbp: data(0x17f8), 'm128[0x17e0]': 0xbb_0000_0000_1000_17f8n, 'm8[0x17f0]': 0xaan, 'm32[0x17f9]': 0x10_0019n }]);
check('66 c8 10 00 00', 'data16 enter 0x10,0', [{ rbp: 0x1111n }, { rsp: data(0x17ee), rbp: 0x17fen, 'm16[0x17fe]': 0x1111n }]);
check('c8 00 00 21', 'enter 0,0x21', [{ rbp: 0x1111n }, { rsp: data(0x17f0), rbp: data(0x17f8), 'm128[0x17f0]': 0x1111_0000_0000_1000_17f8n }]);
check('c8 ff ff 00', 'enter -1,0', [{ rbp: 0x1111n }, { fault: '#PF(6)', cr2: 0xfff_17f9n, 'm16[0x17f8]': 0x1111n }]);

// PUSHF: RF and VM clear in the image
check('9c', 'pushfq', [{ flags: 'oszapc', df: 1 }, { rsp: data(0x17f8), 'm16[0x17f8]': 0xed7n }]);
check('9c', 'pushfq', [{ flags: '', ac: 1, id: 1, nt: 1 }, { rsp: data(0x17f8), 'm32[0x17f8]': 0x24_4202n }]);
check('66 9c', 'pushf', [{ flags: 'z', id: 1 }, { rsp: data(0x17fe), 'm16[0x17fe]': 0x242n }]);

// POPF at CPL 3 leaves IF and IOPL, and never sets RF or VM
check('9d', 'popfq', [{ 'm64[0x1800]': 0n }, { rsp: data(0x1808), flags: '' }]);
check('9d', 'popfq', [{ 'm64[0x1800]': 0xffff_ffff_ffff_feffn }, { rsp: data(0x1808), df: 1, nt: 1, ac: 1, id: 1, flags: 'oszapc' }]);
check('66 9d', 'popf', [{ 'm64[0x1800]': 0xffff_ffff_0000_0cd5n }, { rsp: data(0x1802), df: 1, flags: 'oszapc' }]);
check('9d', 'popfq', [{ 'm64[0x1800]': 0x202n, rsp: data(0x1801) }, { rsp: data(0x1809), flags: '' }]);
check('9d', 'popfq', [{ 'm64[0x1800]': 0n }, { rsp: data(0x1808), if: 0, flags: '' }], { cpl: 0 });
check('9d', 'popfq', [{ 'm64[0x1800]': 0x202n, if: 0 }, { rsp: data(0x1808), if: 1, flags: '' }], { cpl: 0 });
check('9f', 'lahf', [{ rax: 0n, flags: 'oszapc' }, { rax: 0xd700n }]);
check('9f', 'lahf', [{ rax: 0xffffn, flags: '' }, { rax: 0x2ffn }]);
check('9e', 'sahf', [{ rax: 0xffffn }, { sf: 1, zf: 1, af: 1, pf: 1, cf: 1 }]);
check('9e', 'sahf', [{ rax: 0n }, { sf: 0, zf: 0, af: 0, pf: 0, cf: 0 }]);
check('fc', 'cld', [{ df: 1 }, { df: 0 }]);
check('fc', 'cld', [{}, {}]);
check('fd', 'std', [{}, { df: 1 }]);
check('f8', 'clc', [{}, { cf: 0 }]);
check('f9', 'stc', [{}, { cf: 1 }]);
check('f5', 'cmc', [{ cf: 0 }, { cf: 1 }]);
check('f5', 'cmc', [{ cf: 1 }, { cf: 0 }]);

everyMnemonicOf('stack');
