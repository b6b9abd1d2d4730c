/* Calls and returns: Fibonacci numbers by double recursion. argv[1]: percent of the default work. */
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 300, N = 31 };

__attribute__((noinline, optimize("no-optimize-sibling-calls"))) static unsigned long fib(unsigned n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(int argc, char **argv) {
  long rounds = ROUNDS * (argc > 1 ? atol(argv[1]) : 100) / 100;
  unsigned long sum = 0;
  for (long round = 0; round < rounds; round++) sum += fib(N - (round & 1));
  printf("fib %lu\n", sum);
  return 0;
}
