/* Text to numbers: strtod, strtold, strtof, strtol, sscanf, at and around every limit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[] = {
    "0", "-0", "1", "0.1", "1e10", "1.7976931348623157e308", "1.7976931348623159e308", "1e309", "-1e400", "2.2250738585072011e-308",
    "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400", "9007199254740993", "9007199254740992.5",
    "0.500000000000000166533453693773481063544750213623046875", "3.14159265358979323846264338327950288419716939937510",
    "0x1.8p3", "0x1.fffffffffffff8p0", "0x1.00000000000008p-1022", "inf", "-Infinity", "nan", "12abc", "  \t7", "", ".", "1e", "1e+", "+.5e1",
    "6.0221407600000000000000001e23", "123456789012345678901234567890",
};
static const char *const integers[] = {
    "0", "-1", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "0x7fffffff", "0777", "zz", "12x",
};

int main(void) {
  for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
    char *end;
    errno = 0;
    double d = strtod(texts[i], &end);
    unsigned long bits;
    memcpy(&bits, &d, 8);
    if (d != d) bits &= ~(1ul << 63); /* libraries differ in the sign of «nan» */
    printf("%-32.32s %016lx %d %d", texts[i], bits, (int)(end - texts[i]), errno == ERANGE);
    float f = strtof(texts[i], NULL);
    long double l = strtold(texts[i], NULL);
    if (d == d) printf(" %a %La", (double)f, l);
    putchar('\n');
  }
  for (unsigned i = 0; i < sizeof integers / sizeof *integers; i++) {
    char *end;
    errno = 0;
    long v = strtol(integers[i], &end, 0);
    unsigned long u = strtoul(integers[i], NULL, 36);
    printf("%s %ld %d %d %lx\n", integers[i], v, (int)(end - integers[i]), errno == ERANGE, u);
  }
  int a, b;
  float f;
  char word[8];
  int n = sscanf("12 -0x1f 2.5e3 wonderful", "%d %i %f %7s", &a, &b, &f, word);
  printf("%d %d %d %g %s\n", n, a, b, (double)f, word);
  return 0;
}
