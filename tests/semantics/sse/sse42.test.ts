// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../../support/check.ts';

/** «Hello world» and «eo», lowest byte first. */
const TEXT = 0x0064_6c72_6f57_206f_6c6c_6548n;
const VOWELS = 0x6f65n;

check('66 0f 38 37 c1', 'pcmpgtq xmm0,xmm1', [{ xmm0: 0x8000_0000_0000_0000_0000_0000_0000_0001n, xmm1: 0x7fff_ffff_ffff_ffff_ffff_ffff_ffff_ffffn }, { xmm0: 0xffff_ffff_ffff_ffffn }]);
// any of a set; index of the first and last, mask of bits and of bytes
check('66 0f 3a 63 c1 00', 'pcmpistri xmm0,xmm1,0', [{ xmm0: VOWELS, xmm1: TEXT, rcx: ~0n }, { rcx: 0x1n, flags: 'szc' }]);
check('66 0f 3a 63 c1 40', 'pcmpistri xmm0,xmm1,0x40', [{ xmm0: VOWELS, xmm1: TEXT }, { rcx: 0x7n, flags: 'szc' }]);
check('66 0f 3a 63 c1 10', 'pcmpistri xmm0,xmm1,0x10', [{ xmm0: VOWELS, xmm1: TEXT }, { rcx: 0n, flags: 'oszc' }]);
check('66 0f 3a 63 c1 30', 'pcmpistri xmm0,xmm1,0x30', [{ xmm0: VOWELS, xmm1: TEXT }, { rcx: 0n, flags: 'oszc' }]);
check('66 0f 3a 62 d1 00', 'pcmpistrm xmm2,xmm1,0', [{ xmm2: VOWELS, xmm1: TEXT }, { xmm0: 0x92n, flags: 'szc' }]);
check('66 0f 3a 62 d1 40', 'pcmpistrm xmm2,xmm1,0x40', [{ xmm2: VOWELS, xmm1: TEXT }, { xmm0: 0xff00_00ff_0000_ff00n, flags: 'szc' }]);
check('66 0f 3a 62 d1 41', 'pcmpistrm xmm2,xmm1,0x41', [{ xmm2: VOWELS, xmm1: TEXT }, { xmm0: 0n, flags: 'sz' }]);
// ranges: e to l, with signs
check('66 0f 3a 63 c1 04', 'pcmpistri xmm0,xmm1,4', [{ xmm0: 0x6c_65n, xmm1: TEXT }, { rcx: 0x1n, flags: 'szc' }]);
check('66 0f 3a 63 c1 06', 'pcmpistri xmm0,xmm1,6', [{ xmm0: 0x7f_80n, xmm1: TEXT }, { rcx: 0n, flags: 'oszc' }]);
// element by element, and a string within another
check('66 0f 3a 63 c1 08', 'pcmpistri xmm0,xmm1,8', [{ xmm0: TEXT, xmm1: TEXT ^ 0x2000n }, { rcx: 0n, flags: 'oszc' }]);
check('66 0f 3a 63 c1 18', 'pcmpistri xmm0,xmm1,0x18', [{ xmm0: TEXT, xmm1: TEXT }, { rcx: 0x10n, flags: 'sz' }]);
check('66 0f 3a 63 c1 0c', 'pcmpistri xmm0,xmm1,0xc', [{ xmm0: 0x6f_6cn, xmm1: TEXT }, { rcx: 0x3n, flags: 'szc' }]);
check('66 0f 3a 63 c1 0d', 'pcmpistri xmm0,xmm1,0xd', [{ xmm0: 0x6c6cn, xmm1: TEXT }, { rcx: 0x1n, flags: 'szc' }]);
check('66 0f 3a 62 13 4c', 'pcmpistrm xmm2,[rbx],0x4c', [{ xmm2: 0x6cn, rbx: data(0x203), 'm128[0x203]': TEXT }, { xmm0: 0xff00_0000_0000_ffff_0000n, flags: 'szc' }]);
// nothing to find
check('66 0f 3a 63 c1 00', 'pcmpistri xmm0,xmm1,0', [{ xmm0: 0n, xmm1: ~0n }, { rcx: 0x10n, flags: 's' }]);
check('66 0f 3a 63 c1 01', 'pcmpistri xmm0,xmm1,1', [{ xmm0: 0n, xmm1: 0n }, { rcx: 0x8n, flags: 'sz' }]);
// explicit lengths: their magnitudes, at most all elements; REX.W takes 64 bits
check('66 0f 3a 61 c1 0c', 'pcmpestri xmm0,xmm1,0xc', [{ xmm0: TEXT >> 16n, xmm1: TEXT, rax: 3n, rdx: 12n }, { rcx: 0x2n, flags: 'szc' }]);
check('66 0f 3a 61 c1 0c', 'pcmpestri xmm0,xmm1,0xc', [{ xmm0: TEXT >> 16n, xmm1: TEXT, rax: 0xffff_fffdn, rdx: 4n }, { rcx: 0x10n, flags: 'sz' }]);
check('66 0f 3a 61 c1 08', 'pcmpestri xmm0,xmm1,8', [{ xmm0: TEXT, xmm1: TEXT, rax: 0x8000_0000n, rdx: 100n }, { rcx: 0n, flags: 'oc' }]);
check('66 48 0f 3a 61 c1 08', 'pcmpestri64 xmm0,xmm1,8', [{ xmm0: TEXT, xmm1: TEXT, rax: 0x1_0000_0000n, rdx: 5n }, { rcx: 0n, flags: 'ozc' }]);
check('66 0f 3a 60 d1 48', 'pcmpestrm xmm2,xmm1,0x48', [{ xmm2: TEXT, xmm1: TEXT, rax: 5n, rdx: 7n }, { xmm0: 0xffff_ffff_ffff_ffff_ff00_00ff_ffff_ffffn, flags: 'oszc' }]);
check('66 48 0f 3a 60 d1 08', 'pcmpestrm64 xmm2,xmm1,8', [{ xmm2: TEXT, xmm1: TEXT, rax: 5n, rdx: 0xffff_ffff_ffff_fff9n }, { xmm0: 0xff9fn, flags: 'oszc' }]);
check('66 0f 3a 61 03 00', 'pcmpestri xmm0,[rbx],0', [{ rbx: data(0x1ff8) }, { fault: '#PF(4)', cr2: 0x1000_2000n }]);

everyMnemonicOf('sse/sse42');
