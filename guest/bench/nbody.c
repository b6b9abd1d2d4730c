/* Scalar double arithmetic with square roots and divisions: five bodies under gravity. argv[1]: percent of the default work. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODIES = 5, STEPS = 10000000 };
struct body { double x, y, z, vx, vy, vz, mass; };

/* A heavy star and four planets on roughly circular orbits; units in which the star's mass is 40. */
static struct body bodies[BODIES] = {
    {0, 0, 0, 0, 0, 0, 40},
    {5, 0.1, -0.2, 0.1, 2.8, 0.02, 0.04},
    {-9.5, 0.3, 0.4, -0.05, -2.05, 0.01, 0.01},
    {0.2, 19, -0.3, -1.45, 0.03, 0.02, 0.002},
    {-0.4, -30, 0.6, 1.15, -0.02, -0.01, 0.002},
};

static double energy(void) {
  double e = 0;
  for (int i = 0; i < BODIES; i++) {
    const struct body *p = &bodies[i];
    e += 0.5 * p->mass * (p->vx * p->vx + p->vy * p->vy + p->vz * p->vz);
    for (int j = i + 1; j < BODIES; j++) {
      const struct body *q = &bodies[j];
      double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
      e -= p->mass * q->mass / sqrt(dx * dx + dy * dy + dz * dz);
    }
  }
  return e;
}

static void step(double dt) {
  for (int i = 0; i < BODIES; i++) {
    struct body *p = &bodies[i];
    for (int j = i + 1; j < BODIES; j++) {
      struct body *q = &bodies[j];
      double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
      double square = dx * dx + dy * dy + dz * dz;
      double pull = dt / (square * sqrt(square));
      p->vx -= dx * q->mass * pull;
      p->vy -= dy * q->mass * pull;
      p->vz -= dz * q->mass * pull;
      q->vx += dx * p->mass * pull;
      q->vy += dy * p->mass * pull;
      q->vz += dz * p->mass * pull;
    }
  }
  for (int i = 0; i < BODIES; i++) {
    struct body *p = &bodies[i];
    p->x += dt * p->vx;
    p->y += dt * p->vy;
    p->z += dt * p->vz;
  }
}

int main(int argc, char **argv) {
  long steps = (long)STEPS / 100 * (argc > 1 ? atol(argv[1]) : 100);
  double before = energy();
  for (long i = 0; i < steps; i++) step(0.001);
  printf("nbody %.17g %.17g\n", before, energy());
  return 0;
}
