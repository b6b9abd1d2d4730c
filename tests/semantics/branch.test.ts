// biome-ignore-all format: a test is a line
import { CODE_AT, check, data, everyMnemonicOf, open } from '../support/check.ts';

const SIZE = open('AMD CPUs take 16 bits of RIP');

check('e9 0b 00 00 00', 'jmp 0x1010', [{}, { rip: 16 }]);
check('eb 10', 'jmp 0x1012', [{}, { rip: 18 }]);
check('eb f0', 'jmp 0xff2', [{}, { rip: -14 }]);
check('e9 00 f9 ff ff', 'jmp 0x905', [{}, { rip: -1787 }]);

// 66 does not change the size of a near branch (AMD CPUs honour it)
check('66 e9 10 00 00 00', 'jmp 0x1016', [{}, { rip: 22 }], SIZE);
check('66 0f 84 10 00 00 00', 'je 0x1017', [{ zf: 1 }, { rip: 23 }], SIZE);
check('66 eb 10', 'jmp 0x1013', [{}, { rip: 19 }], SIZE);
check('ff e0', 'jmp rax', [{ rax: CODE_AT + 0x40n }, { rip: 64 }]);
check('ff 23', 'jmp qword ptr [rbx]', [{ rbx: data(0x200), 'm64[0x200]': CODE_AT + 0x40n }, { rip: 64 }]);
check('ff e0', 'jmp rax', [{ rax: 0x8000_0000_0000n }, { fault: '#GP(0)' }]);
check('ff e0', 'jmp rax', [{ rax: data(0) }, { fault: '#PF(0x15)', rip: -268437504, cr2: data(0) }]);
check('ff e0', 'jmp rax', [{ rax: 0x7fff_0000n }, { fault: '#PF(0x14)', rip: 1610545152, cr2: 0x7fff_0000n }]);
check('0f 80 0a 00 00 00', 'jo 0x1010', [{ of: 1 }, { rip: 16 }]);
check('0f 80 0a 00 00 00', 'jo 0x1010', [{ of: 0 }, {}]);
check('0f 81 0a 00 00 00', 'jno 0x1010', [{ of: 0 }, { rip: 16 }]);
check('0f 82 0a 00 00 00', 'jb 0x1010', [{ cf: 1 }, { rip: 16 }]);
check('0f 83 0a 00 00 00', 'jae 0x1010', [{ cf: 0 }, { rip: 16 }]);
check('0f 83 0a 00 00 00', 'jae 0x1010', [{ cf: 1 }, {}]);
check('0f 84 0a 00 00 00', 'je 0x1010', [{ zf: 1 }, { rip: 16 }]);
check('0f 85 0a 00 00 00', 'jne 0x1010', [{ zf: 0 }, { rip: 16 }]);
check('0f 85 0a 00 00 00', 'jne 0x1010', [{ zf: 1 }, {}]);
check('0f 86 0a 00 00 00', 'jbe 0x1010', [{ cf: 0, zf: 1 }, { rip: 16 }]);
check('0f 86 0a 00 00 00', 'jbe 0x1010', [{ cf: 0, zf: 0 }, {}]);
check('0f 87 0a 00 00 00', 'ja 0x1010', [{ cf: 0, zf: 0 }, { rip: 16 }]);
check('0f 88 0a 00 00 00', 'js 0x1010', [{ sf: 1 }, { rip: 16 }]);
check('0f 89 0a 00 00 00', 'jns 0x1010', [{ sf: 0 }, { rip: 16 }]);
check('0f 8a 0a 00 00 00', 'jp 0x1010', [{ pf: 1 }, { rip: 16 }]);
check('0f 8b 0a 00 00 00', 'jnp 0x1010', [{ pf: 0 }, { rip: 16 }]);
check('0f 8c 0a 00 00 00', 'jl 0x1010', [{ sf: 1, of: 0 }, { rip: 16 }]);
check('0f 8c 0a 00 00 00', 'jl 0x1010', [{ sf: 1, of: 1 }, {}]);
check('0f 8d 0a 00 00 00', 'jge 0x1010', [{ sf: 1, of: 1 }, { rip: 16 }]);
check('0f 8e 0a 00 00 00', 'jle 0x1010', [{ zf: 1, sf: 0, of: 0 }, { rip: 16 }]);
check('0f 8f 0a 00 00 00', 'jg 0x1010', [{ zf: 0, sf: 0, of: 0 }, { rip: 16 }]);
check('0f 8f 0a 00 00 00', 'jg 0x1010', [{ zf: 0, sf: 0, of: 1 }, {}]);
check('0f 8f 40 00 00 00', 'jg 0x1046', [{ zf: 0, sf: 1, of: 1 }, { rip: 70 }]);

// counters: RCX, with 67 ECX; no flag changes
check('e3 0e', 'jrcxz 0x1010', [{ rcx: 0n }, { rip: 16 }]);
check('e3 0e', 'jrcxz 0x1010', [{ rcx: 0xffff_ffff_0000_0000n }, {}]);
check('67 e3 0d', 'jecxz 0x1010', [{ rcx: 0xffff_ffff_0000_0000n }, { rip: 16 }]);
check('e2 0e', 'loop 0x1010', [{ rcx: 2n }, { rip: 16, rcx: 1n }]);
check('e2 0e', 'loop 0x1010', [{ rcx: 1n }, { rcx: 0n }]);
check('e2 0e', 'loop 0x1010', [{ rcx: 0n }, { rip: 16, rcx: 0xffff_ffff_ffff_ffffn }]);
check('67 e2 0d', 'addr32 loop 0x1010', [{ rcx: 0xffff_ffff_0000_0001n }, { rcx: 0n }]);
check('67 e2 0d', 'addr32 loop 0x1010', [{ rcx: 0xffff_ffff_0000_0000n }, { rip: 16, rcx: 0xffff_ffffn }]);
check('e1 0e', 'loope 0x1010', [{ rcx: 2n, zf: 1 }, { rip: 16, rcx: 1n }]);
check('e1 0e', 'loope 0x1010', [{ rcx: 2n, zf: 0 }, { rcx: 1n }]);
check('e0 0e', 'loopne 0x1010', [{ rcx: 2n, zf: 0 }, { rip: 16, rcx: 1n }]);
check('e0 0e', 'loopne 0x1010', [{ rcx: 2n, zf: 1 }, { rcx: 1n }]);
check('e0 0e', 'loopne 0x1010', [{ rcx: 1n, zf: 0 }, { rcx: 0n }]);
check('e8 0b 00 00 00', 'call 0x1010', [{}, { rip: 16, rsp: data(0x17f8), 'm64[0x17f8]': CODE_AT + 5n }]);
check('ff d0', 'call rax', [{ rax: CODE_AT + 0x40n }, { rip: 64, rsp: data(0x17f8), 'm64[0x17f8]': CODE_AT + 2n }]);
check('ff 14 24', 'call qword ptr [rsp]', [{ 'm64[0x1800]': CODE_AT + 0x40n }, { rip: 64, rsp: data(0x17f8), 'm64[0x17f8]': CODE_AT + 3n }]);
check('ff d4', 'call rsp', [{}, { fault: '#PF(0x15)', rip: -268431360, cr2: data(0x1800), rsp: data(0x17f8), 'm64[0x17f8]': CODE_AT + 2n }]);

// the target is checked before anything is pushed
check('ff d0', 'call rax', [{ rax: 0x8000_0000_0000_0000n }, { fault: '#GP(0)' }], open('AMD CPUs push first'));
check('e8 0b 00 00 00', 'call 0x1010', [{ rsp: data(0) }, { fault: '#PF(6)', cr2: data(-8) }]);
check('c3', 'ret', [{ 'm64[0x1800]': CODE_AT + 0x40n }, { rip: 64, rsp: data(0x1808) }]);
check('c2 10 00', 'ret 0x10', [{ 'm64[0x1800]': CODE_AT + 0x40n }, { rip: 64, rsp: data(0x1818) }]);
check('c2 f8 ff', 'ret -8', [{ 'm64[0x1800]': CODE_AT + 0x40n }, { rip: 64, rsp: 0x1001_1800n }]);
check('f3 c3', 'rep ret', [{ 'm64[0x1800]': CODE_AT + 0x40n }, { rip: 64, rsp: data(0x1808) }]);
check('c3', 'ret', [{ 'm64[0x1800]': 0x8000_0000_0000_0000n }, { fault: '#GP(0)' }]);
check('c3', 'ret', [{ rsp: 0x8000_0000_0000_0000n }, { fault: '#SS(0)' }]);


everyMnemonicOf('branch');
