// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf, open } from '../support/check.ts';

const AF = open('AF behind a shift', 'af');
const OF_AF = open('OF of counts above one, and AF', 'of', 'af');
const OF = open('OF of counts above one', 'of');
const WIDE = open('counts above the width of 16 bits');

// a count of zero leaves every flag, and still zero-extends a 32-bit register
check('d2 e0', 'shl al,cl', [{ rax: 0x81n, rcx: 0n }, {}]);
check('d3 e0', 'shl eax,cl', [{ rax: 0xffff_ffff_0000_0001n, rcx: 32n }, { rax: 1n }]);
check('48 d3 e0', 'shl rax,cl', [{ rax: 1n, rcx: 64n }, {}]);
check('d3 e8', 'shr eax,cl', [{ rax: 0xffff_ffff_8000_0000n, rcx: 0x20n }, { rax: 0x8000_0000n }]);
check('c1 f8 00', 'sar eax,0', [{ rax: 0xffff_ffff_8000_0000n }, { rax: 0x8000_0000n }]);
check('d3 c0', 'rol eax,cl', [{ rax: 0xffff_ffff_8000_0001n, rcx: 0n }, { rax: 0x8000_0001n }]);
check('d3 d0', 'rcl eax,cl', [{ rax: 0xffff_ffff_8000_0001n, rcx: 0n, cf: 1 }, { rax: 0x8000_0001n }]);
check('0f a5 d0', 'shld eax,edx,cl', [{ rax: 0xffff_ffff_8000_0001n, rdx: 0n, rcx: 32n }, { rax: 0x8000_0001n }]);

// SHL: OF as if the count were one
check('d0 e0', 'shl al,1', [{ rax: 0xc0n }, { rax: 0x80n, flags: 'sc' }], AF);
check('66 d1 e0', 'shl ax,1', [{ rax: 0x4000n }, { rax: 0x8000n, flags: 'osp' }], AF);
check('d1 e0', 'shl eax,1', [{ rax: 0x8000_0000n }, { rax: 0n, flags: 'ozpc' }], AF);
check('48 c1 e0 3f', 'shl rax,0x3f', [{ rax: 3n }, { rax: 0x8000_0000_0000_0000n, flags: 'spc' }], AF);
check('d2 e0', 'shl al,cl', [{ rax: 0xffn, rcx: 8n }, { rax: 0n, flags: 'zpc' }], OF_AF);
check('d2 e0', 'shl al,cl', [{ rax: 0xffn, rcx: 9n }, { rax: 0n, flags: 'zp' }], AF);
check('66 d3 e0', 'shl ax,cl', [{ rax: 0xffffn, rcx: 31n }, { rax: 0n, flags: 'zp' }], AF);
check('c1 e0 04', 'shl eax,4', [{ rax: 0x4800_0000n }, { rax: 0x8000_0000n, flags: 'osp' }], AF);
check('d2 23', 'shl byte ptr [rbx],cl', [{ rbx: data(0x200), rcx: 3n, 'm8[0x200]': 0x21n }, { flags: 'c', 'm8[0x200]': 8n }], OF_AF);
check('c0 f0 02', 'shl al,2', [{ rax: 0x41n }, { rax: 4n, flags: 'oc' }], AF);
check('d3 f0', 'shl eax,cl', [{ rax: 1n, rcx: 31n }, { rax: 0x8000_0000n, flags: 'sp' }], OF_AF);
check('d0 f0', 'shl al,1', [{ rax: 0x40n }, { rax: 0x80n, flags: 'os' }], AF);

// SHR: OF is the source's top bit
check('d0 e8', 'shr al,1', [{ rax: 0x81n }, { rax: 0x40n, flags: 'oc' }], AF);
check('66 d3 e8', 'shr ax,cl', [{ rax: 0x8000n, rcx: 16n }, { rax: 0n, flags: 'ozpc' }], OF_AF);
check('66 d3 e8', 'shr ax,cl', [{ rax: 0x8000n, rcx: 17n }, { rax: 0n, flags: 'ozp' }], OF_AF);
check('c1 e8 1f', 'shr eax,0x1f', [{ rax: 0x8000_0000n }, { rax: 1n, flags: 'o' }], OF_AF);
check('48 d3 e8', 'shr rax,cl', [{ rax: 0x8000_0000_0000_0001n, rcx: 0x41n }, { rax: 0x4000_0000_0000_0000n, flags: 'opc' }], AF);
check('48 c1 2b 04', 'shr qword ptr [rbx],4', [{ rbx: data(0x200), 'm64[0x200]': 0x1fn }, { flags: 'c', 'm8[0x200]': 1n }], AF);

// SAR: OF clear
check('d0 f8', 'sar al,1', [{ rax: 0x81n }, { rax: 0xc0n, flags: 'spc' }], AF);
check('66 d3 f8', 'sar ax,cl', [{ rax: 0x8001n, rcx: 20n }, { rax: 0xffffn, flags: 'spc' }], AF);
check('c1 f8 1f', 'sar eax,0x1f', [{ rax: 0x4000_0000n }, { rax: 0n, flags: 'zpc' }], AF);
check('48 d3 f8', 'sar rax,cl', [{ rax: 0x8000_0000_0000_0000n, rcx: 63n }, { rax: 0xffff_ffff_ffff_ffffn, flags: 'sp' }], AF);
check('d1 3b', 'sar dword ptr [rbx],1', [{ rbx: data(0x200), 'm32[0x200]': 0xffff_ffffn }, { flags: 'spc' }], AF);

// ROL and ROR: only CF and OF, also where the count is a multiple of the width
check('d0 c0', 'rol al,1', [{ rax: 0x80n }, { rax: 1n, of: 1, cf: 1 }]);
check('d2 c0', 'rol al,cl', [{ rax: 0x81n, rcx: 3n }, { rax: 0xcn, of: 1, cf: 0 }], OF);
check('d2 c0', 'rol al,cl', [{ rax: 0x81n, rcx: 8n }, { of: 1, cf: 1 }], OF);
check('66 d3 c0', 'rol ax,cl', [{ rax: 0x8001n, rcx: 16n }, { of: 1, cf: 1 }], OF);
check('c1 c0 04', 'rol eax,4', [{ rax: 0xffff_ffff_f000_0000n }, { rax: 0xfn, of: 0, cf: 1 }], OF);
check('48 d3 c0', 'rol rax,cl', [{ rax: 0x8000_0000_0000_0000n, rcx: 1n }, { rax: 1n, of: 1, cf: 1 }]);
check('66 c1 03 08', 'rol word ptr [rbx],8', [{ rbx: data(0x200), 'm16[0x200]': 0x1234n }, { of: 0, cf: 0, 'm16[0x200]': 0x3412n }]);
check('d0 c8', 'ror al,1', [{ rax: 1n }, { rax: 0x80n, of: 1, cf: 1 }]);
check('d2 c8', 'ror al,cl', [{ rax: 0x81n, rcx: 24n }, { of: 0, cf: 1 }], OF);
check('66 d3 c8', 'ror ax,cl', [{ rax: 0x4002n, rcx: 2n }, { rax: 0x9000n, of: 0, cf: 1 }], OF);
check('d3 c8', 'ror eax,cl', [{ rax: 1n, rcx: 33n }, { rax: 0x8000_0000n, of: 1, cf: 1 }]);
check('48 c1 c8 0c', 'ror rax,0xc', [{ rax: 0xabcn }, { rax: 0xabc0_0000_0000_0000n, of: 0, cf: 1 }], OF);
check('c0 0b 04', 'ror byte ptr [rbx],4', [{ rbx: data(0x200), 'm8[0x200]': 0x12n }, { of: 0, cf: 0, 'm8[0x200]': 0x21n }]);

// RCL and RCR turn w + 1 bits; a whole turn changes nothing
check('d0 d0', 'rcl al,1', [{ rax: 0x80n, cf: 1 }, { rax: 1n, of: 1 }]);
check('d2 d0', 'rcl al,cl', [{ rax: 0x81n, rcx: 9n, cf: 1 }, {}], OF);
check('d2 d0', 'rcl al,cl', [{ rax: 0x81n, rcx: 10n, cf: 0 }, { rax: 2n, of: 1, cf: 1 }]);
check('d2 d0', 'rcl al,cl', [{ rax: 0x01n, rcx: 4n, cf: 1 }, { rax: 0x18n, of: 0, cf: 0 }]);
check('66 d3 d0', 'rcl ax,cl', [{ rax: 0xc000n, rcx: 17n, cf: 0 }, {}], OF);
check('66 d3 d0', 'rcl ax,cl', [{ rax: 0x8000n, rcx: 18n, cf: 1 }, { rax: 1n, of: 1 }]);
check('d3 d0', 'rcl eax,cl', [{ rax: 0x8000_0000n, rcx: 31n, cf: 1 }, { rax: 0x6000_0000n, of: 1, cf: 0 }], OF);
check('48 d3 d0', 'rcl rax,cl', [{ rax: 0x4000_0000_0000_0001n, rcx: 63n, cf: 1 }, { rax: 0xd000_0000_0000_0000n, of: 1, cf: 0 }]);
check('d1 13', 'rcl dword ptr [rbx],1', [{ rbx: data(0x200), 'm32[0x200]': 0x4000_0000n, cf: 1 }, { of: 1, cf: 0, 'm32[0x200]': 0x8000_0001n }]);
check('d0 d8', 'rcr al,1', [{ rax: 1n, cf: 1 }, { rax: 0x80n, of: 1 }]);
check('d2 d8', 'rcr al,cl', [{ rax: 0x81n, rcx: 18n, cf: 1 }, {}], OF);
check('d2 d8', 'rcr al,cl', [{ rax: 0x81n, rcx: 3n, cf: 1 }, { rax: 0x70n, of: 0, cf: 0 }], OF);
check('66 d3 d8', 'rcr ax,cl', [{ rax: 0x8001n, rcx: 17n, cf: 0 }, {}], OF);
check('c1 d8 02', 'rcr eax,2', [{ rax: 2n, cf: 1 }, { rax: 0x4000_0000n, of: 1 }]);
check('48 d1 d8', 'rcr rax,1', [{ rax: 0x8000_0000_0000_0001n, cf: 0 }, { rax: 0x4000_0000_0000_0000n, of: 1, cf: 1 }]);
check('48 d3 d8', 'rcr rax,cl', [{ rax: 3n, rcx: 63n, cf: 1 }, { rax: 0xen, of: 1, cf: 0 }], OF);
check('48 d3 1b', 'rcr qword ptr [rbx],cl', [{ rbx: data(0x200), rcx: 1n, 'm64[0x200]': 2n, cf: 1 }, { of: 1, cf: 0, 'm64[0x200]': 0x8000_0000_0000_0001n }]);

// SHLD and SHRD
check('0f a4 d0 01', 'shld eax,edx,1', [{ rax: 0x4000_0000n, rdx: 0x8000_0000n }, { rax: 0x8000_0001n, flags: 'os' }], AF);
check('0f a4 d0 08', 'shld eax,edx,8', [{ rax: 0x1234_5678n, rdx: 0x9abc_def0n }, { rax: 0x3456_789an, flags: 'p' }], AF);
check('48 0f a5 d0', 'shld rax,rdx,cl', [{ rax: 1n, rdx: 0xffff_ffff_ffff_ffffn, rcx: 63n }, { rax: 0xffff_ffff_ffff_ffffn, flags: 'sp' }], OF_AF);
check('66 0f a4 d0 10', 'shld ax,dx,0x10', [{ rax: 0x8001n, rdx: 0x1234n }, { rax: 0x1234n, flags: 'oc' }], AF);
check('66 0f a5 d0', 'shld ax,dx,cl', [{ rax: 0x8001n, rdx: 0x1234n, rcx: 20n }, { rax: 0x2348n, flags: 'opc' }], WIDE);
check('66 0f a4 03 04', 'shld [rbx],ax,4', [{ rbx: data(0x200), rax: 0xf000n, 'm16[0x200]': 0x1234n }, { flags: 'c', 'm16[0x200]': 0x234fn }], OF_AF);
check('0f ac d0 01', 'shrd eax,edx,1', [{ rax: 1n, rdx: 1n }, { rax: 0x8000_0000n, flags: 'ospc' }], AF);
check('0f ac d0 08', 'shrd eax,edx,8', [{ rax: 0x1234_5678n, rdx: 0x9abc_def0n }, { rax: 0xf012_3456n, flags: 'sp' }], AF);
check('48 0f ad d0', 'shrd rax,rdx,cl', [{ rax: 0x8000_0000_0000_0000n, rdx: 1n, rcx: 63n }, { rax: 3n, flags: 'p' }], AF);
check('66 0f ad d0', 'shrd ax,dx,cl', [{ rax: 0x8001n, rdx: 0x1235n, rcx: 20n }, { rax: 0x1123n, flags: '' }], WIDE);
check('48 0f ac 03 04', 'shrd [rbx],rax,4', [{ rbx: data(0x200), rax: 5n, 'm64[0x200]': 0x18n }, { flags: 'oc', 'm64[0x200]': 0x5000_0000_0000_0001n }], AF);

// no flags: SHLX SHRX SARX RORX
check('c4 e2 69 f7 c1', 'shlx eax,ecx,edx', [{ rcx: 0xffff_ffff_0000_0003n, rdx: 33n }, { rax: 6n }]);
check('c4 e2 e9 f7 c1', 'shlx rax,rcx,rdx', [{ rcx: 3n, rdx: 63n }, { rax: 0x8000_0000_0000_0000n }]);
check('c4 e2 eb f7 03', 'shrx rax,[rbx],rdx', [{ rbx: data(0x200), rdx: 65n, 'm64[0x200]': 0x8000_0000_0000_0001n }, { rax: 0x4000_0000_0000_0000n }]);
check('c4 e2 6b f7 c1', 'shrx eax,ecx,edx', [{ rcx: 0xffff_ffff_8000_0000n, rdx: 4n }, { rax: 0x800_0000n }]);
check('c4 e2 6a f7 c1', 'sarx eax,ecx,edx', [{ rcx: 0x8000_0000n, rdx: 31n }, { rax: 0xffff_ffffn }]);
check('c4 e2 ea f7 c1', 'sarx rax,rcx,rdx', [{ rcx: 0x8000_0000_0000_0000n, rdx: 4n }, { rax: 0xf800_0000_0000_0000n }]);
check('c4 e3 7b f0 c1 04', 'rorx eax,ecx,4', [{ rcx: 0xffff_ffff_1234_5678n }, { rax: 0x8123_4567n }]);
check('c4 e3 fb f0 c1 28', 'rorx rax,rcx,0x28', [{ rcx: 0x1234_5678n }, { rax: 0x12_3456_7800_0000n }]);


everyMnemonicOf('shift');
