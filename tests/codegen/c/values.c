// Functions with every kind of parameter and result that the System V ABI places in its own way, and calls of them with what they give.
#include <complex.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
typedef struct { int a, b; } pair;
typedef struct { double x; long n; } mixed;
typedef struct { float x, y, z; } point;
typedef struct { long v[4]; } large;
typedef struct { char c[3]; } three;
typedef struct { long double x; } extended;
typedef struct { unsigned low : 5, high : 11; int wide : 20; } fields;
typedef int ints __attribute__((vector_size(16)));
typedef float floats __attribute__((vector_size(16)));
enum color { RED = 1, GREEN = 5, BLUE = -2 };

long eight(long a, long b, long c, long d, long e, long f, long g, int h) { return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h; }
double ten(double a, double b, double c, double d, double e, double f, double g, double h, float i, double j) { return a + b + c + d + e + f + g + h + 10 * i - j; }
double mix(int a, double x, float y, long b, double z) { return a * x + y * b - z; }
int of_pair(pair p) { return p.a * 100 + p.b; }
double of_mixed(mixed m) { return m.x * m.n; }
float of_point(point p) { return p.x + p.y * 10 + p.z * 100; }
long of_large(large l, int k) { return l.v[0] + l.v[3] * k; }
int of_three(three t) { return t.c[0] + 256 * t.c[1] + 65536 * t.c[2]; }
long no_room(long a, long b, long c, long d, long e, mixed m, pair p, pair q) { return a + b + c + d + e + (long)m.x + m.n * 10 + p.a * 100 + q.b * 1000; }
int of_fields(fields *f) { int sum = f->low + f->high + f->wide; f->low = 9; return sum; }
pair make_pair(int a, int b) { return (pair){b, a}; }
mixed make_mixed(double x, long n) { return (mixed){x * 2, n * 2}; }
point make_point(float x) { return (point){x, x + 1, x + 2}; }
large make_large(long a) { return (large){{a, a + 1, a + 2, a + 3}}; }
extended make_extended(extended e) { return (extended){e.x * 3}; }
long double times(long double x, int k) { return x * k; }
double _Complex combine(double _Complex a, double _Complex b) { return a + b * 2.0; }
float _Complex next(float _Complex a) { return a + 1; }
long double _Complex twice(long double _Complex a) { return a * 2; }
__int128 wide(__int128 a, long b) { return a * b; }
__int128 behind(long a, long b, long c, long d, long e, long f, __int128 g) { return g + a + b + c + d + e + f; }
ints add(ints a, ints b) { return a + b * 2; }
floats scale(floats a, floats b) { return a * b; }
int sum(int n, ...) { va_list ap; va_start(ap, n); int s = 0; for (int i = 0; i < n; i++) s += va_arg(ap, int); va_end(ap); return s; }
double sum_doubles(int n, ...) { va_list ap; va_start(ap, n); double s = 0; for (int i = 0; i < n; i++) s += va_arg(ap, double); va_end(ap); return s; }
int rows(int m[2][3]) { return m[1][2] * 10 + m[0][1]; }
int triple(int x) { return 3 * x; }
int through(int (*f)(int), int x) { return f(x) + 1; }
int8_t small(int8_t a) { return a - 1; }
uint16_t half(uint16_t a) { return a + 1; }
bool none(int x) { return x == 0; }
enum color after(enum color c) { return c == RED ? GREEN : c == GREEN ? BLUE : RED; }

#ifdef NATIVE
#include <stdio.h>
#define CALL(format, ...) printf(format "\n", __VA_ARGS__)
int main(void) {
  CALL("%ld", eight(1, 2, 3, 4, 5, 6, 7, -8));
  CALL("%g", ten(1, 2, 3, 4, 5, 6, 7, 8, 1.5f, 2.25));
  CALL("%g", mix(1, 2.5, 3.5f, 4, 1));
  CALL("%d", of_pair((pair){1, -2}));
  CALL("%g", of_mixed((mixed){1.5, 4}));
  CALL("%g", of_point((point){1, 2, 3}));
  CALL("%ld", of_large((large){{1, 2, 3, 4}}, 10));
  CALL("%d", of_three((three){{1, 2, 3}}));
  CALL("%ld", no_room(1, 2, 3, 4, 5, (mixed){6, 7}, (pair){8, 9}, (pair){10, 11}));
  fields f = {3, 100, -4};
  CALL("%d", of_fields(&f));
  pair p = make_pair(3, 4);
  CALL("{.a = %d, .b = %d}", p.a, p.b);
  mixed m = make_mixed(1.5, 3);
  CALL("{.x = %g, .n = %ld}", m.x, m.n);
  point q = make_point(0.5f);
  CALL("{.x = %g, .y = %g, .z = %g}", q.x, q.y, q.z);
  large l = make_large(5);
  CALL("{.v = {%ld, %ld, %ld, %ld}}", l.v[0], l.v[1], l.v[2], l.v[3]);
  CALL("{.x = %Lg}", make_extended((extended){1.25L}).x);
  CALL("%Lg", times(1.25L, 3));
  double _Complex c = combine(1 + 2i, 3 - 0.5i);
  CALL("%g+%gi", creal(c), cimag(c));
  float _Complex d = next(2.5f);
  CALL("%g+%gi", crealf(d), cimagf(d));
  long double _Complex e = twice(1.5L - 2.0Li);
  CALL("%Lg%Lgi", creall(e), cimagl(e));
  __int128 w = wide((__int128)1 << 70, -3);
  CALL("-%lld%018lld", (long long)(-w / 1000000000000000000), (long long)(-w % 1000000000000000000));
  CALL("%lld", (long long)behind(1, 2, 3, 4, 5, 6, -20));
  ints v = add((ints){1, 2, 3, 4}, (ints){10, 20, 30, 40});
  CALL("{%d, %d, %d, %d}", v[0], v[1], v[2], v[3]);
  floats r = scale((floats){1, 2, 3, 4}, (floats){1.5f, 2, 0.5f, -1});
  CALL("{%g, %g, %g, %g}", r[0], r[1], r[2], r[3]);
  CALL("%d", sum(3, 4, -5, 6));
  CALL("%g", sum_doubles(2, 1.5, 2.5));
  int matrix[2][3] = {{1, 2, 3}, {4, 5, 6}};
  CALL("%d", rows(matrix));
  CALL("%d", through(triple, 4));
  CALL("%d", small(-128));
  CALL("%u", half(65535));
  CALL("%s", none(0) ? "true" : "false");
  CALL("%s", after(GREEN) == BLUE ? "BLUE" : "?");
}
#endif
