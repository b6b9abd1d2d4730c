; One CPU takes tags off a pointer by a mask in memory, over and over, while the other one lets pointers carry tags: writes the
; mask, then interrupts the first one, which sets CR3.LAM_U57. With TWICE defined the mask is read for the check and again for the use,
; as a compiler may do that reloads it; else it is read once. With CACHED each entry into the kernel copies it to the thread, whose copy
; may be read as often as the compiler likes; with STONE tags are there from the first instruction on, as by a flag of the file, and nobody
; ever writes the mask. Says both values where they differ, and ends with status 3; with
; status 1 where they never do.

%define APIC        0xfee00000
%define COM1        0x3f8
%define DEBUG_EXIT  0xf4
%define TRAMPOLINE  0x8000
%define STACK_SIZE  0x1000
%define VECTOR_CALL 0x40
%define LAM_U57     61
%define MASK        0x81ffffffffffffff
%define TAG         0x5400000000000000

%include "boot.inc"

        bits 64
; the CPU that enables
ap64:   mov r15d, APIC
        mov dword [r15 + 0xf0], 0x1ff
        mov dword [up], 1
.wait:  pause
        cmp dword [ready], 0
        je .wait
%ifndef STONE
        mov rax, MASK
        mov [untag_mask], rax
%endif
        call set_lam
        ; all but self, and until it has done so
        mov dword [r15 + 0x300], 0xc4000 | VECTOR_CALL
.sync:  pause
        cmp dword [answers], 0
        je .sync
        mov rsi, TAG | untag_mask
        mov rsi, [rsi]
        mov dword [done], 1
.halt:  hlt
        jmp .halt

; the CPU that untags
boot64: mov r15d, APIC
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov rax, on_call
        mov edi, idt + VECTOR_CALL * 16
        mov [rdi], ax
        mov word [rdi + 2], 8
        mov word [rdi + 4], 0x8e00
        shr rax, 16
        mov [rdi + 6], ax
        lidt [idtr]
        mov dword [r15 + 0xf0], 0x1ff
%ifdef STONE
        mov rax, MASK
        mov [untag_mask], rax
        call set_lam
%else
        mov qword [untag_mask], -1
%endif
        mov dword [r15 + 0x300], 0xc4500
        mov dword [r15 + 0x300], 0xc4600 | (TRAMPOLINE >> 12)
.start: pause
        cmp dword [up], 0
        je .start
        sti
        mov rdi, TAG | untag_mask
        mov dword [ready], 1
.again:
%ifdef CACHED
        mov rcx, [untag_mask]
        mov [thread_mask], rcx
        mov rax, rdi
        and rax, [thread_mask]
        mov rdx, rdi
        and rdx, [thread_mask]
%elifdef TWICE
        mov rax, rdi
        and rax, [untag_mask]
        mov rdx, rdi
        and rdx, [untag_mask]
%else
        mov rcx, [untag_mask]
        mov rax, rdi
        and rax, rcx
        mov rdx, rdi
        and rdx, rcx
%endif
        cmp rax, rdx
        jne differ
        cmp dword [done], 0
        je .again
        ; the tag reaches memory here too
        mov rax, [rdi]
        mov rsi, same
        call print
        xor eax, eax
        jmp exit

differ: mov r12, rdx
        mov r13, rax
        mov rsi, checked
        call print
        mov rax, r13
        call hex
        mov rsi, used
        call print
        mov rax, r12
        call hex
        mov rsi, newline
        call print
        mov eax, 1
exit:   mov dx, DEBUG_EXIT
        out dx, eax
        hlt

set_lam:
        mov rax, cr3
        bts rax, LAM_U57
        mov cr3, rax
        ret

on_call:
        push rax
        call set_lam
        mov dword [answers], 1
        mov dword [r15 + 0xb0], 0
        pop rax
        iretq

hex:    mov rbx, rax
        mov ecx, 16
.digit: rol rbx, 4
        mov eax, ebx
        and eax, 15
        mov al, [digits + rax]
        mov dx, COM1
        out dx, al
        dec ecx
        jnz .digit
        ret

print:  mov dx, COM1
        lodsb
        test al, al
        jz .done
        out dx, al
        jmp print
.done:  ret

digits:  db "0123456789abcdef"
same:    db "one value", 10, 0
checked: db "checked ", 0
used:    db ", used ", 0
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
up:           resd 1
ready:        resd 1
answers:      resd 1
done:         resd 1
              alignb 8
untag_mask:   resq 1
thread_mask:  resq 1
bss_end:
