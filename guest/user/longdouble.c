/* The x87 as a C library uses it: long double arithmetic, rounding, conversion to text and back. */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void arithmetic(void) {
  long double third = 1.0L / 3, tenth = 0.1L, sum = 0;
  for (int i = 1; i <= 1000; i++) sum += 1.0L / i;
  printf("%.21Lg %.21Lg %.21Lg\n", third, tenth, sum);
  printf("%La %La %La\n", third, LDBL_MAX, LDBL_MIN);
  printf("%Lf %Le %Lg\n", 1e30L * tenth, LDBL_MAX, LDBL_TRUE_MIN);
  printf("%.20Lf %.20Lf\n", sqrtl(2.0L), fmodl(1e20L, 3.7L));
  printf("%d %d\n", third < tenth, third > tenth);
}

static void rounding(void) {
  static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
  for (int i = 0; i < 4; i++) {
    fesetround(modes[i]);
    volatile long double one = 1, three = 3;
    printf("%.21Lg %lld %lld\n", one / three, llrintl(one * 5 / 2), llrintl(-one / 2));
    printf("%.9g %.17g\n", (double)(float)(one / three), (double)(one / three));
  }
  fesetround(FE_TONEAREST);
  printf("%Lg %Lg %Lg %Lg\n", rintl(2.5L), floorl(-2.5L), ceill(2.1L), truncl(-7.9L));
  printf("%lld %lld %ld\n", llrintl(1e15L + 0.5L), llroundl(-2.5L), lrint(3.5));
}

static void parts(void) {
  int exponent;
  long double fraction = frexpl(12345.678L, &exponent);
  printf("%.18Lg %d\n", fraction, exponent);
  printf("%.18Lg %.18Lg\n", ldexpl(1.2345L, -16440), scalbnl(3.0L, 100));
  printf("%.18Lg %.18Lg\n", remainderl(10.3L, 3.1L), logbl(1e300L));
}

static void special(void) {
  feclearexcept(FE_ALL_EXCEPT);
  volatile long double zero = 0, infinite = 1 / zero, none = zero / zero;
  int raised = fetestexcept(FE_ALL_EXCEPT);
  printf("%Lf %d %d %d\n", infinite, isnan(none) != 0, zero == -zero, raised);
  unsigned long long most = (unsigned long long)18446744073709551615.0L;
  printf("%llu %.0Lf\n", most, (long double)most);
}

static void text(void) {
  printf("%.20Lg %.20Lg\n", strtold("3.14159265358979323846264338327950288", 0), strtold("1e-4940", 0));
  printf("%.17g %.17g %g\n", strtod("2.2250738585072011e-308", 0), strtod("0.1", 0), strtod("1e400", 0));
  double sum = 0;
  for (int i = 0; i < 5000; i++) {
    char digits[64];
    snprintf(digits, sizeof digits, "%.17g", i * 0.37 + 1e-3);
    sum += atof(digits);
  }
  printf("%.17g\n", sum);
}

int main(void) {
  arithmetic();
  rounding();
  parts();
  special();
  text();
  return 0;
}
