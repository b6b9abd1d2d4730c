// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../support/check.ts';

// add: all six flags, every width
check('00 dc', 'add ah,bl', [{ rax: 0xff12n, rbx: 1n }, { rax: 0x12n, flags: 'zapc' }]);
check('04 7f', 'add al,0x7f', [{ rax: 1n }, { rax: 0x80n, flags: 'osa' }]);
check('66 01 d1', 'add cx,dx', [{ rcx: 0x1234_8000n, rdx: 0x8000n }, { rcx: 0x1234_0000n, flags: 'ozpc' }]);
check('01 d8', 'add eax,ebx', [{ rax: 0xffff_ffff_7fff_ffffn, rbx: 1n }, { rax: 0x8000_0000n, flags: 'osap' }]);
check('48 01 d8', 'add rax,rbx', [{ rax: 0xffff_ffff_ffff_ffffn, rbx: 1n }, { rax: 0n, flags: 'zapc' }]);
check('48 83 c0 80', 'add rax,-0x80', [{ rax: 0x80n }, { rax: 0n, flags: 'zpc' }]);
check('83 c0 ff', 'add eax,-1', [{ rax: 0n }, { rax: 0xffff_ffffn, flags: 'sp' }]);
check('01 03', 'add [rbx],eax', [{ rax: 0xffff_fff0n, rbx: data(0x200), 'm64[0x200]': 0x1111_1111_0000_000fn }, { flags: 'sp', 'm32[0x200]': 0xffff_ffffn }]);
check('48 83 44 cb 10 01', 'add qword ptr [rbx+rcx*8+0x10],1', [{ rbx: data(0x200), rcx: 2n, 'm64[0x220]': 0x7fff_ffff_ffff_ffffn }, { flags: 'osap', 'm64[0x220]': 0x8000_0000_0000_0000n }]);
check('03 03', 'add eax,[rbx]', [{ rax: 1n, rbx: data(0xffe), 'm32[0xffe]': 0x8000_0000n }, { rax: 0x8000_0001n, flags: 's' }]);
check('f0 66 01 03', 'lock add [rbx],ax', [{ rax: 0x8001n, rbx: data(0x201), 'm16[0x201]': 0x7fffn }, { flags: 'zapc', 'm16[0x201]': 0n }]);
check('40 80 c4 01', 'add spl,1', [{ rsp: data(0x17ff) }, { rsp: data(0x1700), flags: 'zapc' }]);
check('48 01 c0', 'add rax,rax', [{ rax: 0x8000_0000_0000_0000n }, { rax: 0n, flags: 'ozpc' }]);

// adc and sbb: CF goes in
check('14 00', 'adc al,0', [{ rax: 0xffn, cf: 1 }, { rax: 0n, flags: 'zapc' }]);
check('14 00', 'adc al,0', [{ rax: 0xffn, cf: 0 }, { flags: 'sp' }]);
check('48 83 d0 ff', 'adc rax,-1', [{ rax: 0n, cf: 1 }, { flags: 'zapc' }]);
check('11 c0', 'adc eax,eax', [{ rax: 0x7fff_ffffn, cf: 1 }, { rax: 0xffff_ffffn, flags: 'osap' }]);
check('11 0b', 'adc [rbx],ecx', [{ rbx: data(0x200), rcx: 0xffff_ffffn, 'm32[0x200]': 0n, cf: 1 }, { flags: 'zapc' }]);
check('1c 00', 'sbb al,0', [{ rax: 0n, cf: 1 }, { rax: 0xffn, flags: 'sapc' }]);
check('1c ff', 'sbb al,-1', [{ rax: 0n, cf: 1 }, { flags: 'zapc' }]);
check('19 c0', 'sbb eax,eax', [{ rax: 5n, cf: 1 }, { rax: 0xffff_ffffn, flags: 'sapc' }]);
check('19 c0', 'sbb eax,eax', [{ rax: 5n, cf: 0 }, { rax: 0n, flags: 'zp' }]);
check('48 19 d8', 'sbb rax,rbx', [{ rax: 0x8000_0000_0000_0000n, rbx: 0n, cf: 1 }, { rax: 0x7fff_ffff_ffff_ffffn, flags: 'oap' }]);
check('f0 80 1b 7f', 'lock sbb byte ptr [rbx],0x7f', [{ rbx: data(0x200), 'm8[0x200]': 0x80n, cf: 1 }, { flags: 'ozap', 'm8[0x200]': 0n }]);

// sub and cmp
check('28 c7', 'sub bh,al', [{ rax: 1n, rbx: 0x1234_0000n }, { rbx: 0x1234_ff00n, flags: 'sapc' }]);
check('66 83 e8 01', 'sub ax,1', [{ rax: 0x8000n }, { rax: 0x7fffn, flags: 'oap' }]);
check('45 29 c8', 'sub r8d,r9d', [{ r8: 0xffff_ffff_0000_0000n, r9: 1n }, { r8: 0xffff_ffffn, flags: 'sapc' }]);
check('48 29 c0', 'sub rax,rax', [{ rax: 77n }, { rax: 0n, flags: 'zp' }]);
check('48 83 ec 08', 'sub rsp,8', [{ rsp: data(0x1800) }, { rsp: data(0x17f8), flags: 'a' }]);
check('48 2d 00 00 00 80', 'sub rax,-0x80000000', [{ rax: 0x7fff_ffff_8000_0000n }, { rax: 0x8000_0000_0000_0000n, flags: 'ospc' }]);
check('f0 48 29 0b', 'lock sub [rbx],rcx', [{ rbx: data(0x200), rcx: 1n, 'm64[0x200]': 0n }, { flags: 'sapc', 'm64[0x200]': 0xffff_ffff_ffff_ffffn }]);
check('38 e0', 'cmp al,ah', [{ rax: 0x80_7fn }, { flags: 'ospc' }]);
check('3d ff ff ff 7f', 'cmp eax,0x7fffffff', [{ rax: 0x8000_0000n }, { flags: 'oa' }]);
check('48 39 c0', 'cmp rax,rax', [{}, { flags: 'zp' }]);
check('66 83 3b ff', 'cmp word ptr [rbx],-1', [{ rbx: data(0x200), 'm16[0x200]': 0xffffn }, { flags: 'zp' }]);
check('48 39 03', 'cmp [rbx],rax', [{ rbx: data(0x200), rax: 1n }, { flags: 'sapc' }]);

// inc and dec leave CF
check('fe c0', 'inc al', [{ rax: 0xffn }, { rax: 0n, of: 0, sf: 0, zf: 1, af: 1, pf: 1 }]);
check('66 ff c0', 'inc ax', [{ rax: 0x1_7fffn }, { rax: 0x18000n, of: 1, sf: 1, zf: 0, af: 1, pf: 1 }]);
check('ff c0', 'inc eax', [{ rax: 0xffff_ffff_7fff_ffffn }, { rax: 0x8000_0000n, of: 1, sf: 1, zf: 0, af: 1, pf: 1 }]);
check('48 ff 03', 'inc qword ptr [rbx]', [{ rbx: data(0xffc), 'm64[0xffc]': 0xffff_ffff_ffff_ffffn }, { of: 0, sf: 0, zf: 1, af: 1, pf: 1, 'm64[0xffc]': 0n }]);
check('f0 fe 03', 'lock inc byte ptr [rbx]', [{ rbx: data(0x200), 'm8[0x200]': 0x0fn }, { of: 0, sf: 0, zf: 0, af: 1, pf: 0, 'm8[0x200]': 0x10n }]);
check('fe c8', 'dec al', [{ rax: 0n }, { rax: 0xffn, of: 0, sf: 1, zf: 0, af: 1, pf: 1 }]);
check('66 ff c9', 'dec cx', [{ rcx: 0x8000n }, { rcx: 0x7fffn, of: 1, sf: 0, zf: 0, af: 1, pf: 1 }]);
check('41 ff cf', 'dec r15d', [{ r15: 0xffff_ffff_0000_0001n }, { r15: 0n, of: 0, sf: 0, zf: 1, af: 0, pf: 1 }]);
check('48 ff c8', 'dec rax', [{ rax: 0x8000_0000_0000_0000n }, { rax: 0x7fff_ffff_ffff_ffffn, of: 1, sf: 0, zf: 0, af: 1, pf: 1 }]);
check('f0 ff 0b', 'lock dec dword ptr [rbx]', [{ rbx: data(0x200), 'm32[0x200]': 0x10n }, { of: 0, sf: 0, zf: 0, af: 1, pf: 1, 'm8[0x200]': 0xfn }]);

// neg: CF says that the source was not zero
check('f6 d8', 'neg al', [{ rax: 0n }, { flags: 'zp' }]);
check('66 f7 d8', 'neg ax', [{ rax: 0x8000n }, { flags: 'ospc' }]);
check('f7 d8', 'neg eax', [{ rax: 0xffff_ffff_0000_0001n }, { rax: 0xffff_ffffn, flags: 'sapc' }]);
check('48 f7 d8', 'neg rax', [{ rax: 0x8000_0000_0000_0000n }, { flags: 'ospc' }]);
check('f0 48 f7 1b', 'lock neg qword ptr [rbx]', [{ rbx: data(0x200), 'm64[0x200]': 0x10n }, { flags: 'spc', 'm64[0x200]': 0xffff_ffff_ffff_fff0n }]);

// adcx and adox use and set one flag each
check('66 0f 38 f6 c1', 'adcx eax,ecx', [{ rax: 0xffff_ffff_ffff_ffffn, rcx: 0n, cf: 1 }, { rax: 0n }]);
check('66 48 0f 38 f6 03', 'adcx rax,[rbx]', [{ rax: 1n, rbx: data(0x200), 'm64[0x200]': 2n, cf: 1 }, { rax: 4n, cf: 0 }]);
check('f3 0f 38 f6 c1', 'adox eax,ecx', [{ rax: 0xffff_ffffn, rcx: 0n, of: 1 }, { rax: 0n }]);
check('f3 48 0f 38 f6 c1', 'adox rax,rcx', [{ rax: 1n, rcx: 2n, of: 0 }, { rax: 3n }]);


everyMnemonicOf('arith');
