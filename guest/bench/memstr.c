/* The C library's memory and string calls over many lengths and alignments. argv[1]: percent of the default work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1 << 16, ROUNDS = 9000000 };
static char from[SIZE + 64], to[SIZE + 64];

int main(int argc, char **argv) {
  long rounds = (long)ROUNDS / 100 * (argc > 1 ? atol(argv[1]) : 100);
  unsigned long sum = 0, x = 2463534242u;
  for (int i = 0; i < SIZE; i++) from[i] = (char)('a' + i % 23);
  for (long round = 0; round < rounds; round++) {
    x = x * 6364136223846793005ul + 1442695040888963407ul;
    unsigned long r = x >> 33;
    /* Mostly short, sometimes some kilobytes. */
    unsigned long length = r % (r & 0x700 ? 200 : 20000) + 1, a = r >> 11 & 31, b = r >> 16 & 31;
    memcpy(to + b, from + a, length);
    to[b + length] = 0;
    sum += strlen(to + b);
    char *found = memchr(to + b, 'a' + (int)(r % 29), length);
    sum += found ? (unsigned long)(found - to) : 7;
    memmove(to + b + 3, to + b, length);
    sum += (unsigned long)memcmp(to + b + 3, from + a, length) & 1;
    to[b + length] = 0;
    from[a + length] ^= 1;
    sum += strcmp(to + b + 3, to + b) > 0;
    char *last = strrchr(to + b, 'c');
    sum += last ? (unsigned long)(last - to) : 1;
    memset(to + b, (int)(r & 15) + 'a', length / 2);
    sum += strspn(to + b, "abc");
    from[a + length] ^= 1;
  }
  printf("memstr %lu\n", sum);
  return 0;
}
