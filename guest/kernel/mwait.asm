; Two CPUs that wait for each other by MONITOR and MWAIT, a hundred times: each sleeps until the other one has stored to its line. Interrupts
; are off throughout, so that nothing but the stores wakes them. Ends with status 3 when somebody slept.

%define APIC        0xfee00000
%define COM1        0x3f8
%define DEBUG_EXIT  0xf4
%define TRAMPOLINE  0x8000
%define STACK_SIZE  0x1000
%define ROUNDS      100

%include "boot.inc"

        bits 64
; the second CPU answers every ball
ap64:   mov dword [up], 1
        mov ebp, 1
.next:  mov rdi, ball
        call wait_for
        mov [answer], ebp
        inc ebp
        cmp ebp, ROUNDS
        jbe .next
.halt:  hlt
        jmp .halt

; the first one serves
boot64: mov r15d, APIC
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov dword [r15 + 0xf0], 0x1ff
        mov dword [r15 + 0x300], 0xc4500
        mov dword [r15 + 0x300], 0xc4600 | (TRAMPOLINE >> 12)
.start: pause
        cmp dword [up], 0
        je .start
        mov ebp, 1
.serve: mov [ball], ebp
        mov rdi, answer
        call wait_for
        inc ebp
        cmp ebp, ROUNDS
        jbe .serve
        mov rsi, played
        call print
        xor eax, eax
        cmp dword [slept], 0
        je .exit
        inc eax
.exit:  mov dx, DEBUG_EXIT
        out dx, eax
        hlt

; sleeps until the word at rdi is ebp
wait_for:
        mov rax, rdi
        xor ecx, ecx
        xor edx, edx
        monitor
        cmp [rdi], ebp
        je .done
        lock inc dword [slept]
        xor eax, eax
        mwait
        jmp wait_for
.done:  ret

print:  mov dx, COM1
        lodsb
        test al, al
        jz .done
        out dx, al
        jmp print
.done:  ret

played:  db "a hundred rounds", 10, 0
file_end:
        absolute 0x200000
pml4:   resb 0x1000
pdpt:   resb 0x1000
stacks: resb 256 * STACK_SIZE
stacks_taken: resd 1
info:         resd 1
up:           resd 1
slept:        resd 1
              alignb 64
ball:         resd 1
              alignb 64
answer:       resd 1
bss_end:
