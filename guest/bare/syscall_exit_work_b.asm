; syscall_exit_work of a kernel that reads `current` through a constant alias: loaded once, RIP-relative, kept in R12.
; 47 bytes at ffffffff8111cb80, up to the second compare. RDI regs, RSI work flags; GS base the CPU's per-CPU area.
bits 64
org 0xffffffff8111cb80

start:
        push    r12
        ; mov r12, [gs:rel 2ac80h]: the displacement wraps over 2^64, which nasm will not write for us
        db      0x65, 0x4c, 0x8b, 0x25
        dd      0x7ef0e0f6
        push    rbp
        mov     rbp, rdi
        push    rbx
        mov     rbx, rsi
        and     esi, 0x20
        je      .second
        cmp     byte [r12+0x800], 0
        jne     near start+250
.second cmp     qword [r12+0x7c8], 0
