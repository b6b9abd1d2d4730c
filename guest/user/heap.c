/* malloc, calloc, realloc and free in many sizes, small and large, with the contents checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 400, STEPS = 40000 };
static unsigned char *slot[SLOTS];
static size_t size[SLOTS];

static unsigned state = 99;
static unsigned next(void) { return state = state * 1664525u + 1013904223u, state >> 4; }

static void check(int i) {
  for (size_t k = 0; k < size[i]; k += 97)
    if (slot[i][k] != (unsigned char)(i + k)) {
      printf("slot %d differs at %zu\n", i, k);
      exit(1);
    }
}
static void fill(int i, size_t from) {
  for (size_t k = from; k < size[i]; k++) slot[i][k] = (unsigned char)(i + k);
}

int main(void) {
  unsigned long total = 0;
  for (int step = 0; step < STEPS; step++) {
    int i = (int)(next() % SLOTS);
    size_t want = next() % (next() % 64 ? 300 : 200000) + 1;
    if (!slot[i]) {
      slot[i] = next() & 1 ? malloc(want) : calloc(want, 1);
      size[i] = want;
      fill(i, 0);
    } else if (next() & 1) {
      check(i);
      size_t before = size[i], kept = before < want ? before : want;
      slot[i] = realloc(slot[i], want);
      size[i] = kept;
      check(i);
      size[i] = want;
      fill(i, kept);
    } else {
      check(i);
      total += size[i];
      free(slot[i]);
      slot[i] = NULL;
    }
  }
  for (int i = 0; i < SLOTS; i++) {
    if (slot[i]) check(i), total += size[i];
    free(slot[i]);
  }
  printf("heap %lu\n", total);
  return 0;
}
