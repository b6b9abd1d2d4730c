/* Records, short strings, calls through pointers and small allocations, as ordinary programs mix them. argv[1]: percent of the default work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHELVES = 64, ROUNDS = 25000000 };

enum kind { BOOK, MAP, ATLAS };

struct item {
  struct item *next;
  enum kind kind;
  int pages;
  char title[32];
  union {
    struct { int chapter, verse; } book;
    struct { short scale, sheet; } map;
  } detail;
};

static struct item *shelf[SHELVES];
static long counts[3];

__attribute__((noinline)) static unsigned hash(const char *text) {
  unsigned h = 5381;
  while (*text) h = h * 33 ^ (unsigned char)*text++;
  return h;
}

__attribute__((noinline)) static struct item *find(const char *title) {
  for (struct item *i = shelf[hash(title) % SHELVES]; i; i = i->next)
    if (strcmp(i->title, title) == 0) return i;
  return NULL;
}

static int weigh_book(const struct item *i) { return i->pages * 2 + i->detail.book.chapter; }
static int weigh_map(const struct item *i) { return i->detail.map.scale + i->detail.map.sheet; }
static int weigh_atlas(const struct item *i) { return i->pages * 5 - 1; }
static int (*const weigh[])(const struct item *) = {weigh_book, weigh_map, weigh_atlas};

__attribute__((noinline)) static void name(char *to, int n) {
  static const char *const words[] = {"rivers of the north ", "a short history ", "harbours ", "the second voyage "};
  strcpy(to, words[n & 3]);
  char *end = to + strlen(to);
  *end++ = (char)('a' + n % 26);
  *end++ = (char)('a' + n / 26 % 26);
  *end = 0;
}

__attribute__((noinline)) static void add(int n) {
  struct item *i = malloc(sizeof *i);
  name(i->title, n);
  i->kind = (enum kind)(n % 3);
  i->pages = 100 + n % 57;
  if (i->kind == MAP) {
    i->detail.map.scale = (short)(n % 50);
    i->detail.map.sheet = (short)n;
  } else {
    i->detail.book.chapter = n;
    i->detail.book.verse = -n;
  }
  struct item **at = &shelf[hash(i->title) % SHELVES];
  i->next = *at;
  *at = i;
}

__attribute__((noinline)) static struct item revise(struct item copy, int by) {
  copy.pages += by;
  if (copy.pages > 400) copy.pages -= 300;
  return copy;
}

int main(int argc, char **argv) {
  long rounds = ROUNDS / 100 * (argc > 1 ? atol(argv[1]) : 100);
  unsigned long sum = 0;
  char title[32];
  for (int n = 0; n < 200; n++) add(n);
  for (long round = 0; round < rounds; round++) {
    name(title, (int)(round * 7 % 220));
    struct item *i = find(title);
    if (!i) {
      sum += 3;
      continue;
    }
    struct item changed = revise(*i, (int)(round & 7));
    changed.next = i->next;
    memcpy(i, &changed, sizeof changed);
    counts[i->kind]++;
    sum += (unsigned long)weigh[i->kind](i);
  }
  printf("structmix %lu %ld %ld %ld\n", sum, counts[BOOK], counts[MAP], counts[ATLAS]);
  return 0;
}
