/* setjmp and longjmp out of nested calls, with the values that survive. */
#include <setjmp.h>
#include <stdio.h>

static jmp_buf outer, inner;

__attribute__((noinline)) static void dive(int depth) {
  if (depth == 0) longjmp(outer, 42);
  volatile char frame[64];
  frame[depth & 63] = (char)depth;
  dive(depth - 1);
  printf("never %d\n", frame[0]);
}

int main(void) {
  volatile int rounds = 0;
  volatile double kept = 1.25;
  int value = setjmp(outer);
  printf("setjmp gave %d, rounds %d, kept %.2f\n", value, rounds, kept);
  if (rounds < 3) {
    rounds++;
    kept *= 1.5;
    dive(10 * rounds);
  }
  for (volatile int i = 0;; i++) {
    int code = setjmp(inner);
    if (code == 0) longjmp(inner, i); /* zero arrives as one */
    printf("inner %d\n", code);
    if (i == 3) break;
  }
  return 0;
}
