; Writes into the instruction behind the store, ECX times: RAX is the sum of ECX down to 1. Needs writable code.
bits 64
        xor     eax, eax
.next   mov     [rel .value+1], ecx
.value  mov     edx, 0
        add     eax, edx
        loop    .next
        hlt
