// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../support/check.ts';

// a 32-bit destination is zero-extended, 16 and 8 bits merge; no flag changes
check('89 d8', 'mov eax,ebx', [{ rbx: 0xffff_ffff_8000_0001n }, { rax: 0x8000_0001n }]);
check('66 89 d8', 'mov ax,bx', [{ rax: 0x1111_1111_1111_1111n, rbx: 0x2222n }, { rax: 0x1111_1111_1111_2222n }]);
check('88 dc', 'mov ah,bl', [{ rax: 0x1111_1111_1111_1111n, rbx: 0x22n }, { rax: 0x1111_1111_1111_2211n }]);
check('88 f0', 'mov al,dh', [{ rax: 0x1111_1111_1111_1111n, rdx: 0x3300n }, { rax: 0x1111_1111_1111_1133n }]);
check('40 88 fe', 'mov sil,dil', [{ rsi: 0x1111_1111_1111_1111n, rdi: 0x22n }, { rsi: 0x1111_1111_1111_1122n }]);

// REX makes AH … BH to SPL … DIL
check('88 e0', 'mov al,ah', [{ rax: 0x1234n }, { rax: 0x1212n }]);
check('40 88 e0', 'mov al,spl', [{ rax: 0x1234n, rsp: data(0x1800) }, { rax: 0x1200n }]);
check('b8 00 00 00 80', 'mov eax,-0x80000000', [{}, { rax: 0x8000_0000n }]);
check('48 c7 c0 ff ff ff ff', 'mov rax,-1', [{}, { rax: 0xffff_ffff_ffff_ffffn }]);
check('48 b8 f0 de bc 9a 78 56 34 12', 'mov rax,0x123456789abcdef0', [{}, { rax: 0x1234_5678_9abc_def0n }]);

// REX in front of another prefix is ignored
check('48 66 b8 34 12', 'mov ax,0x1234', [{ rax: 0xffff_ffff_ffff_ffffn }, { rax: 0xffff_ffff_ffff_1234n }]);
check('88 23', 'mov [rbx],ah', [{ rbx: data(0x200), rax: 0x1234n }, { 'm8[0x200]': 0x12n }]);
check('66 c7 03 34 12', 'mov word ptr [rbx],0x1234', [{ rbx: data(0xfff) }, { 'm16[0xfff]': 0x1234n }]);
check('48 c7 03 fe ff ff ff', 'mov qword ptr [rbx],-2', [{ rbx: data(0x200) }, { 'm64[0x200]': 0xffff_ffff_ffff_fffen }]);
check('48 8b 44 8b f0', 'mov rax,[rbx+rcx*4-0x10]', [{ rbx: data(0x200), rcx: 8n, 'm64[0x210]': 0x0123_4567_89ab_cdefn }, { rax: 0x123_4567_89ab_cdefn }]);

// moffs: an address of eight bytes, of four with 67
check('a1 00 02 00 10 00 00 00 00', 'mov eax,[0x10000200]', [{ 'm32[0x200]': 0x89ab_cdefn }, { rax: 0x89ab_cdefn }]);
check('48 a3 00 02 00 10 00 00 00 00', 'mov [0x10000200],rax', [{ rax: 0x0123_4567_89ab_cdefn }, { 'm64[0x200]': 0x123_4567_89ab_cdefn }]);
check('67 a0 00 02 00 10', 'addr32 mov al,[0x10000200]', [{ rax: 0n, 'm8[0x200]': 0x7fn }, { rax: 0x7fn }]);

// 67: the offset has 32 bits, extended before the segment base is added
check('67 8b 43 10', 'mov eax,[ebx+0x10]', [{ rbx: 0xffff_ffff_1000_01f0n, 'm32[0x200]': 5n }, { rax: 5n }]);
check('67 8b 03', 'mov eax,[ebx]', [{ rbx: 0x1_1000_0200n, 'm32[0x200]': 6n }, { rax: 6n }]);
check('64 67 8b 03', 'mov eax,fs:[ebx]', [{ rbx: 0xffff_ffff_0000_0100n, fsbase: data(0x100), 'm32[0x200]': 7n }, { rax: 7n }]);
check('64 8b 04 25 10 00 00 00', 'mov eax,fs:[0x10]', [{ fsbase: data(0x200), 'm32[0x210]': 8n }, { rax: 8n }]);
check('65 48 8b 03', 'mov rax,gs:[rbx]', [{ rbx: 0xffff_ffff_ffff_fff0n, gsbase: data(0x210), 'm64[0x200]': 9n }, { rax: 9n }]);

// CS DS ES SS overrides are ignored, the last of FS and GS wins
check('2e 3e 26 36 8b 03', 'mov eax,[rbx]', [{ rbx: data(0x200), 'm32[0x200]': 10n }, { rax: 0xan }]);
check('64 65 8b 03', 'mov eax,gs:[rbx]', [{ rbx: 0n, fsbase: 0x10n, gsbase: data(0x200), 'm32[0x200]': 11n }, { rax: 0xbn }]);
check('65 64 36 8b 03', 'mov eax,fs:[rbx]', [{ rbx: 0n, gsbase: 0x10n, fsbase: data(0x200), 'm32[0x200]': 12n }, { rax: 0xcn }]);

// RIP-relative: from behind the whole instruction, its immediate included
check('8b 05 fa ff ff ff', 'mov eax,[rip-6]', [{}, { rax: 0xfffa_058bn }]);
check('80 3d f9 ff ff ff 80', 'cmp byte ptr [rip-7],-0x80', [{}, { flags: 'zp' }]);
check('81 3d f6 ff ff ff 00 00 00 00', 'cmp dword ptr [rip-0xa],0', [{}, { flags: 'sp' }]);

// selectors: zero-extended into a register, 16 bits in memory
check('8c d0', 'mov eax,ss', [{ rax: 0xffff_ffff_ffff_ffffn }, { rax: 0x2bn }]);
check('66 8c c8', 'mov ax,cs', [{ rax: 0xffff_ffff_ffff_ffffn }, { rax: 0xffff_ffff_ffff_0033n }]);
check('8c d0', 'mov eax,ss', [{ rax: 0xffff_ffff_ffff_ffffn }, { rax: 0x2bn }]);
check('8c 0b', 'mov [rbx],cs', [{ rbx: data(0x200), 'm64[0x200]': 0xffff_ffff_ffff_ffffn }, { 'm16[0x200]': 0x33n }]);
check('8e d9', 'mov ds,cx', [{ rcx: 0xffff_002bn }, { ds: 0x2b }], { machine: 'the descriptor table' });
check('8e c1', 'mov es,cx', [{ rcx: 0n }, {}], { machine: 'the descriptor table' });
check('8e e1', 'mov fs,cx', [{ rcx: 0n, fsbase: 0x1234n }, { fsbase: 0n }], { machine: 'AMD CPUs keep the base' });
check('8e e9', 'mov gs,cx', [{ rcx: 0x33n, gsbase: 0x1234n }, { gsbase: 0n, gs: 0x33 }], { machine: 'the descriptor table' });
check('8e d1', 'mov ss,cx', [{ rcx: 0x2bn }, {}]);
check('8e d1', 'mov ss,cx', [{ rcx: 0n }, { fault: '#GP(0)' }]);
check('8e d9', 'mov ds,cx', [{ rcx: 0x1234n }, { fault: '#GP(0x1234)' }]);
check('8e d9', 'mov ds,cx', [{ rcx: 0x10n }, { fault: '#GP(0x10)' }]);
check('8e c8', '(bad)', [{}, { fault: '#UD' }]);
check('8e f0', '(bad)', [{}, { fault: '#UD' }]);
check('8c f0', '(bad)', [{}, { fault: '#UD' }]);

// control and debug registers: #UD where there is none, before #GP(0) outside CPL 0
check('0f 20 c0', 'mov rax,cr0', [{}, { fault: '#GP(0)' }]);
check('0f 22 d8', 'mov cr3,rax', [{}, { fault: '#GP(0)' }]);
check('44 0f 20 c0', 'mov rax,cr8', [{}, { fault: '#GP(0)' }]);
check('0f 21 f8', 'mov rax,dr7', [{}, { fault: '#GP(0)' }]);
check('0f 20 c8', '(bad)', [{}, { fault: '#UD' }]);
check('0f 20 e8', '(bad)', [{}, { fault: '#UD' }]);
check('0f 22 f8', '(bad)', [{}, { fault: '#UD' }]);
check('0f 20 c0', 'mov rax,cr0', [{ cr0: 0x8005_0033n }, { rax: 0x8005_0033n }], { cpl: 0 });
check('0f 22 d0', 'mov cr2,rax', [{ rax: 0x1234_5678_9abc_def0n }, { cr2: 0x1234_5678_9abc_def0n }], { cpl: 0 });
check('0f 20 d0', 'mov rax,cr2', [{ cr2: 0xffff_ffff_8000_0000n }, { rax: 0xffff_ffff_8000_0000n }], { cpl: 0 });
check('44 0f 22 c0', 'mov cr8,rax', [{ rax: 5n }, { cr8: 5n }], { cpl: 0 });
check('0f 21 c0', 'mov rax,dr0', [{ dr0: 0x40_1000n }, { rax: 0x40_1000n }], { cpl: 0 });
check('0f 23 f8', 'mov dr7,rax', [{ rax: 0n, dr7: 0x400n }, {}], { cpl: 0 });
check('0f 23 f8', 'mov dr7,rax', [{ rax: 1n }, { dr7: 0x401n }], { cpl: 0 });
check('0f 23 f8', 'mov dr7,rax', [{ rax: 0x1_0000_0000n }, { fault: '#GP(0)' }], { cpl: 0 });
check('0f 21 f0', 'mov rax,dr6', [{}, { rax: 0xffff_0ff0n }], { cpl: 0 });
check('0f 21 e0', 'mov rax,dr4', [{}, { rax: 0xffff_0ff0n }], { cpl: 0 });
check('0f 21 e8', 'mov rax,dr5', [{ cr4: 0x1_06b8n }, { fault: '#UD' }], { cpl: 0 });

// values that control registers do not take
check('0f 22 c0', 'mov cr0,rax', [{ rax: 0x1_8005_0033n }, { fault: '#GP(0)' }], { cpl: 0 });
check('0f 22 c0', 'mov cr0,rax', [{ rax: 0x5_0033n }, { fault: '#GP(0)' }], { cpl: 0 });
check('0f 22 c0', 'mov cr0,rax', [{ rax: 0xa005_0033n }, { fault: '#GP(0)' }], { cpl: 0 });
check('0f 22 c0', 'mov cr0,rax', [{ rax: 0x8004_0023n }, { cr0: 0x8004_0033n }], { cpl: 0 });
check('0f 22 c0', 'mov cr0,rax', [{ rax: 0x8005_003bn }, { cr0: 0x8005_003bn }], { cpl: 0 });
check('0f 22 d8', 'mov cr3,rax', [{ rax: 0x100_0000_0000n }, { fault: '#GP(0)' }], { cpl: 0 });
check('0f 22 d8', 'mov cr3,rax', [{ rax: 0x8000_0000_0000_1000n }, { fault: '#GP(0)' }], { cpl: 0 });
check('0f 22 e0', 'mov cr4,rax', [{ rax: 0x1_0690n }, { fault: '#GP(0)' }], { cpl: 0 });
check('0f 22 e0', 'mov cr4,rax', [{ rax: 0x3_06b0n }, { cr4: 0x3_06b0n }], { cpl: 0 });
check('0f 22 e0', 'mov cr4,rax', [{ rax: 0x1_00b0n }, { cr4: 0x1_00b0n }], { cpl: 0 });
check('44 0f 22 c0', 'mov cr8,rax', [{ rax: 0x10n }, { fault: '#GP(0)' }], { cpl: 0 });
check('0f b6 c3', 'movzx eax,bl', [{ rax: 0xffff_ffff_ffff_ffffn, rbx: 0x1_80n }, { rax: 0x80n }]);
check('66 0f b6 c7', 'movzx ax,bh', [{ rax: 0xffff_ffff_ffff_ffffn, rbx: 0x8001n }, { rax: 0xffff_ffff_ffff_0080n }]);
check('48 0f b7 03', 'movzx rax,word ptr [rbx]', [{ rbx: data(0xfff), 'm16[0xfff]': 0x8001n }, { rax: 0x8001n }]);
check('0f be c7', 'movsx eax,bh', [{ rax: 0xffff_ffff_ffff_ffffn, rbx: 0x8001n }, { rax: 0xffff_ff80n }]);
check('66 0f be 03', 'movsx ax,byte ptr [rbx]', [{ rax: 0n, rbx: data(0x200), 'm8[0x200]': 0x80n }, { rax: 0xff80n }]);
check('48 0f bf c3', 'movsx rax,bx', [{ rbx: 0x8000n }, { rax: 0xffff_ffff_ffff_8000n }]);
check('48 63 c1', 'movsxd rax,ecx', [{ rcx: 0x8000_0000n }, { rax: 0xffff_ffff_8000_0000n }]);

// without REX.W MOVSXD only moves
check('63 c1', 'movsxd eax,ecx', [{ rax: 0xffff_ffff_ffff_ffffn, rcx: 0xffff_ffff_8000_0000n }, { rax: 0x8000_0000n }]);
check('48 0f c3 03', 'movnti [rbx],rax', [{ rax: 0x0123_4567_89ab_cdefn, rbx: data(0x201) }, { 'm64[0x201]': 0x123_4567_89ab_cdefn }]);
check('0f c3 03', 'movnti [rbx],eax', [{ rax: 0x89ab_cdefn, rbx: data(0x200) }, { 'm32[0x200]': 0x89ab_cdefn }]);

// LEA: only the offset, in the address size, cut to the operand size
check('48 8d 44 cb 11', 'lea rax,[rbx+rcx*8+0x11]', [{ rbx: 0xffff_ffff_ffff_fff0n, rcx: 2n }, { rax: 0x11n }]);
check('8d 04 1b', 'lea eax,[rbx+rbx]', [{ rbx: 0x8000_0001n }, { rax: 2n }]);
check('66 8d 03', 'lea ax,[rbx]', [{ rax: 0x1111_1111n, rbx: 0x2222_2222n }, { rax: 0x1111_2222n }]);
check('67 48 8d 03', 'lea rax,[ebx]', [{ rbx: 0xffff_ffff_8000_0000n }, { rax: 0x8000_0000n }]);
check('64 48 8d 03', 'lea rax,[rbx]', [{ rbx: 1n, fsbase: 0x1000n }, { rax: 1n }]);
check('8d c0', '(bad)', [{}, { fault: '#UD' }]);
check('86 c4', 'xchg ah,al', [{ rax: 0x1234n }, { rax: 0x3412n }]);
check('93', 'xchg ebx,eax', [{ rax: 0x1111_1111_1111_1111n, rbx: 0x2222_2222_2222_2222n }, { rax: 0x2222_2222n, rbx: 0x1111_1111n }]);
check('66 93', 'xchg bx,ax', [{ rax: 0x1111_1111_1111_1111n, rbx: 0x2222_2222_2222_2222n }, { rax: 0x1111_1111_1111_2222n, rbx: 0x2222_2222_2222_1111n }]);
check('48 87 0b', 'xchg [rbx],rcx', [{ rbx: data(0x200), rcx: 1n, 'm64[0x200]': 2n }, { rcx: 2n, 'm8[0x200]': 1n }]);
check('f0 86 0b', 'lock xchg [rbx],cl', [{ rbx: data(0x200), rcx: 0x1101n, 'm8[0x200]': 2n }, { rcx: 0x1102n, 'm8[0x200]': 1n }]);
check('87 c0', 'xchg eax,eax', [{ rax: 0xffff_ffff_0000_0001n }, { rax: 1n }]);

// 90 is no exchange, 41 90 is one
check('90', 'nop', [{ rax: 0xffff_ffff_ffff_ffffn }, {}]);
check('48 90', 'xchg rax,rax', [{ rax: 0xffff_ffff_ffff_ffffn }, {}]);
check('41 90', 'xchg r8d,eax', [{ rax: 0xffff_ffff_0000_0001n, r8: 0xffff_ffff_0000_0002n }, { rax: 2n, r8: 1n }]);
check('f3 41 90', 'pause', [{ rax: 1n, r8: 2n }, { rax: 2n, r8: 1n }]);

// CMOV reads memory and zero-extends whether it moves or not
check('0f 40 c1', 'cmovo eax,ecx', [{ rax: 0xffff_ffff_ffff_ffffn, rcx: 1n, of: 0 }, { rax: 0xffff_ffffn }]);
check('48 0f 41 c1', 'cmovno rax,rcx', [{ rax: 0n, rcx: 1n, of: 0 }, { rax: 1n }]);
check('66 0f 42 c1', 'cmovb ax,cx', [{ rax: 0x1_0000n, rcx: 1n, cf: 1 }, { rax: 0x10001n }]);
check('48 0f 43 c1', 'cmovae rax,rcx', [{ rax: 0n, rcx: 1n, cf: 1 }, {}]);
check('0f 44 03', 'cmove eax,[rbx]', [{ rax: 0xffff_ffff_ffff_ffffn, rbx: data(0x200), 'm32[0x200]': 7n, zf: 1 }, { rax: 7n }]);
check('0f 45 03', 'cmovne eax,[rbx]', [{ rax: 0xffff_ffff_ffff_ffffn, rbx: 0n, zf: 1 }, { fault: '#PF(4)' }]);
check('48 0f 46 c1', 'cmovbe rax,rcx', [{ rax: 0n, rcx: 1n, cf: 0, zf: 1 }, { rax: 1n }]);
check('48 0f 47 c1', 'cmova rax,rcx', [{ rax: 0n, rcx: 1n, cf: 0, zf: 0 }, { rax: 1n }]);
check('48 0f 48 c1', 'cmovs rax,rcx', [{ rax: 0n, rcx: 1n, sf: 1 }, { rax: 1n }]);
check('0f 49 c1', 'cmovns eax,ecx', [{ rax: 0xffff_ffff_0000_0001n, rcx: 1n, sf: 1 }, { rax: 1n }]);
check('48 0f 4a c1', 'cmovp rax,rcx', [{ rax: 0n, rcx: 1n, pf: 1 }, { rax: 1n }]);
check('48 0f 4b c1', 'cmovnp rax,rcx', [{ rax: 0n, rcx: 1n, pf: 0 }, { rax: 1n }]);
check('48 0f 4c c1', 'cmovl rax,rcx', [{ rax: 0n, rcx: 1n, sf: 1, of: 0 }, { rax: 1n }]);
check('48 0f 4d c1', 'cmovge rax,rcx', [{ rax: 0n, rcx: 1n, sf: 1, of: 1 }, { rax: 1n }]);
check('48 0f 4e c1', 'cmovle rax,rcx', [{ rax: 0n, rcx: 1n, zf: 0, sf: 0, of: 1 }, { rax: 1n }]);
check('48 0f 4f c1', 'cmovg rax,rcx', [{ rax: 0n, rcx: 1n, zf: 0, sf: 1, of: 1 }, { rax: 1n }]);
check('0f 90 c0', 'seto al', [{ rax: 0xffn, of: 0 }, { rax: 0n }]);
check('0f 91 c0', 'setno al', [{ rax: 0xffn, of: 0 }, { rax: 1n }]);
check('0f 92 c4', 'setb ah', [{ rax: 0n, cf: 1 }, { rax: 0x100n }]);
check('41 0f 93 c0', 'setae r8b', [{ r8: 0xffn, cf: 1 }, { r8: 0n }]);
check('0f 94 03', 'sete [rbx]', [{ rbx: data(0x200), zf: 1 }, { 'm8[0x200]': 1n }]);
check('0f 95 03', 'setne [rbx]', [{ rbx: data(0x200), 'm8[0x200]': 0xffn, zf: 1 }, { 'm8[0x200]': 0n }]);
check('0f 96 c0', 'setbe al', [{ rax: 0n, cf: 1, zf: 0 }, { rax: 1n }]);
check('0f 97 c0', 'seta al', [{ rax: 0xffn, cf: 1, zf: 0 }, { rax: 0n }]);
check('0f 98 c0', 'sets al', [{ rax: 0n, sf: 1 }, { rax: 1n }]);
check('0f 99 c0', 'setns al', [{ rax: 0n, sf: 0 }, { rax: 1n }]);
check('0f 9a c0', 'setp al', [{ rax: 0n, pf: 1 }, { rax: 1n }]);
check('0f 9b c0', 'setnp al', [{ rax: 0n, pf: 0 }, { rax: 1n }]);
check('0f 9c c0', 'setl al', [{ rax: 0n, sf: 0, of: 1 }, { rax: 1n }]);
check('0f 9d c0', 'setge al', [{ rax: 0n, sf: 0, of: 0 }, { rax: 1n }]);
check('0f 9e c0', 'setle al', [{ rax: 0n, zf: 0, sf: 1, of: 0 }, { rax: 1n }]);
check('0f 9f c0', 'setg al', [{ rax: 0n, zf: 0, sf: 1, of: 1 }, { rax: 1n }]);
check('66 98', 'cbw', [{ rax: 0x1111_1180n }, { rax: 0x1111_ff80n }]);
check('98', 'cwde', [{ rax: 0xffff_ffff_0000_8000n }, { rax: 0xffff_8000n }]);
check('48 98', 'cdqe', [{ rax: 0x8000_0000n }, { rax: 0xffff_ffff_8000_0000n }]);
check('66 99', 'cwd', [{ rax: 0x8000n, rdx: 0x1111_1111n }, { rdx: 0x1111_ffffn }]);
check('99', 'cdq', [{ rax: 0x7fff_ffffn, rdx: 0xffff_ffff_ffff_ffffn }, { rdx: 0n }]);
check('48 99', 'cqo', [{ rax: 0x8000_0000_0000_0000n }, { rdx: 0xffff_ffff_ffff_ffffn }]);
check('d7', 'xlat [rbx]', [{ rax: 0x11ffn, rbx: data(0x200), 'm8[0x2ff]': 0x42n }, { rax: 0x1142n }]);
check('64 d7', 'xlat fs:[rbx]', [{ rax: 1n, rbx: 0x10n, fsbase: data(0x200), 'm8[0x211]': 9n }, { rax: 9n }]);
check('67 d7', 'xlat [ebx]', [{ rax: 2n, rbx: 0xffff_ffff_1000_0200n, 'm8[0x202]': 9n }, { rax: 9n }]);
check('d7', 'xlat [rbx]', [{ rbx: 0n, rax: 0n }, { fault: '#PF(4)' }]);

// #AC at CPL 3 with RFLAGS.AC, by the operand's size; an SSE operand has its own rule
check('8b 03', 'mov eax,[rbx]', [{ rbx: data(0x202), ac: 1 }, { fault: '#AC(0)' }]);
check('66 8b 03', 'mov ax,[rbx]', [{ rbx: data(0x202), ac: 1, 'm16[0x202]': 7n }, { rax: 0xa5c3_96e1_5a00_0007n }]);
check('8a 03', 'mov al,[rbx]', [{ rbx: data(0x201), ac: 1, 'm16[0x201]': 7n }, { rax: 0xa5c3_96e1_5a00_0007n }]);
check('48 89 03', 'mov [rbx],rax', [{ rbx: data(0x204), ac: 1 }, { fault: '#AC(0)' }]);
check('48 89 03', 'mov [rbx],rax', [{ rbx: data(0x1ffc), ac: 1 }, { fault: '#AC(0)' }]);
check('8b 03', 'mov eax,[rbx]', [{ rbx: 0x8000_0000_0000_0001n, ac: 1 }, { fault: '#GP(0)' }]);
check('8b 03', 'mov eax,[rbx]', [{ rbx: data(0x202), ac: 1, 'm32[0x202]': 7n }, { rax: 7n }], { cpl: 0 });
check('0f 28 03', 'movaps xmm0,[rbx]', [{ rbx: data(0x208), ac: 1 }, { fault: '#GP(0)' }]);
check('50', 'push rax', [{ rsp: data(0x1802), ac: 1 }, { fault: '#AC(0)' }]);


everyMnemonicOf('move');
