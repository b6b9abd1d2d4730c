; Sum of 1 to RDI in RAX.
bits 64
        xor     eax, eax
.next   test    rdi, rdi
        jz      .done
        add     rax, rdi
        dec     rdi
        jmp     .next
.done   hlt
