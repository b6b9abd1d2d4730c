; Loads 8 bytes of which the last 4 are on the page after its own: a page fault at that page's start unless it is mapped.
; To be loaded at the start of a page.
bits 64
        mov     eax, 1
        mov     rbx, [rel $$+4096-4]
        inc     eax
        hlt
