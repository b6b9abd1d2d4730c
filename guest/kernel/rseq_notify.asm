; What the kernel does for rseq(2) of 2016 on its way to user mode: it reads the pointer to the critical section and two of its words from
; user memory, and writes the CPU's number and the event counter there. Each access to a user page stands between STAC and CLAC; with BATCHED
; defined there is one pair for all, and both numbers go by one store. Another thread, on the other CPU, reads both at once: a
; number that does not belong to the counter is torn. The thread itself looks only behind the notification. Ends with status 3 when the other
; thread has seen a torn pair, with 1 when nobody has; 5: the thread itself has.

%define APIC        0xfee00000
%define COM1        0x3f8
%define DEBUG_EXIT  0xf4
%define TRAMPOLINE  0x8000
%define STACK_SIZE  0x1000
%define CR4_SMAP    21
%define USER        7
%define LARGE       0x80
%define USER_BASE   0x40000000
%define ROUNDS      40
; struct rseq and struct rseq_cs of the RFC
%define CPU_ID      0
%define COUNTER     4
%define CS          8
%define POST_COMMIT 8
%define ABORT       16

%include "boot.inc"

%macro USER_BEGIN 0
%ifndef BATCHED
        stac
%endif
%endmacro
%macro USER_END 0
%ifndef BATCHED
        clac
%endif
%endmacro

        bits 64
; the other thread of the process
ap64:   call smap
        mov dword [up], 1
.again: stac
        mov rax, [user + CPU_ID]
        clac
        call belongs
        jne torn
        jmp .again
torn:   mov dword [torn_seen], 1
        cli
.halt:  hlt
        jmp .halt

; the thread that is notified
boot64: mov r15d, APIC
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        ; from 1 GiB on the same memory again, as the process's pages
        mov byte [pml4], USER
        mov qword [pdpt + 8], LARGE | USER
        mov rax, cr3
        mov cr3, rax
        call smap
        mov dword [r15 + 0xf0], 0x1ff
        stac
        mov qword [user + CPU_ID], 0
        mov qword [user + CS], table
        mov qword [table + POST_COMMIT], 0
        mov qword [table + ABORT], 0
        clac
        mov dword [r15 + 0x300], 0xc4500
        mov dword [r15 + 0x300], 0xc4600 | (TRAMPOLINE >> 12)
.start: pause
        cmp dword [up], 0
        je .start
        mov ebp, ROUNDS
        xor r14d, r14d
.round: inc r14d
        call notify
        ; back in user mode
        stac
        mov rax, [user + CPU_ID]
        clac
        call belongs
        mov eax, 2
        jne exit
        cmp dword [torn_seen], 0
        jne .torn
        dec ebp
        jnz .round
        mov rsi, whole
        call print
        xor eax, eax
        jmp exit
.torn:  mov rsi, was_torn
        call print
        mov eax, 1
exit:   mov dx, DEBUG_EXIT
        out dx, eax
        hlt

; rseq_handle_notify_resume: event r14, on the CPU that the scheduler drew: its lowest bit
notify:
%ifdef BATCHED
        stac
        mov rax, r14
        shl rax, 32
        mov ecx, r14d
        and ecx, 1
        or rax, rcx
        mov [user + CPU_ID], rax
        mov rbx, [user + CS]
        mov rdx, [rbx + POST_COMMIT]
        mov rsi, [rbx + ABORT]
        clac
%else
        mov ecx, r14d
        and ecx, 1
        USER_BEGIN
        mov [user + CPU_ID], ecx
        USER_END
        USER_BEGIN
        mov [user + COUNTER], r14d
        USER_END
        USER_BEGIN
        mov rbx, [user + CS]
        USER_END
        USER_BEGIN
        mov rdx, [rbx + POST_COMMIT]
        USER_END
        USER_BEGIN
        mov rsi, [rbx + ABORT]
        USER_END
%endif
        ret

; ZF: the CPU's number in the low half of rax belongs to the counter in the high half
belongs:
        mov rdx, rax
        shr rdx, 32
        and edx, 1
        cmp edx, eax
        ret

smap:   mov rax, cr4
        bts rax, CR4_SMAP
        mov cr4, rax
        ret

print:  mov dx, COM1
        lodsb
        test al, al
        jz .done
        out dx, al
        jmp print
.done:  ret

whole:    db "whole", 10, 0
was_torn: db "torn", 10, 0
file_end:
        absolute 0x200000
pml4:   resb 0x1000
pdpt:   resb 0x1000
stacks: resb 256 * STACK_SIZE
stacks_taken: resd 1
info:         resd 1
up:           resd 1
torn_seen:    resd 1
              alignb 32
user_page:    resq 4
table_page:   resq 4
bss_end:
user    equ USER_BASE + user_page
table   equ USER_BASE + table_page
