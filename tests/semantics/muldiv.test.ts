// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf, open } from '../support/check.ts';

const SF_ZF_AF_PF = open('SF, ZF, AF and PF behind a multiplication or division', 'sf', 'zf', 'af', 'pf');

// CF and OF: the high half matters. ZF clear even for zero, SF and PF of the low half (undefined in the manual)
check('f6 e3', 'mul bl', [{ rax: 0x10n, rbx: 0x10n }, { rax: 0x100n, flags: 'opc' }], SF_ZF_AF_PF);
check('f6 e3', 'mul bl', [{ rax: 0x12_0002n, rbx: 3n }, { rax: 0x12_0006n, flags: 'p' }], SF_ZF_AF_PF);
check('66 f7 e3', 'mul bx', [{ rax: 0xffff_8000n, rbx: 2n, rdx: 0xffff_ffff_ffff_ffffn }, { rax: 0xffff_0000n, rdx: 0xffff_ffff_ffff_0001n, flags: 'opc' }], SF_ZF_AF_PF);
check('f7 e3', 'mul ebx', [{ rax: 0xffff_ffff_ffff_ffffn, rbx: 0xffff_ffffn, rdx: 0xffff_ffff_ffff_ffffn }, { rax: 1n, rdx: 0xffff_fffen, flags: 'oc' }], SF_ZF_AF_PF);
check('f7 e3', 'mul ebx', [{ rax: 0n, rbx: 5n }, { rdx: 0n, flags: 'p' }], SF_ZF_AF_PF);
check('48 f7 e3', 'mul rbx', [{ rax: 0xffff_ffff_ffff_ffffn, rbx: 0xffff_ffff_ffff_ffffn }, { rax: 1n, rdx: 0xffff_ffff_ffff_fffen, flags: 'oc' }], SF_ZF_AF_PF);
check('48 f7 23', 'mul qword ptr [rbx]', [{ rax: 3n, rbx: data(0x200), 'm64[0x200]': 7n }, { rax: 0x15n, rdx: 0n, flags: '' }], SF_ZF_AF_PF);
check('f6 eb', 'imul bl', [{ rax: 0xffn, rbx: 0xffn }, { rax: 1n, flags: '' }], SF_ZF_AF_PF);
check('f6 eb', 'imul bl', [{ rax: 0x80n, rbx: 0x80n }, { rax: 0x4000n, flags: 'opc' }], SF_ZF_AF_PF);
check('66 f7 eb', 'imul bx', [{ rax: 0x8000n, rbx: 0xffffn }, { rdx: 0xa5c5_98e3_5a02_0000n, flags: 'ospc' }], SF_ZF_AF_PF);
check('f7 eb', 'imul ebx', [{ rax: 0xffff_ffff_8000_0000n, rbx: 1n }, { rax: 0x8000_0000n, rdx: 0xffff_ffffn, flags: 'sp' }], SF_ZF_AF_PF);
check('48 f7 eb', 'imul rbx', [{ rax: 0x8000_0000_0000_0000n, rbx: 0xffff_ffff_ffff_ffffn }, { rdx: 0n, flags: 'ospc' }], SF_ZF_AF_PF);
check('0f af c1', 'imul eax,ecx', [{ rax: 0xffff_ffff_0001_0000n, rcx: 0x10000n }, { rax: 0n, flags: 'opc' }], SF_ZF_AF_PF);
check('48 0f af c1', 'imul rax,rcx', [{ rax: 0xffff_ffff_ffff_ffffn, rcx: 0xffff_ffff_ffff_ffffn }, { rax: 1n, flags: '' }], SF_ZF_AF_PF);
check('66 0f af 03', 'imul ax,[rbx]', [{ rax: 0x1_0100n, rbx: data(0x200), 'm16[0x200]': 0x80n }, { rax: 0x18000n, flags: 'ospc' }], SF_ZF_AF_PF);
check('6b c1 ff', 'imul eax,ecx,-1', [{ rcx: 0x8000_0000n }, { rax: 0x8000_0000n, flags: 'ospc' }], SF_ZF_AF_PF);
check('48 69 c1 00 00 01 00', 'imul rax,rcx,0x10000', [{ rcx: 0x7fff_ffff_ffffn }, { rax: 0x7fff_ffff_ffff_0000n, flags: 'p' }], SF_ZF_AF_PF);
check('66 6b c1 03', 'imul ax,cx,3', [{ rcx: 0x4000n }, { rax: 0xa5c3_96e1_5a00_c000n, flags: 'ospc' }], SF_ZF_AF_PF);
check('6b c1 00', 'imul eax,ecx,0', [{ rcx: 9n }, { rax: 0n, flags: 'p' }], SF_ZF_AF_PF);
check('c4 e2 73 f6 c3', 'mulx eax,ecx,ebx', [{ rdx: 0xffff_ffff_ffff_ffffn, rbx: 0x1_0000_0002n }, { rax: 1n, rcx: 0xffff_fffen }]);
check('c4 e2 f3 f6 03', 'mulx rax,rcx,[rbx]', [{ rdx: 0xffff_ffff_ffff_ffffn, rbx: data(0x200), 'm64[0x200]': 3n }, { rax: 2n, rcx: 0xffff_ffff_ffff_fffdn }]);
check('c4 e2 fb f6 c3', 'mulx rax,rax,rbx', [{ rdx: 0xffff_ffff_ffff_ffffn, rbx: 3n }, { rax: 2n }]);

// DIV and IDIV leave every flag
check('f6 f3', 'div bl', [{ rax: 0x1234_01ffn, rbx: 3n }, { rax: 0x1234_01aan }], SF_ZF_AF_PF);
check('66 f7 f3', 'div bx', [{ rax: 7n, rdx: 1n, rbx: 2n }, { rax: 0x8003n }], SF_ZF_AF_PF);
check('f7 f3', 'div ebx', [{ rax: 0xffff_ffff_0000_0007n, rdx: 0xffff_ffff_0000_0001n, rbx: 0xffff_ffff_0000_0002n }, { rax: 0x8000_0003n, rdx: 1n }], SF_ZF_AF_PF);
check('48 f7 f3', 'div rbx', [{ rax: 7n, rdx: 1n, rbx: 2n }, { rax: 0x8000_0000_0000_0003n }], SF_ZF_AF_PF);
check('48 f7 f3', 'div rbx', [{ rax: 0xffff_ffff_ffff_ffffn, rdx: 0xffff_ffff_ffff_fffen, rbx: 0xffff_ffff_ffff_ffffn }, {}], SF_ZF_AF_PF);
check('f7 33', 'div dword ptr [rbx]', [{ rax: 100n, rdx: 0n, rbx: data(0x200), 'm32[0x200]': 7n }, { rax: 0xen, rdx: 2n }], SF_ZF_AF_PF);
check('f6 fb', 'idiv bl', [{ rax: 0xfff9n, rbx: 2n }, { rax: 0xfffdn }], SF_ZF_AF_PF);
check('66 f7 fb', 'idiv bx', [{ rax: 7n, rdx: 0n, rbx: 0xfffen }, { rax: 0xfffdn, rdx: 1n }], SF_ZF_AF_PF);
check('f7 fb', 'idiv ebx', [{ rax: 0xffff_fff9n, rdx: 0xffff_ffffn, rbx: 2n }, { rax: 0xffff_fffdn }], SF_ZF_AF_PF);
check('48 f7 fb', 'idiv rbx', [{ rax: 0xffff_ffff_ffff_fff9n, rdx: 0xffff_ffff_ffff_ffffn, rbx: 2n }, { rax: 0xffff_ffff_ffff_fffdn }], SF_ZF_AF_PF);
check('48 f7 fb', 'idiv rbx', [{ rax: 0n, rdx: 0xc000_0000_0000_0000n, rbx: 0x8000_0000_0000_0000n }, { fault: '#DE' }]);

// #DE: zero, and a quotient that does not fit
check('f6 f3', 'div bl', [{ rax: 5n, rbx: 0n }, { fault: '#DE' }]);
check('f6 f3', 'div bl', [{ rax: 0x200n, rbx: 2n }, { fault: '#DE' }]);
check('f7 f3', 'div ebx', [{ rax: 0n, rdx: 2n, rbx: 2n }, { fault: '#DE' }]);
check('48 f7 f3', 'div rbx', [{ rax: 0n, rdx: 5n, rbx: 5n }, { fault: '#DE' }]);
check('48 f7 f3', 'div rbx', [{ rbx: 0n }, { fault: '#DE' }]);
check('f6 fb', 'idiv bl', [{ rax: 0x8000n, rbx: 0xffn }, { fault: '#DE' }]);
check('f6 fb', 'idiv bl', [{ rax: 0x80n, rbx: 1n }, { fault: '#DE' }]);
check('f6 fb', 'idiv bl', [{ rax: 0x4000n, rbx: 0x80n }, { rax: 0x80n }], SF_ZF_AF_PF);
check('66 f7 fb', 'idiv bx', [{ rax: 0x8000n, rdx: 0xffffn, rbx: 0xffffn }, { fault: '#DE' }]);
check('f7 fb', 'idiv ebx', [{ rax: 0x8000_0000n, rdx: 0xffff_ffffn, rbx: 0xffff_ffffn }, { fault: '#DE' }]);
check('f7 fb', 'idiv ebx', [{ rax: 0n, rdx: 0x8000_0000n, rbx: 0xffff_ffffn }, { fault: '#DE' }]);
check('48 f7 fb', 'idiv rbx', [{ rax: 0x8000_0000_0000_0000n, rdx: 0xffff_ffff_ffff_ffffn, rbx: 0xffff_ffff_ffff_ffffn }, { fault: '#DE' }]);
check('48 f7 fb', 'idiv rbx', [{ rax: 0n, rdx: 0x8000_0000_0000_0000n, rbx: 0xffff_ffff_ffff_ffffn }, { fault: '#DE' }]);
check('48 f7 fb', 'idiv rbx', [{ rax: 1n, rdx: 0n, rbx: 0n }, { fault: '#DE' }]);


everyMnemonicOf('muldiv');
