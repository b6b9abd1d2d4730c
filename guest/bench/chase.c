/* Memory latency: one random cycle of pointers through 64 MiB. argv[1]: percent of the default work. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { CELLS = 1 << 20, STEPS = 8000000 };
/* A cache line each. */
static struct cell { struct cell *next; uint64_t value, pad[6]; } cells[CELLS];
static uint32_t order[CELLS];

int main(int argc, char **argv) {
  long steps = (long)STEPS / 100 * (argc > 1 ? atol(argv[1]) : 100);
  uint64_t x = 88172645463325252ull, sum = 0;
  for (uint32_t i = 0; i < CELLS; i++) order[i] = i;
  for (uint32_t i = CELLS - 1; i > 0; i--) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    uint32_t j = (uint32_t)(x % (i + 1)), t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
  for (uint32_t i = 0; i < CELLS; i++) {
    cells[order[i]].next = &cells[order[(i + 1) % CELLS]];
    cells[order[i]].value = i;
  }
  struct cell *at = &cells[order[0]];
  for (long i = 0; i < steps; i++) {
    sum = sum * 5 + at->value;
    at = at->next;
  }
  printf("chase %016llx\n", (unsigned long long)sum);
  return 0;
}
