; LAM for each thread, not for the memory: two threads of one process, the first one with tags in its CR3 bits, the second one without, and a
; switch between them exchanges those bits. What works on behalf of a thread (a signal's frame, I/O that ends later) knows the memory only,
; so it takes the most permissive mask that any thread has: a pointer that the second thread itself cannot follow is followed for it.
; Ends with status 3 when the kernel allows what the CPU refuses, with 1 when not.

%define COM1        0x3f8
%define DEBUG_EXIT  0xf4
%define TRAMPOLINE  0x8000
%define STACK_SIZE  0x1000
%define VECTOR_GP   13
%define LAM_U57     61
%define MASK        0x81ffffffffffffff
%define TAG         0x5400000000000000
%define TASK_SIZE   0x00007ffffffff000
; struct thread
%define THREAD_LAM  0
%define THREAD_MASK 8

%include "boot.inc"

        bits 64
ap64:   hlt
        jmp ap64

boot64: mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov rax, on_gp
        mov edi, idt + VECTOR_GP * 16
        mov [rdi], ax
        mov word [rdi + 2], 8
        mov word [rdi + 4], 0x8e00
        shr rax, 16
        mov [rdi + 6], ax
        lidt [idtr]
        mov qword [value], 42
        ; the first thread enables tags for itself; the memory's mask follows the most permissive thread
        mov rax, 1 << LAM_U57
        mov [first + THREAD_LAM], rax
        mov rax, MASK
        mov [first + THREAD_MASK], rax
        mov qword [second + THREAD_LAM], 0
        mov qword [second + THREAD_MASK], -1
        mov rax, [first + THREAD_MASK]
        and rax, [second + THREAD_MASK]
        mov [mm_mask], rax

        mov rbp, TAG | value
        mov rsi, name1
        mov rdi, first
        call thread
        mov rsi, name2
        mov rdi, second
        call thread
        ; r12: what the second thread's CPU said, r13: what the kernel did for it
        xor eax, eax
        cmp r12, r13
        je exit
        mov eax, 1
exit:   mov dx, DEBUG_EXIT
        out dx, eax
        hlt

; what a thread rdi, whose name is rsi, gets by the pointer: itself, and from the kernel
thread: call print
        ; __switch_to: the thread's CR3 bits
        mov rax, pml4
        or rax, [rdi + THREAD_LAM]
        mov cr3, rax
        mov rbx, rbp
        call load
        mov r12, rax
        call say
        mov rsi, kernel
        call print
        ; on behalf of it: a kernel thread with the process's memory, and the memory's mask
        mov rbx, rbp
        and rbx, [mm_mask]
        mov rcx, TASK_SIZE
        xor eax, eax
        cmp rbx, rcx
        jae .told
        call load
.told:  mov r13, rax
        call say
        mov rsi, newline
        jmp print

; the word at rbx, or 0 where the CPU refuses
load:   mov qword [fixup], .bad
        mov rax, [rbx]
        ret
.bad:   xor eax, eax
        ret

on_gp:  push rax
        mov rax, [fixup]
        mov [rsp + 16], rax
        pop rax
        add rsp, 8
        iretq

say:    mov rsi, refused
        test rax, rax
        jz print
        mov rsi, answer
print:  mov dx, COM1
        lodsb
        test al, al
        jz .done
        out dx, al
        jmp print
.done:  ret

name1:   db "thread 1: CPU ", 0
name2:   db "thread 2: CPU ", 0
kernel:  db ", kernel for it ", 0
refused: db "refuses", 0
answer:  db "reads 42", 0
newline: db 10, 0
        align 4
idtr:   dw 256 * 16 - 1
        dq idt
file_end:
        absolute 0x200000
pml4:   resb 0x1000
pdpt:   resb 0x1000
idt:    resb 0x1000
stacks: resb 256 * STACK_SIZE
stacks_taken: resd 1
info:         resd 1
              alignb 8
first:        resq 2
second:       resq 2
mm_mask:      resq 1
fixup:        resq 1
value:        resq 1
bss_end:
