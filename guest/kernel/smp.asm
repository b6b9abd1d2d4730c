; Boots by multiboot on any number of CPUs: protected mode, long mode, start-up interrupts, a timer, interrupts between CPUs.
; Every CPU adds to a counter under the lock prefix, then the first one interrupts all the others and waits until they have
; answered. Says so on the serial port and ends with status 1 (0 through the debug-exit port); 3 where something is wrong.

%define APIC        0xfee00000
%define COM1        0x3f8
%define DEBUG_EXIT  0xf4
%define FW_CFG      0x510
%define FW_CPUS     5
%define TRAMPOLINE  0x8000
%ifndef ROUNDS
%define ROUNDS      1000
%endif
; turns of a loop of its own before each addition: what makes work.bin a measure of speed
%ifndef WORK
%define WORK        0
%endif
%define STACK_SIZE  0x1000
%define VECTOR_CALL 0x40
%define VECTOR_TIMER 0x50

%include "boot.inc"

        bits 64
ap64:   mov r15d, APIC
        lidt [idtr]
        call enable_apic
        call count
        sti
.wait:  hlt
        jmp .wait

boot64: mov r15d, APIC
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov rsi, hello
        call print
        ; how many are there?
        mov dx, FW_CFG
        mov ax, FW_CPUS
        out dx, ax
        inc dx
        xor eax, eax
        in al, dx
        mov [cpus], eax
        ; gates
        mov rax, on_call
        mov edi, idt + VECTOR_CALL * 16
        call gate
        mov rax, on_timer
        mov edi, idt + VECTOR_TIMER * 16
        call gate
        lidt [idtr]
        call enable_apic
        ; INIT and start-up to all but self
        mov dword [r15 + 0x300], 0xc4500
        mov dword [r15 + 0x300], 0xc4600 | (TRAMPOLINE >> 12)
        call count
        mov ecx, [cpus]
        imul ecx, ecx, ROUNDS
.count: pause
        cmp [counter], ecx
        jne .count
        mov rsi, counted
        call print
        ; a timer in the meantime: 10,000 units
        mov dword [r15 + 0x320], VECTOR_TIMER
        mov dword [r15 + 0x3e0], 0xb
        mov dword [r15 + 0x380], 10000
        sti
.timer: hlt
        cmp dword [ticks], 0
        je .timer
        mov rsi, ticked
        call print
        ; all but self
        mov dword [r15 + 0x300], 0xc4000 | VECTOR_CALL
        mov ecx, [cpus]
        dec ecx
.answer:
        pause
        cmp [answers], ecx
        jne .answer
        mov rsi, answered
        call print
        xor eax, eax
        mov dx, DEBUG_EXIT
        out dx, eax
        hlt

; the gate at RDI leads to RAX
gate:   mov [rdi], ax
        mov word [rdi + 2], 8
        mov word [rdi + 4], 0x8e00
        shr rax, 16
        mov [rdi + 6], ax
        mov dword [rdi + 8], 0
        ret

enable_apic:
        mov dword [r15 + 0xf0], 0x1ff
        ret

; ROUNDS additions, each a locked one
count:  mov ecx, ROUNDS
.more:
%if WORK
        mov edx, WORK
        mov rax, rsp
.work:  imul rax, rax, 0x2545f491
        mov [rsp - 64], rax
        mov rsi, rax
        shr rsi, 29
        xor rax, rsi
        add rax, [rsp - 64]
        dec edx
        jnz .work
%endif
        mov eax, 1
        lock xadd [counter], eax
        dec ecx
        jnz .more
        ret

on_call:
        lock inc dword [answers]
        mov dword [r15 + 0xb0], 0
        iretq

on_timer:
        inc dword [ticks]
        mov dword [r15 + 0xb0], 0
        iretq

print:  mov dx, COM1 + 5
.full:  in al, dx
        test al, 0x20
        jz .full
        mov dx, COM1
        lodsb
        test al, al
        jz .done
        out dx, al
        jmp print
.done:  ret

hello:    db "long mode", 10, 0
counted:  db "every CPU has counted", 10, 0
ticked:   db "the timer has ticked", 10, 0
answered: db "every CPU has answered", 10, 0
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
counter:      resd 1
answers:      resd 1
ticks:        resd 1
cpus:         resd 1
info:         resd 1
bss_end:
