// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../support/check.ts';

check('0f c0 d1', 'xadd cl,dl', [{ rcx: 0xffn, rdx: 1n }, { rcx: 0n, rdx: 0xffn, flags: 'zapc' }]);
check('0f c1 d1', 'xadd ecx,edx', [{ rcx: 0xffff_ffff_0000_0003n, rdx: 0xffff_ffff_0000_0004n }, { rcx: 7n, rdx: 3n, flags: '' }]);
check('48 0f c1 13', 'xadd [rbx],rdx', [{ rbx: data(0x200), rdx: 5n, 'm64[0x200]': 7n }, { rdx: 7n, flags: 'p', 'm8[0x200]': 0xcn }]);
check('f0 66 0f c1 13', 'lock xadd [rbx],dx', [{ rbx: data(0x201), rdx: 0x5_0001n, 'm16[0x201]': 0xffffn }, { rdx: 0x5ffffn, flags: 'zapc', 'm16[0x201]': 0n }]);

// the same register twice holds the sum
check('0f c1 c0', 'xadd eax,eax', [{ rax: 0xffff_ffff_8000_0001n }, { rax: 2n, flags: 'oc' }]);
check('0f c0 e0', 'xadd al,ah', [{ rax: 0x0203n }, { rax: 0x305n, flags: 'p' }]);

// equal: the destination takes the source; RAX stays whole
check('0f b1 d1', 'cmpxchg ecx,edx', [{ rax: 0xffff_ffff_0000_0005n, rcx: 0xffff_ffff_0000_0005n, rdx: 0xffff_ffff_0000_0009n }, { rcx: 9n, flags: 'zp' }]);

// not equal: EAX is zero-extended and the destination's upper half stays
check('0f b1 d1', 'cmpxchg ecx,edx', [{ rax: 0xffff_ffff_0000_0004n, rcx: 0xffff_ffff_0000_0005n, rdx: 9n }, { rax: 5n, flags: 'sapc' }]);
check('48 0f b1 d1', 'cmpxchg rcx,rdx', [{ rax: 4n, rcx: 5n, rdx: 9n }, { rax: 5n, flags: 'sapc' }]);
check('0f b0 d0', 'cmpxchg al,dl', [{ rax: 0x1105n, rdx: 9n }, { rax: 0x1109n, flags: 'zp' }]);
check('0f b0 d6', 'cmpxchg dh,dl', [{ rax: 0x1105n, rdx: 0x0607n }, { rax: 0x1106n, flags: 'sapc' }]);
check('0f b1 0b', 'cmpxchg [rbx],ecx', [{ rax: 0xffff_ffff_0000_0005n, rbx: data(0x200), rcx: 9n, 'm32[0x200]': 5n }, { flags: 'zp', 'm8[0x200]': 9n }]);
check('0f b1 0b', 'cmpxchg [rbx],ecx', [{ rax: 0xffff_ffff_0000_0005n, rbx: data(0x200), rcx: 9n, 'm32[0x200]': 6n }, { rax: 6n, flags: 'sapc' }]);
check('f0 48 0f b1 0b', 'lock cmpxchg [rbx],rcx', [{ rax: 1n, rbx: data(0xffc), rcx: 9n, 'm64[0xffc]': 0n }, { rax: 0n, flags: '' }]);
check('f0 66 0f b1 0b', 'lock cmpxchg [rbx],cx', [{ rax: 0x1_0001n, rbx: data(0x200), rcx: 9n, 'm16[0x200]': 1n }, { flags: 'zp', 'm8[0x200]': 9n }]);

// memory is written either way: it must be writable
check('0f b1 0b', 'cmpxchg [rbx],ecx', [{ rax: 5n, rbx: 0x1000_3000n }, { fault: '#PF(7)', cr2: data(0x3000) }]);
check('f0 0f b1 0b', 'lock cmpxchg [rbx],ecx', [{ rbx: 0n }, { fault: '#PF(6)' }]);

// only ZF; EDX:EAX are zero-extended where they are loaded
check('0f c7 0b', 'cmpxchg8b [rbx]', [{ rax: 0xffff_ffff_0000_0001n, rdx: 0xffff_ffff_0000_0002n, rbx: data(0x201), 'm64[0x201]': 0x2_0000_0001n, rcx: 0xffff_ffff_0000_0004n }, { zf: 1, 'm32[0x202]': 0x410_0002n }]);
check('0f c7 0b', 'cmpxchg8b [rbx]', [{ rax: 0xffff_ffff_0000_0001n, rdx: 0xffff_ffff_0000_0002n, rbx: data(0x200), 'm64[0x200]': 0x2_0000_0003n, rcx: 4n }, { rax: 3n, rdx: 2n, zf: 0 }]);
check('f0 0f c7 0f', 'lock cmpxchg8b [rdi]', [{ rax: 0n, rdx: 0n, rdi: data(0x200), rbx: 1n, rcx: 2n }, { zf: 1, 'm64[0x200]': 0x2_0000_0001n }]);
check('48 0f c7 0f', 'cmpxchg16b [rdi]', [{ rax: 1n, rdx: 2n, rbx: 3n, rcx: 4n, rdi: data(0x200), 'm64[0x200]': 1n, 'm64[0x208]': 2n }, { zf: 1, 'm8[0x200]': 3n, 'm8[0x208]': 4n }]);
check('f0 48 0f c7 0f', 'lock cmpxchg16b [rdi]', [{ rax: 1n, rdx: 2n, rbx: 3n, rcx: 4n, rdi: data(0x200), 'm64[0x200]': 1n, 'm64[0x208]': 5n }, { rdx: 5n, zf: 0 }]);
check('48 0f c7 0f', 'cmpxchg16b [rdi]', [{ rdi: data(0x208) }, { fault: '#GP(0)' }]);
check('48 0f c7 0f', 'cmpxchg16b [rdi]', [{ rax: 1n, rdi: 0x1000_3000n }, { fault: '#PF(7)', cr2: data(0x3000) }]);

// registers are no operands
check('0f c7 c8', '(bad)', [{}, { fault: '#UD' }]);
check('48 0f c7 c8', '(bad)', [{}, { fault: '#UD' }]);

// LOCK where it may not stand
check('f0 90', '(bad)', [{}, { fault: '#UD' }]);
check('f0 01 d8', '(bad)', [{}, { fault: '#UD' }]);
check('f0 89 03', '(bad)', [{ rbx: data(0x200) }, { fault: '#UD' }]);
check('f0 39 03', '(bad)', [{ rbx: data(0x200) }, { fault: '#UD' }]);
check('f0 0f ba 23 01', '(bad)', [{ rbx: data(0x200) }, { fault: '#UD' }]);
check('f0 85 03', '(bad)', [{ rbx: data(0x200) }, { fault: '#UD' }]);
check('f0 d1 23', '(bad)', [{ rbx: data(0x200) }, { fault: '#UD' }]);
check('f0 50', '(bad)', [{}, { fault: '#UD' }]);


everyMnemonicOf('atomic');
