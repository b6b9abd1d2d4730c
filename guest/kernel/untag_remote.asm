; A kernel thread reads by a pointer that another process gave it, tag and all, as io_uring's workers do: first by the mask of its own
; memory, then, the process passed along, by the mask of that one. What the CPU makes of the pointer is CR3's matter: a thread that
; has not taken over the other memory cannot follow it at all. Ends with status 1 when all is as said, with 3 when not.

%define COM1        0x3f8
%define DEBUG_EXIT  0xf4
%define TRAMPOLINE  0x8000
%define STACK_SIZE  0x1000
%define VECTOR_GP   13
%define LAM_U57     61
%define MASK        0x81ffffffffffffff
%define TAG         0x5400000000000000
%define TASK_SIZE   0x00007ffffffff000
%define EFAULT      14
; struct mm
%define MM_CR3      0
%define MM_MASK     8
; struct task
%define TASK_MM     0

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
        ; the process: its memory has tags; the kernel thread: its own memory has none
        mov qword [value], 42
        mov rax, pml4
        mov [kernel_mm + MM_CR3], rax
        mov qword [kernel_mm + MM_MASK], -1
        bts rax, LAM_U57
        mov [user_mm + MM_CR3], rax
        mov rax, MASK
        mov [user_mm + MM_MASK], rax
        mov qword [kernel_task + TASK_MM], kernel_mm
        mov qword [user_task + TASK_MM], user_mm
        mov rbp, TAG | value

        ; before kthread_use_mm
        mov rsi, without
        call print
        mov rbx, rbp
        call load
        call say
        ; kthread_use_mm: the process's tables, and its CR3 bits
        mov rax, [user_mm + MM_CR3]
        mov cr3, rax
        mov rsi, behind
        call print
        mov rbx, rbp
        call load
        call say
        ; untagged_addr(pointer): by current's memory
        mov rsi, own
        call print
        mov rdi, kernel_task
        call get_user
        mov r12, rax
        call say
        ; untagged_addr_remote(mm, pointer): by the memory that is read
        mov rsi, remote
        call print
        mov rdi, user_task
        call get_user
        mov r13, rax
        call say
        mov eax, 1
        cmp r12, -EFAULT
        jne exit
        cmp r13, 42
        jne exit
        xor eax, eax
exit:   mov dx, DEBUG_EXIT
        out dx, eax
        hlt

; get_user(pointer rbp) with the mask of task rdi: the value, or -EFAULT where the pointer is no user address
get_user:
        mov rdx, [rdi + TASK_MM]
        mov rbx, rbp
        and rbx, [rdx + MM_MASK]
        mov rcx, TASK_SIZE
        mov rax, -EFAULT
        cmp rbx, rcx
        jae .done
        call load
.done:  ret

; the word at rbx, or -EFAULT where the CPU refuses
load:   mov qword [fixup], .bad
        mov rax, [rbx]
        ret
.bad:   mov rax, -EFAULT
        ret

; an exception table of one entry
on_gp:  push rax
        mov rax, [fixup]
        mov [rsp + 16], rax
        pop rax
        add rsp, 8
        iretq

say:    mov rcx, rax
        mov rsi, fault
        test rcx, rcx
        js .line
        mov rsi, answer
.line:  call print
        ret

print:  mov dx, COM1
        lodsb
        test al, al
        jz .done
        out dx, al
        jmp print
.done:  ret

without: db "the CPU in its own memory: ", 0
behind:  db "the CPU in the other memory: ", 0
own:     db "untagged by its own mask: ", 0
remote:  db "untagged by the other mask: ", 0
fault:   db "-EFAULT", 10, 0
answer:  db "42", 10, 0
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
kernel_mm:    resq 2
user_mm:      resq 2
kernel_task:  resq 1
user_task:    resq 1
fixup:        resq 1
value:        resq 1
bss_end:
