; Copies the string at RSI to RDI with REP MOVSB, terminator included; its length in RAX.
bits 64
        cld
        mov     rdx, rdi
        mov     rdi, rsi
        xor     eax, eax
        mov     rcx, -1
        repne   scasb
        not     rcx
        lea     rax, [rcx-1]
        mov     rdi, rdx
        rep     movsb
        hlt
