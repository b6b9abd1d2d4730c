; syscall_exit_work of a kernel whose per-CPU reads are inline assembly: `current` is loaded twice, by absolute address.
; 52 bytes at ffffffff8111e120, up to the second compare. RDI regs, RSI work flags; GS base the CPU's per-CPU area.
bits 64
org 0xffffffff8111e120
%define pcpu_hot 0x2ac80

start:
        push    rbp
        mov     rbp, rdi
        push    rbx
        mov     rbx, rsi
        and     esi, 0x20
        je      .second
        mov     rax, [gs:abs pcpu_hot]
        cmp     byte [rax+0x800], 0
        jne     near start+266
.second mov     rax, [gs:abs pcpu_hot]
        cmp     qword [rax+0x7c8], 0
