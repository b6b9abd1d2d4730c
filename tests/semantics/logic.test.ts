// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf, open } from '../support/check.ts';

const PF = open('PF', 'pf');

// CF and OF cleared, AF too (undefined in the manual)
check('20 d8', 'and al,bl', [{ rax: 0xf0n, rbx: 0x0fn }, { rax: 0n, flags: 'zp' }]);
check('66 25 0f f0', 'and ax,-0xff1', [{ rax: 0xffff_ffffn }, { rax: 0xffff_f00fn, flags: 'sp' }]);
check('83 e0 ff', 'and eax,-1', [{ rax: 0xffff_ffff_8000_0000n }, { rax: 0x8000_0000n, flags: 'sp' }]);
check('48 25 00 00 00 80', 'and rax,-0x80000000', [{ rax: 0x7fff_ffff_ffff_ffffn }, { rax: 0x7fff_ffff_8000_0000n, flags: 'p' }]);
check('f0 20 0b', 'lock and [rbx],cl', [{ rbx: data(0x200), rcx: 0x81n, 'm8[0x200]': 0xffn }, { flags: 'sp', 'm8[0x200]': 0x81n }]);
check('80 cc 80', 'or ah,-0x80', [{ rax: 0n }, { rax: 0x8000n, flags: 's' }]);
check('83 c8 00', 'or eax,0', [{ rax: 0xffff_ffff_0000_0000n }, { rax: 0n, flags: 'zp' }]);
check('48 09 03', 'or [rbx],rax', [{ rax: 0xf000_0000_0000_0003n, rbx: data(0x200), 'm64[0x200]': 0x30n }, { flags: 'sp', 'm64[0x200]': 0xf000_0000_0000_0033n }]);
check('31 c0', 'xor eax,eax', [{ rax: 0xffff_ffff_ffff_ffffn }, { rax: 0n, flags: 'zp' }]);
check('4d 31 c8', 'xor r8,r9', [{ r8: 0xffff_0000_0000_0001n, r9: 0x00ff_0000_0000_0003n }, { r8: 0xff00_0000_0000_0002n, flags: 's' }]);
check('f0 66 81 33 ff 7f', 'lock xor word ptr [rbx],0x7fff', [{ rbx: data(0x200), 'm16[0x200]': 0xffffn }, { flags: 'sp', 'm16[0x200]': 0x8000n }]);
check('a8 80', 'test al,-0x80', [{ rax: 0x80n }, { flags: 's' }]);
check('85 c0', 'test eax,eax', [{ rax: 0xffff_ffff_0000_0000n }, { flags: 'zp' }]);
check('48 85 c8', 'test rax,rcx', [{ rax: 3n, rcx: 0xffff_ffff_ffff_fffen }, { flags: '' }]);
check('f6 03 01', 'test byte ptr [rbx],1', [{ rbx: data(0x200), 'm8[0x200]': 3n }, { flags: '' }]);

// the undocumented alias of TEST
check('f6 c8 01', 'test al,1', [{ rax: 1n }, { flags: '' }]);
check('f7 c8 00 00 00 80', 'test eax,-0x80000000', [{ rax: 0x8000_0000n }, { flags: 'sp' }]);

// NOT touches no flag
check('f6 d0', 'not al', [{ rax: 0x1255n }, { rax: 0x12aan }]);
check('f7 d0', 'not eax', [{ rax: 0xffff_ffff_0000_ffffn }, { rax: 0xffff_0000n }]);
check('f0 48 f7 13', 'lock not qword ptr [rbx]', [{ rbx: data(0x200), 'm64[0x200]': 0x00ff_00ff_00ff_00ffn }, { 'm64[0x200]': 0xff00_ff00_ff00_ff00n }]);
check('c4 e2 70 f2 c2', 'andn eax,ecx,edx', [{ rcx: 0xffff_ffff_0000_ffffn, rdx: 0xffff_ffff_8000_8001n }, { rax: 0x8000_0000n, flags: 's' }], PF);
check('c4 e2 f0 f2 03', 'andn rax,rcx,[rbx]', [{ rcx: 0xffff_ffff_ffff_ffffn, rbx: data(0x200), 'm64[0x200]': 7n }, { rax: 0n, flags: 'z' }], PF);


everyMnemonicOf('logic');
