/* From the boot loader, or a start-up interrupt, into long mode and to C. */
	.file "boot.S"
#include "layout.h"
#define BASE 0xffffffff80000000
#define TRAMPOLINE 0x8000
#define MAGIC 0x1badb002

	.section .boot.header, "a"
	.align 4
	.long MAGIC, 0, -MAGIC

	.section .boot, "awx"
	.code32
	.globl _start
_start:
	mov %ebx, multiboot_info
	mov $early_stack_end, %esp
	mov $trampoline, %esi
	mov $TRAMPOLINE, %edi
	mov $(trampoline_end - trampoline), %ecx
	cld
	rep movsb
	lgdt boot_gdtr
	call long_mode
	ljmp $0x08, $bsp64

/* PAE, PGE; LME, NXE, SCE; PG, WP, NE, MP */
long_mode:
	mov %cr4, %eax
	or $0xa0, %eax
	mov %eax, %cr4
	mov $boot_pml4, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx
	rdmsr
	or $0x901, %eax
	wrmsr
	mov %cr0, %eax
	or $0x80010022, %eax
	mov %eax, %cr0
	ret

	.code16
trampoline:
	cli
	mov %cs, %ax
	mov %ax, %ds
	lgdtl boot_gdtr - trampoline
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmpl $0x18, $ap32
	.align 8
boot_gdt:
	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff
boot_gdtr:
	.word boot_gdtr - boot_gdt - 1
	.long boot_gdt, 0
trampoline_end:

	.code32
ap32:	mov $0x10, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	/* One stack for all, one at a time, until each has its own. */
1:	lock btsl $0, early_lock
	jc 1b
	mov $early_stack_end, %esp
	call long_mode
	ljmp $0x08, $ap64

	.code64
ap64:	movabs $ap_main, %rax
	jmp 1f
bsp64:	movabs $bsp_main, %rax
1:	mov $0x10, %cx
	mov %cx, %ds
	mov %cx, %es
	mov %cx, %ss
	/* The number of this CPU, and its own stack. */
	mov %rax, %r12
	mov $1, %eax
	cpuid
	shr $24, %ebx
	mov %ebx, %edi
	movabs $percpu_stack_top, %rax
	mov %edi, %ecx
	imul $PERCPU_SIZE, %rcx, %rcx
	lea (%rax, %rcx), %rsp
	movl $0, early_lock
	push $0
	jmp *%r12

	.align 4
	.globl multiboot_info
multiboot_info: .long 0
early_lock: .long 0

	.align 0x1000
	.globl boot_pml4
boot_pml4:
	.quad identity + 3
	.fill 255, 8, 0
	.quad identity + 3
	.fill 254, 8, 0
	.quad high + 3
/* 4 GiB, one to one, and again from 0xffff800000000000 on. */
	.globl identity
identity:
	.quad 0x83, 0x40000083, 0x80000083, 0xc0000083
	.fill 508, 8, 0
	.globl high
high:	.fill 510, 8, 0
	.quad high_pages + 3
	.quad 0
high_pages:
	.quad 0x83, 0x200083, 0x400083, 0x600083
	.fill 508, 8, 0
early_stack:
	.fill 512, 1, 0
early_stack_end:

	.section .note.GNU-stack, "", @progbits
