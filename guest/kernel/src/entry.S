/* The doorway: SYSCALL and IDT entries with SWAPGS and the switch of CR3, and the ways out. */
	.file "entry.S"
#include "layout.h"

	.section .entry.text, "ax"
/* With page-table isolation only. Bit 63 of the values says not to flush. */
.macro TO_KERNEL_CR3 scratch
	cmpq $0, %gs:PC_USER_CR3
	je .Lkernel_tables_\@
	mov %gs:PC_KERNEL_CR3, \scratch
	mov \scratch, %cr3
	/* With v7-flush: who is in user mode needs no interrupt, since every way in flushes all. */
	cmpl $0, opt_v7_flush
	je .Lkernel_tables_\@
	movl $1, %gs:PC_IN_KERNEL
	mov %cr4, \scratch
	xor $CR4_PGE, \scratch
	mov \scratch, %cr4
	xor $CR4_PGE, \scratch
	mov \scratch, %cr4
.Lkernel_tables_\@:
.endm
.macro TO_USER_CR3 scratch
	mov %gs:PC_USER_CR3, \scratch
	test \scratch, \scratch
	jz .Luser_tables_\@
	movl $0, %gs:PC_IN_KERNEL
	mov \scratch, %cr3
.Luser_tables_\@:
.endm

	.globl entry_syscall
entry_syscall:
	swapgs
	mov %rsp, %gs:PC_USER_RSP
	TO_KERNEL_CR3 %rsp
	mov %gs:PC_STACK, %rsp
	push $USER_DS
	push %gs:PC_USER_RSP
	push %r11
	push $USER_CS
	push %rcx
	push $0
	push $SYSCALL_VECTOR
	jmp save

entry_common:
	testb $3, 24(%rsp)
	jz save
	swapgs
	push %rax
	TO_KERNEL_CR3 %rax
	pop %rax
save:	push %rax
	push %rbx
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %rbp
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	cld
	mov %rsp, %rdi
	call kernel_entry
	.globl leave_kernel
leave_kernel:
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rbp
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rbx
	testb $3, 32(%rsp)
	jz 1f
	TO_USER_CR3 %rax
	swapgs
	cmpq $SYSCALL_VECTOR, 8(%rsp)
	je 2f
1:	pop %rax
	add $16, %rsp
	iretq
2:	pop %rax
	mov 40(%rsp), %rsp
	sysretq

/* enter_user(rip, rsp, arg): for good; what comes back comes by an entry. Interrupts are off. */
	.globl enter_user
enter_user:
	mov %rdx, %rcx
	mov %rsp, %gs:PC_STACK
	push $USER_DS
	push %rsi
	push $0x202
	push $USER_CS
	push %rdi
	mov %rcx, %rdi
	TO_USER_CR3 %rax
	swapgs
	iretq

/* One stub a vector, 16 bytes each. */
	.globl idt_stubs
	.align 16
idt_stubs:
vector = 0
.rept 256
	.align 16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	push $0
	.endif
	pushq $vector
	jmp entry_common
vector = vector + 1
.endr

/* IRET to the next instruction: serializes. */
	.section .noinstr.text, "ax"
	.globl sync_core
	.type sync_core, @function
sync_core:
	mov %ss, %eax
	mov %rsp, %rdx
	push %rax
	push %rdx
	pushfq
	mov %cs, %eax
	push %rax
	push $1f
	iretq
1:	ret
	.size sync_core, . - sync_core

	.text
/* switch_stacks(struct task *prev, struct task *next): back in the next one's last call of it. */
	.globl switch_stacks
switch_stacks:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, (%rdi)
	mov (%rsi), %rsp
	.globl switch_window
switch_window:
	cmpq $0, switch_probe
	je 1f
	/* Somebody wants to see who is current here: a fault between the stack and `current`. */
	movb $0, 0xffffffffdead0000
	.globl switch_probed
switch_probed:
1:	mov %rsi, %gs:PC_CURRENT
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret

/*
 * set_tss(u64 *descriptor, u64 low, u64 high): writes a descriptor and loads TR with 0x40, in this order, and as a compiler may have it
 * that is not told of LTR's reads.
 */
	.globl set_tss, set_tss_swapped
set_tss:
	mov %rsi, (%rdi)
	mov %rdx, 8(%rdi)
	mov $0x40, %eax
	ltr %ax
	ret
set_tss_swapped:
	mov $0x40, %eax
	ltr %ax
	mov %rsi, (%rdi)
	mov %rdx, 8(%rdi)
	ret

	.section .user, "ax"
/* At 0x400000. RDI: this CPU's mailbox. Loops until there is work, and asks the kernel to do it. */
	.globl user_loop
user_loop:
	incq 8(%rdi)
	mov (%rdi), %rax
	test %rax, %rax
	jz user_loop
	movq $0, (%rdi)
	mov 24(%rdi), %rsi
	syscall
	incq 16(%rdi)
	jmp user_loop
	.globl user_kernel_read
/* Reads where only the kernel may. */
user_kernel_read:
	movabs 0xffff888000000000, %rax
1:	jmp 1b

	.section .note.GNU-stack, "", @progbits
