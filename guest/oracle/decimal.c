/*
 * Decimal instructions of 32-bit code, run in compatibility mode on the CPU: name, AX, CF | AF << 1 ⇒ AX, flags. tests/semantics/legacy holds
 * swapgs to hashes of these lines, without the flags that the manual leaves open. Not built:
 *
 *   gcc -O1 -static -no-pie -fcf-protection=none -o decimal decimal.c && ./decimal
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define USER32_CS 0x23
#define DEFINED_BY_NAME(n) (n[0] == 'd' ? 0x0d5 : n[2] == 'm' || n[2] == 'd' ? 0x0c4 : n[0] == 's' ? 0x8d5 : 0x011)

struct {
  uint32_t offset;
  uint16_t selector;
} __attribute__((packed)) far;

static const struct {
  const char *name;
  unsigned char bytes[2];
  int length;
} ops[] = {{"daa", {0x27}, 1},      {"das", {0x2f}, 1},     {"aaa", {0x37}, 1},
           {"aas", {0x3f}, 1},      {"aam10", {0xd4, 10}, 2}, {"aad10", {0xd5, 10}, 2},
           {"aam7", {0xd4, 7}, 2},  {"aad200", {0xd5, 200}, 2}, {"salc", {0xd6}, 1}};

int main(void) {
  int rights = PROT_READ | PROT_WRITE | PROT_EXEC, kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT;
  unsigned char *code = mmap(0, 8192, rights, kind, -1, 0), *stack = code + 8192;
  far.offset = (uintptr_t)code;
  far.selector = USER32_CS;
  for (unsigned o = 0; o < sizeof ops / sizeof *ops; o++) {
    memcpy(code, ops[o].bytes, ops[o].length);
    code[ops[o].length] = 0xcb; /* lret */
    for (int ah = 0; ah < 256; ah += 85)
      for (int al = 0; al < 256; al++)
        for (int f = 0; f < 4; f++) {
          static uint64_t ax, before, after;
          ax = ah << 8 | al;
          before = 0x202 | (f & 1) | (f & 2) << 3;
          __asm__ volatile(
              "mov %%rsp, %%r15\n mov %3, %%rsp\n push %4\n popf\n mov %2, %%rax\n lcall *%5\n"
              "mov %%rax, %0\n pushf\n pop %1\n mov %%r15, %%rsp"
              : "=m"(ax), "=m"(after)
              : "m"(ax), "r"(stack), "m"(before), "m"(far)
              : "rax", "r15", "cc", "memory");
          printf("%s %04x %d %04x %03x\n", ops[o].name, ah << 8 | al, f, (unsigned)(ax & 0xffff),
                 (unsigned)(after & DEFINED_BY_NAME(ops[o].name)));
        }
  }
}
