/* printf of double and long double in every notation, over values from zero to infinity. */
#include <float.h>
#include <math.h>
#include <stdio.h>

static const double values[] = {
    0.0, -0.0, 1.0, -1.0, 0.1, 1.0 / 3, 2.0 / 3, 0.5, 1.5, 2.5, 1e5, 123456.789, 999999.5, 1e15, 1e16, 1e17, 1e22, 1e23,
    1.7976931348623157e308, 2.2250738585072014e-308, 4.9406564584124654e-324, 2.2250738585072009e-308, 3.1415926535897931,
    2.7182818284590451, 6.02214076e23, 1.602176634e-19, 9007199254740993.0, 0.3, 0.7, 1e-5, 1e-4, 5e-7, 123e-10, 1e100, 1e-100,
};

static const long double wide[] = {
    0.0L, 1.0L / 3, -2.0L / 7, 0x1.fffffffffffffffep0L, 3.14159265358979323846264338327950288L, 1e4000L, 1e-4000L,
    3.64519953188247460253e-4951L, 1.18973149535723176502e+4932L, 18446744073709551615.0L,
};

int main(void) {
  for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
    double v = values[i];
    printf("%g %e %.3f %a %.17g %.0f %+.2e|%-12.4g|%012.3e|%#g\n", v, v, v, v, v, v, v, v, v, v);
  }
  for (unsigned i = 0; i < sizeof wide / sizeof *wide; i++) {
    long double v = wide[i];
    printf("%Lg %Le %La %.21Lg\n", v, v, v, v);
  }
  printf("%f %F %g %e\n", INFINITY, -INFINITY, NAN, -INFINITY);
  double x = 1;
  for (int i = 0; i < 40; i++) {
    x = x * 1.7 - 0.3 / x;
    printf("%.15g %g\n", x, sqrt(x) + sin(x) * exp(-i) + pow(x, 0.3));
  }
  return 0;
}
