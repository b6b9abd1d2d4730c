/* As much work as argv[1] asks for, 113 instructions a round: calls, table look-ups, rotates, branches; prints a checksum. The same code also runs without an operating system, from the label `bare` to HLT. Built with symbols and frame pointers, so that profiles have something to show. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { TABLE = 1024 };

static uint32_t table[TABLE];

/* Without an operating system: RDI rounds, the checksum in RAX. */
__asm__(".globl bare\nbare: call work\nhlt");

__attribute__((noinline)) static uint32_t mix(uint32_t x, uint32_t key) {
  for (int i = 0; i < 4; i++) {
    x = (x << 5 | x >> 27) ^ key;
    x *= 0x9e3779b1;
    key += x >> 3;
  }
  return x;
}

__attribute__((noinline)) static uint32_t look(uint32_t x) {
  uint32_t *cell = &table[x % TABLE];
  if (*cell & 1) *cell += x;
  else *cell ^= x >> 7;
  return *cell;
}

__attribute__((noinline)) static uint32_t turn(uint32_t x, uint32_t round) {
  uint32_t y = mix(x, round);
  for (int i = 0; i < 3; i++) y += look(y ^ x >> i);
  return y;
}

__attribute__((noinline, used)) uint64_t work(uint64_t rounds) {
  uint32_t x = 1;
  for (uint32_t i = 0; i < TABLE; i++) table[i] = i * 2654435761u;
  for (uint64_t round = 0; round < rounds; round++) x = turn(x, (uint32_t)round);
  return x;
}

int main(int argc, char **argv) {
  uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
  printf("rounds %08lx\n", (unsigned long)work(rounds));
  return 0;
}
