/* Double arithmetic on rows: products of 512 by 512 matrices. argv[1]: percent of the default work. */
#include <stdio.h>
#include <stdlib.h>

enum { N = 512, ROUNDS = 50 };
static double a[N][N], b[N][N], c[N][N];

int main(int argc, char **argv) {
  long rows = (long)N * ROUNDS * (argc > 1 ? atol(argv[1]) : 100) / 100;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      a[i][j] = (i * 3 + j) % 17 / 16.0;
      b[i][j] = (i + j * 5) % 13 / 8.0 - 0.7;
    }
  for (long row = 0; row < rows; row++) {
    int i = (int)(row % N);
    for (int k = 0; k < N; k++) {
      double x = a[i][k];
      for (int j = 0; j < N; j++) c[i][j] += x * b[k][j];
    }
  }
  double sum = 0;
  for (int i = 0; i < N; i++) sum += c[i][i * 7 % N];
  printf("matmul %.17g\n", sum);
  return 0;
}
