/* Integer loop: the sieve of Eratosthenes over 4 MiB of bytes. argv[1]: percent of the default work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 4 << 20, ROUNDS = 150 };
static unsigned char composite[LIMIT];

int main(int argc, char **argv) {
  long rounds = ROUNDS * (argc > 1 ? atol(argv[1]) : 100) / 100;
  unsigned long sum = 0;
  for (long round = 0; round < rounds; round++) {
    memset(composite, 0, sizeof composite);
    composite[round % 7 + 10] = 1;
    for (unsigned i = 2; i < LIMIT; i++) {
      if (composite[i]) continue;
      sum += i;
      for (unsigned long j = (unsigned long)i * i; j < LIMIT; j += i) composite[j] = 1;
    }
  }
  printf("sieve %lu\n", sum);
  return 0;
}
