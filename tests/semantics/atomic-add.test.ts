// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../support/check.ts';

// no flags; memory aligned to its size
check('0f 38 fc 03', 'aadd [rbx],eax', [{ rax: 0xffff_ffff_0000_0002n, rbx: data(0x204), 'm32[0x204]': 0xffff_fffen }, { 'm32[0x204]': 0n }]);
check('48 0f 38 fc 03', 'aadd [rbx],rax', [{ rax: 5n, rbx: data(0x208), 'm64[0x208]': ~0n & 0xffff_ffff_ffff_ffffn }, { 'm64[0x208]': 4n }]);
check('66 48 0f 38 fc 03', 'aand [rbx],rax', [{ rax: 0xf0n, rbx: data(0x208), 'm64[0x208]': 0x3cn }, { 'm64[0x208]': 0x30n }]);
check('f2 0f 38 fc 03', 'aor [rbx],eax', [{ rax: 0xf0n, rbx: data(0x208), 'm32[0x208]': 0x3cn }, { 'm32[0x208]': 0xfcn }]);
check('f3 0f 38 fc 03', 'axor [rbx],eax', [{ rax: 0xf0n, rbx: data(0x208), 'm32[0x208]': 0x3cn }, { 'm32[0x208]': 0xccn }]);
check('0f 38 fc 03', 'aadd [rbx],eax', [{ rbx: data(0x202) }, { fault: '#GP(0)' }]);
check('48 0f 38 fc 03', 'aadd [rbx],rax', [{ rbx: data(0x204) }, { fault: '#GP(0)' }]);
check('0f 38 fc 03', 'aadd [rbx],eax', [{ rbx: 0x1000n }, { fault: '#PF(6)', cr2: 0x1000n }]);

// the register takes memory's value, the flags are those of memory − register
check('c4 e2 69 e6 03', 'cmpbexadd [rbx],eax,edx', [{ rax: 0xffff_ffff_0000_0005n, rdx: 10n, rbx: data(0x204), 'm32[0x204]': 3n }, { rax: 3n, 'm32[0x204]': 13n, flags: 'sac' }]);
check('c4 e2 69 e6 03', 'cmpbexadd [rbx],eax,edx', [{ rax: 3n, rdx: 10n, rbx: data(0x204), 'm32[0x204]': 5n }, { rax: 5n, 'm32[0x204]': 5n, flags: '' }]);
check('c4 e2 69 e7 03', 'cmpaxadd [rbx],eax,edx', [{ rax: 3n, rdx: 10n, rbx: data(0x204), 'm32[0x204]': 5n }, { rax: 5n, 'm32[0x204]': 15n, flags: '' }]);
check('c4 e2 69 e4 03', 'cmpexadd [rbx],eax,edx', [{ rax: 5n, rdx: 10n, rbx: data(0x204), 'm32[0x204]': 5n }, { rax: 5n, 'm32[0x204]': 15n, flags: 'zp' }]);
check('c4 e2 e9 e4 03', 'cmpexadd [rbx],rax,rdx', [{ rax: 5n, rdx: 10n, rbx: data(0x208), 'm64[0x208]': 0x1_0000_0005n }, { rax: 0x1_0000_0005n, 'm64[0x208]': 0x1_0000_0005n, flags: 'p' }]);
check('c4 e2 e9 e5 03', 'cmpnexadd [rbx],rax,rdx', [{ rax: 5n, rdx: 10n, rbx: data(0x208), 'm64[0x208]': 0x1_0000_0005n }, { rax: 0x1_0000_0005n, 'm64[0x208]': 0x1_0000_000fn, flags: 'p' }]);
// the most negative number minus one: overflow, less
check('c4 e2 69 e0 03', 'cmpoxadd [rbx],eax,edx', [{ rax: 1n, rdx: 1n, rbx: data(0x204), 'm32[0x204]': 0x8000_0000n }, { rax: 0x8000_0000n, 'm32[0x204]': 0x8000_0001n, flags: 'oap' }]);
check('c4 e2 69 e1 03', 'cmpnoxadd [rbx],eax,edx', [{ rax: 1n, rdx: 1n, rbx: data(0x204), 'm32[0x204]': 0x8000_0000n }, { rax: 0x8000_0000n, flags: 'oap' }]);
check('c4 e2 69 e2 03', 'cmpbxadd [rbx],eax,edx', [{ rax: 1n, rdx: 1n, rbx: data(0x204), 'm32[0x204]': 0x8000_0000n }, { rax: 0x8000_0000n, flags: 'oap' }]);
check('c4 e2 69 e3 03', 'cmpaexadd [rbx],eax,edx', [{ rax: 1n, rdx: 1n, rbx: data(0x204), 'm32[0x204]': 0x8000_0000n }, { rax: 0x8000_0000n, 'm32[0x204]': 0x8000_0001n, flags: 'oap' }]);
check('c4 e2 69 e8 03', 'cmpsxadd [rbx],eax,edx', [{ rax: 1n, rdx: 1n, rbx: data(0x204), 'm32[0x204]': 0x8000_0000n }, { rax: 0x8000_0000n, flags: 'oap' }]);
check('c4 e2 69 e9 03', 'cmpnsxadd [rbx],eax,edx', [{ rax: 1n, rdx: 1n, rbx: data(0x204), 'm32[0x204]': 0x8000_0000n }, { rax: 0x8000_0000n, 'm32[0x204]': 0x8000_0001n, flags: 'oap' }]);
check('c4 e2 69 ea 03', 'cmppxadd [rbx],eax,edx', [{ rax: 1n, rdx: 1n, rbx: data(0x204), 'm32[0x204]': 0x8000_0000n }, { rax: 0x8000_0000n, 'm32[0x204]': 0x8000_0001n, flags: 'oap' }]);
check('c4 e2 69 eb 03', 'cmpnpxadd [rbx],eax,edx', [{ rax: 1n, rdx: 1n, rbx: data(0x204), 'm32[0x204]': 0x8000_0000n }, { rax: 0x8000_0000n, flags: 'oap' }]);
check('c4 e2 69 ec 03', 'cmplxadd [rbx],eax,edx', [{ rax: 1n, rdx: 1n, rbx: data(0x204), 'm32[0x204]': 0x8000_0000n }, { rax: 0x8000_0000n, 'm32[0x204]': 0x8000_0001n, flags: 'oap' }]);
check('c4 e2 69 ed 03', 'cmpgexadd [rbx],eax,edx', [{ rax: 1n, rdx: 1n, rbx: data(0x204), 'm32[0x204]': 0x8000_0000n }, { rax: 0x8000_0000n, flags: 'oap' }]);
check('c4 e2 69 ee 03', 'cmplexadd [rbx],eax,edx', [{ rax: 5n, rdx: 1n, rbx: data(0x204), 'm32[0x204]': 5n }, { 'm32[0x204]': 6n, flags: 'zp' }]);
check('c4 e2 69 ef 03', 'cmpgxadd [rbx],eax,edx', [{ rax: 5n, rdx: 1n, rbx: data(0x204), 'm32[0x204]': 5n }, { flags: 'zp' }]);
// one register twice; an operand that is not aligned
check('c4 e2 79 e4 03', 'cmpexadd [rbx],eax,eax', [{ rax: 5n, rbx: data(0x204), 'm32[0x204]': 5n }, { 'm32[0x204]': 10n, flags: 'zp' }]);
check('c4 e2 69 e4 03', 'cmpexadd [rbx],eax,edx', [{ rbx: data(0x206) }, { fault: '#GP(0)' }]);

everyMnemonicOf('atomic-add');
