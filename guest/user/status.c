/* Ends with the status in argv[1], after the exit handlers ran and the buffers were written. */
#include <stdio.h>
#include <stdlib.h>

static void last(void) { printf("last handler\n"); }
static void first(void) { printf("first handler\n"); }

int main(int argc, char **argv) {
  atexit(last);
  atexit(first);
  printf("leaving");
  putchar('\n');
  exit(argc > 1 ? atoi(argv[1]) : 0);
}
