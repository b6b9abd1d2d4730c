/* The library's memory and string calls at every alignment of both ends and many lengths, as checksums. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

enum { ROOM = 1024 };
static unsigned char a[ROOM], b[ROOM];

static unsigned long sum = 14695981039346656037ul;
static void mix(unsigned long x) { sum = (sum ^ x) * 1099511628211ul; }
static void mix_buffer(const unsigned char *p) {
  for (int i = 0; i < ROOM; i += 8) {
    unsigned long x;
    memcpy(&x, p + i, 8);
    mix(x);
  }
}
static void reset(void) {
  for (int i = 0; i < ROOM; i++) a[i] = (unsigned char)(i * 7 % 255 + 1), b[i] = (unsigned char)(i * 11 % 255 + 1);
}
static void report(const char *name) {
  printf("%-8s %016lx\n", name, sum);
  sum = 14695981039346656037ul;
}

static const int lengths[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 23, 31, 32, 33, 47, 63, 64, 65, 95, 127, 128, 129, 200, 255, 256, 257, 400, 511};
#define EACH(n) for (unsigned k = 0, n; k < sizeof lengths / sizeof *lengths && (n = (unsigned)lengths[k], 1); k++)

int main(void) {
  for (int x = 0; x < 32; x += 1)
    for (int y = 0; y < 32; y += 5) EACH(n) {
        reset();
        memcpy(a + x, b + y, n);
        mix_buffer(a);
      }
  report("memcpy");
  for (int x = 0; x < 48; x += 3)
    for (int y = 0; y < 48; y += 7) EACH(n) {
        reset();
        memmove(a + x, a + y, n);
        mix_buffer(a);
      }
  report("memmove");
  for (int x = 0; x < 64; x++) EACH(n) {
      reset();
      memset(a + x, x * 3, n);
      mix_buffer(a);
    }
  report("memset");
  for (int x = 0; x < 64; x++) EACH(n) {
      reset();
      a[x + n] = 0;
      mix(strlen((char *)a + x));
      mix(strnlen((char *)a + x, n / 2 + 3));
      char *c = strchr((char *)a + x, a[x + n / 2]);
      mix(c ? (unsigned long)(c - (char *)a) : 99);
      c = strrchr((char *)a + x, a[x + n / 3]);
      mix(c ? (unsigned long)(c - (char *)a) : 98);
    }
  report("strlen");
  for (int x = 0; x < 64; x++) EACH(n) {
      reset();
      memset(a, 1, ROOM);
      a[x + n] = 2;
      unsigned char *c = memchr(a + x, 2, n + 1);
      mix(c ? (unsigned long)(c - a) : 97);
      c = memchr(a + x, 2, n);
      mix(c ? (unsigned long)(c - a) : 96);
      c = memrchr(a + x, 2, n + 40);
      mix(c ? (unsigned long)(c - a) : 95);
    }
  report("memchr");
  for (int x = 0; x < 32; x++)
    for (int y = 0; y < 32; y += 3) EACH(n) {
        memset(a, 5, ROOM);
        memset(b, 5, ROOM);
        a[x + n] = 200;
        b[y + n + 1] = 0;
        a[x + n + 1] = 0;
        int m = memcmp(a + x, b + y, n + 1), s = strcmp((char *)a + x, (char *)b + y), c = strncmp((char *)a + x, (char *)b + y, n);
        mix((unsigned long)((m > 0) - (m < 0) + 3) * 100 + (unsigned long)((s > 0) - (s < 0) + 3) * 10 + (unsigned long)((c > 0) - (c < 0) + 3));
      }
  report("compare");
  for (int x = 0; x < 32; x++) EACH(n) {
      reset();
      b[x + n] = 0;
      mix((unsigned long)(stpcpy((char *)a + 31 - x, (char *)b + x) - (char *)a));
      mix_buffer(a);
      strncpy((char *)a + 5, (char *)b + x, n + 9);
      mix_buffer(a);
    }
  report("strcpy");
  const char *text = "the quick brown fox jumps over the lazy dog, then the dog jumps over the quick fox";
  for (int i = 0; i < 70; i++) {
    char needle[12];
    memcpy(needle, text + i, 11);
    needle[i % 11 + 1] = 0;
    mix((unsigned long)(strstr(text, needle) - text));
    mix(strspn(text + i, "the quickbrown") * 100 + strcspn(text + i, "xyz,"));
    char *p = strpbrk(text + i, "jvz");
    mix(p ? (unsigned long)(p - text) : 94);
  }
  report("search");
  return 0;
}
