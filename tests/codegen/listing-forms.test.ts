import { describe, expect, it } from 'vitest';
import { hexBytes } from '../../src/bits/hex.ts';
import { listingBuilds } from '../../src/codegen/inputs/open.ts';
import { buildOfText } from '../support/builds.ts';

const BYTES =
  '53 65 48 8b 04 25 80 ac 02 00 80 b8 00 08 00 00 00 0f 84 04 00 00 00 d1 e8 f3 aa 48 63 04 8a f0 ff 47 08 48 98 5b c3';

const functionsOf = (text: string): [name: string, bytes: string][] => {
  const [unit] = buildOfText(text).units;
  return unit!.functions.map((fn) => [fn.name, hexBytes(unit!.bytesOf(fn))]);
};

const attNames = `
0000000000401000 <f>:
  401000:	push   %rbx
  401001:	mov    %gs:0x2ac80,%rax
  40100a:	cmpb   $0x0,0x800(%rax)
  401011:	je     40101b <f+0x1b>
  401017:	shr    %eax
  401019:	rep stos %al,%es:(%rdi)
  40101b:	movslq (%rdx,%rcx,4),%rax
  40101f:	lock incl 0x8(%rdi)
  401023:	cltq
  401025:	pop    %rbx
  401026:	ret
  401027:	nopw   0x0(%rax,%rax,1)
`;
const intel = `
Dump of assembler code for function f:
   0x0000000000401000 <+0>:	push   rbx
=> 0x0000000000401001 <+1>:	mov    rax,QWORD PTR gs:0x2ac80
   0x000000000040100a <+10>:	cmp    BYTE PTR [rax+0x800],0x0
   0x0000000000401011 <+17>:	je     0x40101b <f+27>
   0x0000000000401017 <+23>:	shr    eax,1
   0x0000000000401019 <+25>:	rep stos BYTE PTR es:[rdi],al
   0x000000000040101b <+27>:	movsxd rax,DWORD PTR [rdx+rcx*4]
   0x000000000040101f <+31>:	lock inc DWORD PTR [rdi+0x8]
   0x0000000000401023 <+35>:	cdqe
   0x0000000000401025 <+37>:	pop    rbx
   0x0000000000401026 <+38>:	ret
End of assembler dump.
`;
const bySource = `
Dump of assembler code for function f:
5	int f(void) {
   0x0000000000401000 <+0>:	push   %rbx
   0x0000000000401025 <+37>:	pop    %rbx

6	  if (current->x)
   0x0000000000401001 <+1>:	mov    %gs:0x2ac80,%rax
   0x000000000040100a <+10>:	cmpb   $0x0,0x800(%rax)
   0x0000000000401011 <+17>:	je     0x40101b <f+27>

7	    add: a();
   0x000000000040101b <+27>:	movslq (%rdx,%rcx,4),%rax
   0x000000000040101f <+31>:	lock incl 0x8(%rdi)
   0x0000000000401023 <+35>:	cltq
   0x0000000000401017 <+23>:	shr    $1,%eax
   0x0000000000401019 <+25>:	rep stos %al,%es:(%rdi)
   0x0000000000401026 <+38>:	ret
End of assembler dump.
`;
const withSource = `
0000000000401000 <f>:
f():
/tmp/f.c:5
  401000:	53                   	push   %rbx
dead: return;
  401001:	65 48 8b 04 25 80 ac 	mov    %gs:0x2ac80,%rax
  401008:	02 00 
			401004: R_X86_64_32S	pcpu_hot
  40100a:	80 b8 00 08 00 00 00 	cmpb   $0x0,0x800(%rax)
int g(void) {
  401011:	0f 84 04 00 00 00    	je     40101b <f+0x1b>
  401017:	/-- d1 e8                	shr    %eax
  401019:	|   f3 aa                	rep stos %al,%es:(%rdi)
  40101b:	\\-> 48 63 04 8a          	movslq (%rdx,%rcx,4),%rax
  40101f:	f0 ff 47 08          	lock incl 0x8(%rdi)
  401023:	48 98 cltq
  401025:	5b pop %rbx
  401026:	c3                   	ret
`;
const llvm = `
0000000000401000 <f>:
  401000: pushq	%rbx
  401001: movq	%gs:175232, %rax
  40100a: cmpb	$0, 2048(%rax)
  401011: je	0x40101b <f+0x1b>
  401017: shrl	%eax
  401019: rep
  40101a: stosb	%al, %es:(%rdi)
  40101b: movslq	(%rdx,%rcx,4), %rax
  40101f: lock
  401020: incl	8(%rdi)
  401023: cltq
  401025: popq	%rbx
  401026: retq
`;

describe('a pasted listing', () => {
  it('has the same bytes however it was written', () => {
    for (const text of [attNames, intel, bySource, withSource, llvm]) {
      expect(functionsOf(text)).toEqual([['f', BYTES]]);
      expect(functionsOf(text.replace(/\n/g, '\r\n> > '))).toEqual([['f', BYTES]]);
      expect(functionsOf(text.replace(/[ \t]+/g, ' '))).toEqual([['f', BYTES]]);
    }
  });

  it('may have the addresses of every instruction in front of it', () => {
    const text = '0000000000001000 <f> push   %rbx\n0000000000001001 <f+0x1> ret\n0000000000001002 <g(int)> ret';
    expect(functionsOf(text)).toEqual([
      ['f', '53 c3'],
      ['g(int)', 'c3'],
    ]);
  });

  it('may have pieces that lie apart, and names with templates', () => {
    const text = `Dump of assembler code for function f:
Address range 0x401000 to 0x401002:
   0x401000 <+0>:	push   %rbx
   0x401001 <+1>:	ret
Address range 0x400800 to 0x400801:
   0x400800 <-2048>:	ret
End of assembler dump.
0000000000402000 <a<b<int>, 3>::c() const>:
  402000:	c3                   	ret`;
    expect(functionsOf(text)).toEqual([
      ['f.cold', 'c3'],
      ['f', '53 c3'],
      ['a<b<int>, 3>::c() const', 'c3'],
    ]);
  });

  it('is two builds where each function comes twice', () => {
    const both = '0000000000001000 <f>:\n 1000:\tc3 ret\n0000000000001010 <g>:\n 1010:\t90 nop\n 1011:\tc3 ret\n';
    const sides = listingBuilds(buildOfText(`${both}and now\n${both}`))!;
    expect(sides.map(({ units }) => units[0]!.functions.map(({ name }) => name))).toEqual([
      ['f', 'g'],
      ['f', 'g'],
    ]);
    expect(listingBuilds(buildOfText(`${both}0000000000001000 <f>:\n 1000:\tc3 ret\n`))).toBeNull();
  });

  it('with lines missing is one line of trouble', () => {
    expect(() => buildOfText(intel.replace(/.*movsxd.*\n/, ''))).toThrow(/gap before|no encoding/);
    expect(() => buildOfText(withSource.replace(/.*d1 e8.*\n/, ''))).toThrow(/gap before 0x401019/);
  });
});
