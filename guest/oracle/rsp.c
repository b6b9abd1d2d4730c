/*
 * AMD Zen 4 (family 25, model 17): behind PUSH or POP an instruction with EVEX.X clear that takes RSP for a number gets the one
 * from before. Prints how often, out of 100,000 times: gcc -O2 -o rsp rsp.c && ./rsp
 *
 * The stack engine keeps what PUSH and POP add to RSP apart until an instruction names the register. EVEX.X has no meaning where
 * ModRM.rm is a general register (SDM 2A 2.7.1): the value read is that of register 4, but what looks out for RSP seems to
 * take it for register 20. Assemblers leave the bit set.
 */
#include <stdio.h>

enum { TIMES = 100000 };

#define COUNT(change, name, bytes)                                                                                     \
  do {                                                                                                                 \
    unsigned wrong = 0;                                                                                                \
    for (unsigned n = 0; n < TIMES; n++) {                                                                             \
      unsigned seen;                                                                                                   \
      unsigned long is;                                                                                                \
      __asm__ volatile("sub $256, %%rsp; mov %%rsp, %%r8; " change "; .byte " bytes "\n\t"                              \
                       "mov %%rsp, %1; vmovd %%xmm2, %0; mov %%r8, %%rsp; add $256, %%rsp"                             \
                       : "=a"(seen), "=d"(is) : : "r8", "r10", "xmm2", "xmm3", "memory");                              \
      wrong += seen != (unsigned)is;                                                                                   \
    }                                                                                                                  \
    printf("  %6u  %s; %s\n", wrong, change, name);                                                                    \
  } while (0)

#define FORM(name, bytes)                                                                                              \
  COUNT("push %%rsi", name, bytes);                                                                                    \
  COUNT("push %%rsi; mov %%rsp, %%r10", name, bytes);                                                                  \
  COUNT("push %%rsi; add $0, %%rsp", name, bytes);                                                                     \
  COUNT("add $0, %%rsp; pop %%r10", name, bytes);                                                                      \
  COUNT("sub $8, %%rsp", name, bytes)

int main(void) {
  puts("EVEX.X set");
  FORM("vpbroadcastd %esp, %xmm2", "0x62, 0xf2, 0x7d, 0x08, 0x7c, 0xd4");
  FORM("vpinsrd $0, %esp, %xmm3, %xmm2", "0x62, 0xf3, 0x65, 0x08, 0x22, 0xd4, 0");
  puts("EVEX.X clear");
  FORM("vpbroadcastd %esp, %xmm2", "0x62, 0xb2, 0x7d, 0x08, 0x7c, 0xd4");
  FORM("vpinsrd $0, %esp, %xmm3, %xmm2", "0x62, 0xb3, 0x65, 0x08, 0x22, 0xd4, 0");
  puts("VEX");
  FORM("vpinsrd $0, %esp, %xmm3, %xmm2", "0xc4, 0xe3, 0x61, 0x22, 0xd4, 0");
  puts("VEX.X clear");
  FORM("vpinsrd $0, %esp, %xmm3, %xmm2", "0xc4, 0xa3, 0x61, 0x22, 0xd4, 0");
  return 0;
}
