/* Compares, swaps and unpredictable branches: an own quicksort of four million 64-bit numbers. argv[1]: percent of the default work. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 4000000, ROUNDS = 5, SMALL = 12 };
static uint64_t numbers[COUNT];

static inline void swap(uint64_t *a, uint64_t *b) {
  uint64_t t = *a;
  *a = *b;
  *b = t;
}

static void insertion_sort(uint64_t *v, long n) {
  for (long i = 1; i < n; i++) {
    uint64_t x = v[i];
    long j = i;
    for (; j > 0 && v[j - 1] > x; j--) v[j] = v[j - 1];
    v[j] = x;
  }
}

static void sort(uint64_t *v, long n) {
  while (n > SMALL) {
    uint64_t *middle = v + n / 2, *last = v + n - 1;
    if (*middle < *v) swap(middle, v);
    if (*last < *v) swap(last, v);
    if (*last < *middle) swap(last, middle);
    uint64_t pivot = *middle;
    long i = 0, j = n - 1;
    while (i <= j) {
      while (v[i] < pivot) i++;
      while (v[j] > pivot) j--;
      if (i <= j) swap(&v[i++], &v[j--]);
    }
    sort(v, j + 1);
    v += i;
    n -= i;
  }
  insertion_sort(v, n);
}

int main(int argc, char **argv) {
  long count = (long)COUNT / 100 * (argc > 1 ? atol(argv[1]) : 100);
  if (count > COUNT) count = COUNT;
  uint64_t sum = 0, x = 88172645463325252ull;
  for (int round = 0; round < ROUNDS; round++) {
    for (long i = 0; i < count; i++) {
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
      numbers[i] = x;
    }
    sort(numbers, count);
    for (long i = 0; i < count; i += 997) sum = sum * 31 + numbers[i];
    for (long i = 1; i < count; i++) sum += numbers[i - 1] > numbers[i];
  }
  printf("qsort %016llx\n", (unsigned long long)sum);
  return 0;
}
