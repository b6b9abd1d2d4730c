/* The library's qsort and bsearch on numbers, doubles, strings and records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 500 };
struct record { char name[12]; int age; double score; };

static int by_int(const void *a, const void *b) {
  int x = *(const int *)a, y = *(const int *)b;
  return (x > y) - (x < y);
}
static int by_double(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}
static int by_string(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static int by_score(const void *a, const void *b) {
  const struct record *x = a, *y = b;
  if (x->score != y->score) return x->score < y->score ? -1 : 1;
  return x->age != y->age ? x->age - y->age : strcmp(x->name, y->name);
}

static unsigned state = 12345;
static unsigned next(void) { return state = state * 1103515245u + 12345u, state >> 8; }

int main(void) {
  static int ints[COUNT];
  static double doubles[COUNT];
  static char text[COUNT][12];
  static char *strings[COUNT];
  static struct record records[COUNT];
  for (int i = 0; i < COUNT; i++) {
    ints[i] = (int)next() - (1 << 23);
    doubles[i] = (double)next() / 1000 - 8000;
    snprintf(text[i], sizeof text[i], "%x", next() % 100000);
    strings[i] = text[i];
    snprintf(records[i].name, sizeof records[i].name, "n%u", next() % 50);
    records[i].age = (int)(next() % 90);
    records[i].score = (next() % 40) / 8.0;
  }
  qsort(ints, COUNT, sizeof *ints, by_int);
  qsort(doubles, COUNT, sizeof *doubles, by_double);
  qsort(strings, COUNT, sizeof *strings, by_string);
  qsort(records, COUNT, sizeof *records, by_score);
  for (int i = 0; i < COUNT; i += 50)
    printf("%d %.3f %s %s/%d/%.3f\n", ints[i], doubles[i], strings[i], records[i].name, records[i].age, records[i].score);
  int *found = bsearch(&ints[77], ints, COUNT, sizeof *ints, by_int);
  printf("found at %ld\n", found ? (long)(found - ints) : -1L);
  return 0;
}
