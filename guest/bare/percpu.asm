; Kernel: SWAPGS around a per-CPU counter. RDI the per-CPU area, RSI the user's GS base, RCX rounds.
; RAX becomes the counter at GS:0, RBX the user's GS base as read back through IA32_GS_BASE.
bits 64
%define IA32_GS_BASE 0xc0000101
%define IA32_KERNEL_GS_BASE 0xc0000102
        mov     r8, rcx
        mov     rax, rsi
        mov     rdx, rsi
        shr     rdx, 32
        mov     ecx, IA32_GS_BASE
        wrmsr
        mov     rax, rdi
        mov     rdx, rdi
        shr     rdx, 32
        mov     ecx, IA32_KERNEL_GS_BASE
        wrmsr
.next   swapgs
        inc     qword [gs:abs 0]
        mov     r9, [gs:abs 0]
        swapgs
        dec     r8
        jnz     .next
        mov     ecx, IA32_GS_BASE
        rdmsr
        shl     rdx, 32
        lea     rbx, [rax+rdx]
        mov     rax, r9
        hlt
