// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf, open } from '../support/check.ts';

const OF = open('OF behind TZCNT and LZCNT', 'of');
const PF = open('PF behind BMI instructions', 'pf');
const AF_PF = open('AF and PF behind BMI instructions', 'af', 'pf');
const AF = open('AF', 'af');

// BT, BTS, BTR, BTC: only CF; the register form masks the offset
check('0f a3 c8', 'bt eax,ecx', [{ rax: 0x8000_0000n, rcx: 63n }, { cf: 1 }]);
check('66 0f a3 c8', 'bt ax,cx', [{ rax: 1n, rcx: 17n }, { cf: 0 }]);
check('48 0f ba e0 3f', 'bt rax,0x3f', [{ rax: 0x8000_0000_0000_0000n }, { cf: 1 }]);
check('0f ba e8 05', 'bts eax,5', [{ rax: 0xffff_ffff_0000_0000n }, { rax: 0x20n, cf: 0 }]);
check('48 0f ab c8', 'bts rax,rcx', [{ rax: 0n, rcx: 0x7fn }, { rax: 0x8000_0000_0000_0000n, cf: 0 }]);
check('66 0f ba f0 0f', 'btr ax,0xf', [{ rax: 0xffffn }, { rax: 0x7fffn, cf: 1 }]);
check('0f b3 c8', 'btr eax,ecx', [{ rax: 0xffff_ffff_ffff_ffffn, rcx: 0n }, { rax: 0xffff_fffen, cf: 1 }]);
check('48 0f ba f8 00', 'btc rax,0', [{ rax: 1n }, { rax: 0n, cf: 1 }]);
check('0f bb c8', 'btc eax,ecx', [{ rax: 0n, rcx: 31n }, { rax: 0x8000_0000n, cf: 0 }]);

// a memory operand and a register: a bit string that reaches outside the operand, signed
check('0f a3 0b', 'bt [rbx],ecx', [{ rbx: data(0x200), rcx: 0xffff_ffff_0000_0025n, 'm32[0x204]': 0x20n }, { cf: 1 }]);
check('48 0f a3 0b', 'bt [rbx],rcx', [{ rbx: data(0x200), rcx: 0xffff_ffff_ffff_ffffn, 'm64[0x1f8]': 0x8000_0000_0000_0000n }, { cf: 1 }]);
check('0f ab 0b', 'bts [rbx],ecx', [{ rbx: data(0x200), rcx: 0xffff_ffc0n }, { cf: 0, 'm8[0x1f8]': 1n }]);
check('48 0f b3 0b', 'btr [rbx],rcx', [{ rbx: data(0x200), rcx: 0x41n, 'm64[0x208]': 3n }, { cf: 1, 'm8[0x208]': 1n }]);
check('66 0f bb 0b', 'btc [rbx],cx', [{ rbx: data(0x200), rcx: 0x8011n }, { fault: '#PF(6)', cr2: data(-0xdfe) }]);
check('66 0f ab 0b', 'bts [rbx],cx', [{ rbx: data(0x200), rcx: 0x11n }, { cf: 0, 'm8[0x202]': 2n }]);
check('f0 0f bb 0b', 'lock btc [rbx],ecx', [{ rbx: data(0x200), rcx: 40n, 'm32[0x204]': 0x100n }, { cf: 1, 'm8[0x205]': 0n }]);

// the immediate form masks it
check('0f ba 2b 21', 'bts dword ptr [rbx],0x21', [{ rbx: data(0x200) }, { cf: 0, 'm8[0x200]': 2n }]);
check('f0 48 0f ba 33 40', 'lock btr qword ptr [rbx],0x40', [{ rbx: data(0x200), 'm64[0x200]': 1n }, { cf: 1, 'm8[0x200]': 0n }]);
check('66 0f ba 23 1f', 'bt word ptr [rbx],0x1f', [{ rbx: data(0x200), 'm16[0x200]': 0x8000n }, { cf: 1 }]);
check('66 0f ba 3b 10', 'btc word ptr [rbx],0x10', [{ rbx: data(0x200) }, { cf: 0, 'm8[0x200]': 1n }]);

// BSF and BSR of zero leave the whole destination
check('0f bc c1', 'bsf eax,ecx', [{ rax: 0xffff_ffff_ffff_ffffn, rcx: 0n }, { flags: 'zp' }]);
check('0f bc c1', 'bsf eax,ecx', [{ rax: 0xffff_ffff_ffff_ffffn, rcx: 0x18n }, { rax: 3n, flags: 'p' }]);
check('48 0f bc c1', 'bsf rax,rcx', [{ rax: 0n, rcx: 0x8000_0000_0000_0000n }, { rax: 0x3fn, flags: 'p' }]);
check('66 0f bc 03', 'bsf ax,[rbx]', [{ rax: 0xffff_ffffn, rbx: data(0x200), 'm16[0x200]': 0x60n }, { rax: 0xffff_0005n, flags: 'p' }]);
check('0f bd c1', 'bsr eax,ecx', [{ rax: 0xffff_ffff_ffff_ffffn, rcx: 0n }, { flags: 'zp' }]);
check('0f bd c1', 'bsr eax,ecx', [{ rax: 0xffff_ffff_ffff_ffffn, rcx: 0xbbe6_e240n }, { rax: 0x1fn, flags: '' }]);
check('0f bd c1', 'bsr eax,ecx', [{ rax: 0n, rcx: 0x0e41_0182n }, { rax: 0x1bn, flags: 'p' }]);
check('0f bd c1', 'bsr eax,ecx', [{ rax: 0n, rcx: 0x3ea1_7df0n }, { rax: 0x1dn, flags: 'p' }]);
check('48 0f bd c1', 'bsr rax,rcx', [{ rcx: 1n }, { rax: 0n, flags: 'p' }]);
check('66 0f bd c1', 'bsr ax,cx', [{ rax: 0x1234_5678n, rcx: 0x1_0080n }, { rax: 0x1234_0007n, flags: '' }]);

// TZCNT and LZCNT of zero give the width
check('f3 0f bc c1', 'tzcnt eax,ecx', [{ rcx: 0xffff_ffff_0000_0000n }, { rax: 0x20n, flags: 'c' }], OF);
check('f3 48 0f bc c1', 'tzcnt rax,rcx', [{ rcx: 0x10n }, { rax: 4n, flags: '' }], OF);
check('66 f3 0f bc c1', 'tzcnt ax,cx', [{ rax: 0x1_0000n, rcx: 1n }, { flags: 'z' }], OF);
check('f3 0f bd c1', 'lzcnt eax,ecx', [{ rcx: 0xffff_ffff_0000_0000n }, { rax: 0x20n, flags: 'c' }], OF);
check('f3 48 0f bd 03', 'lzcnt rax,[rbx]', [{ rbx: data(0x200), 'm64[0x200]': 0xffff_ffffn }, { rax: 0x20n, flags: '' }], OF);
check('66 f3 0f bd c1', 'lzcnt ax,cx', [{ rcx: 0x8000n }, { flags: 'z' }], OF);
check('f3 0f b8 c1', 'popcnt eax,ecx', [{ rcx: 0xffff_ffff_f0f0_0001n }, { rax: 9n, flags: '' }]);
check('f3 48 0f b8 c1', 'popcnt rax,rcx', [{ rcx: 0xffff_ffff_ffff_ffffn }, { rax: 0x40n, flags: '' }]);
check('66 f3 0f b8 c1', 'popcnt ax,cx', [{ rcx: 0n }, { flags: 'z' }]);
check('c4 e2 78 f3 d9', 'blsi eax,ecx', [{ rcx: 0xffff_ffff_8000_0000n }, { rax: 0x8000_0000n, flags: 'sc' }], PF);
check('c4 e2 f8 f3 d9', 'blsi rax,rcx', [{ rcx: 0n }, { rax: 0n, flags: 'z' }], PF);
check('c4 e2 78 f3 c9', 'blsr eax,ecx', [{ rcx: 0n }, { rax: 0n, flags: 'zc' }], PF);
check('c4 e2 f8 f3 c9', 'blsr rax,rcx', [{ rcx: 0xc000_0000_0000_0000n }, { rax: 0x8000_0000_0000_0000n, flags: 's' }], PF);
check('c4 e2 78 f3 d1', 'blsmsk eax,ecx', [{ rcx: 0n }, { rax: 0xffff_ffffn, flags: 'sc' }], PF);
check('c4 e2 f8 f3 13', 'blsmsk rax,[rbx]', [{ rbx: data(0x200), 'm64[0x200]': 0x18n }, { rax: 0xfn, flags: '' }], PF);
check('c4 e2 68 f5 c1', 'bzhi eax,ecx,edx', [{ rcx: 0xffff_ffffn, rdx: 0xff05n }, { rax: 0x1fn, flags: '' }]);
check('c4 e2 68 f5 c1', 'bzhi eax,ecx,edx', [{ rcx: 0xffff_ffffn, rdx: 8n }, { rax: 0xffn, flags: '' }], PF);
check('c4 e2 e8 f5 c1', 'bzhi rax,rcx,rdx', [{ rcx: 0x8000_0000_0000_0000n, rdx: 64n }, { rax: 0x8000_0000_0000_0000n, flags: 'sc' }], PF);
check('c4 e2 68 f5 c1', 'bzhi eax,ecx,edx', [{ rcx: 0xffff_ffffn, rdx: 0n }, { rax: 0n, flags: 'z' }], PF);
check('c4 e2 68 f7 c1', 'bextr eax,ecx,edx', [{ rcx: 0x1234_5678n, rdx: 0x0c08n }, { rax: 0x456n, flags: '' }], AF_PF);
check('c4 e2 e8 f7 c1', 'bextr rax,rcx,rdx', [{ rcx: 0x8000_0000_0000_0000n, rdx: 0xff3fn }, { rax: 1n, flags: '' }], AF);
check('c4 e2 68 f7 c1', 'bextr eax,ecx,edx', [{ rcx: 0xffff_ffffn, rdx: 0x0820n }, { rax: 0n, flags: 'z' }], AF_PF);
check('c4 e2 73 f5 c2', 'pdep eax,ecx,edx', [{ rcx: 0b1011n, rdx: 0x8010_1001n }, { rax: 0x8000_1001n }]);
check('c4 e2 f3 f5 c2', 'pdep rax,rcx,rdx', [{ rcx: 0xffn, rdx: 0x8000_0000_0000_0001n }, { rax: 0x8000_0000_0000_0001n }]);
check('c4 e2 72 f5 c2', 'pext eax,ecx,edx', [{ rcx: 0x1234_5678n, rdx: 0xff00_fff0n }, { rax: 0x12567n }]);
check('c4 e2 f2 f5 03', 'pext rax,rcx,[rbx]', [{ rcx: 0x8000_0000_0000_0001n, rbx: data(0x200), 'm64[0x200]': 0x8000_0000_0000_0003n }, { rax: 5n }]);

// BSWAP of 16 bits gives zero (undefined in the manual)
check('0f c8', 'bswap eax', [{ rax: 0xffff_ffff_1234_5678n }, { rax: 0x7856_3412n }]);
check('48 0f c8', 'bswap rax', [{ rax: 0x0102_0304_0506_0708n }, { rax: 0x807_0605_0403_0201n }]);
check('66 0f c8', 'bswap ax', [{ rax: 0x1234_5678n }, { rax: 0x1234_0000n }]);
check('0f 38 f0 03', 'movbe eax,[rbx]', [{ rbx: data(0x200), 'm32[0x200]': 0x1234_5678n }, { rax: 0x7856_3412n }]);
check('66 0f 38 f1 03', 'movbe [rbx],ax', [{ rax: 0x1234n, rbx: data(0x200) }, { 'm16[0x200]': 0x3412n }]);
check('48 0f 38 f1 03', 'movbe [rbx],rax', [{ rax: 0x0102_0304_0506_0708n, rbx: data(0xffc) }, { 'm64[0xffc]': 0x807_0605_0403_0201n }]);
check('f2 0f 38 f0 c1', 'crc32 eax,cl', [{ rax: 0xffff_ffff_0000_0000n, rcx: 0x61n }, { rax: 0x93ad_1061n }]);
check('f2 0f 38 f1 c1', 'crc32 eax,ecx', [{ rax: 0xffff_ffffn, rcx: 0x1234_5678n }, { rax: 0x4dec_e20cn }]);
check('f2 48 0f 38 f1 c1', 'crc32 rax,rcx', [{ rax: 0xffff_ffff_ffff_ffffn, rcx: 0x0123_4567_89ab_cdefn }, { rax: 0x9a4f_27dcn }]);
check('66 f2 0f 38 f1 03', 'crc32 eax,word ptr [rbx]', [{ rax: 1n, rbx: data(0x200), 'm16[0x200]': 0xbeefn }, { rax: 0x91e9_809bn }]);

// F3 without BMI or LZCNT would be BSF and BSR; 0F B8 without F3 is nothing
check('0f b8 c1', '(bad)', [{}, { fault: '#UD' }]);


everyMnemonicOf('bits');
