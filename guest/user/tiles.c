/*
 * Matrices on the tiles of AMX: asks for them, multiplies bytes, bfloats, halves and complex halves, and looks whether tiles survive
 * signals, threads and fork. Prints the same on every CPU that has them; without them, one line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <immintrin.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_GET_XCOMP_SUPP 0x1021
#define ARCH_GET_XCOMP_PERM 0x1022
#define ARCH_REQ_XCOMP_PERM 0x1023
#define TILE_DATA 18
#define TILE_DATA_AT 2816
#define LARGE (64 << 10)

struct config {
  uint8_t palette, start_row, reserved[14];
  uint16_t colsb[16];
  uint8_t rows[16];
} __attribute__((packed));

static const struct config whole = {1, 0, {0}, {64, 64, 64, 64}, {16, 16, 16, 16}};

/* Whether two tiles are the same; word by word. */
static int same(const void *a, const void *b) {
  const uint64_t *x = a, *y = b;
  for (int i = 0; i < 128; i++)
    if (x[i] != y[i]) return 0;
  return 1;
}

static void configure(const struct config *c) { _tile_loadconfig(c); }

static const char *result(long r) {
  return r == 0 ? "ok" : errno == ENOSPC ? "ENOSPC" : errno == ENOMEM ? "ENOMEM" : strerror(errno);
}

static unsigned long states(int code) {
  unsigned long mask = 0;
  syscall(SYS_arch_prctl, code, &mask);
  return mask;
}

static void altstack(size_t size) {
  static char memory[LARGE];
  stack_t stack = {.ss_sp = memory, .ss_size = size, .ss_flags = size ? 0 : SS_DISABLE};
  printf("a stack of %zu bytes for signals: %s\n", size, result(sigaltstack(&stack, NULL)));
}

/* ---- before the permission ---- */

static volatile sig_atomic_t ill_code;
static void *volatile ill_at;
extern char first_use[];

static void on_ill(int signal, siginfo_t *info, void *context) {
  (void)signal;
  ill_code = info->si_code;
  ill_at = info->si_addr;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 5;
}

static void without(void) {
  struct sigaction action = {.sa_sigaction = on_ill, .sa_flags = SA_SIGINFO};
  sigaction(SIGILL, &action, NULL);
  /* ldtilecfg (%rdi) */
  __asm__ volatile(".globl first_use\nfirst_use: .byte 0xc4,0xe2,0x78,0x49,0x07" : : "D"(&whole) : "memory");
  printf("first use: code %d, %s\n", (int)ill_code, ill_at == first_use ? "at the instruction" : "elsewhere");
}

/* ---- products ---- */

static uint32_t seed = 1;
static uint32_t draw(void) { return seed = seed * 1664525 + 1013904223; }

static int8_t a8[32][64], b8[64][32];
static int32_t c32[32][32];

/* C = A B of 32 by 64 and 64 by 32 bytes, two tiles each; B with four rows side by side, as the instruction wants it. */
static void bytes(void) {
  int8_t packed[16][128];
  for (int i = 0; i < 32; i++)
    for (int k = 0; k < 64; k++) {
      a8[i][k] = draw() >> 24;
      b8[k][i] = draw() >> 24;
    }
  for (int k = 0; k < 64; k++)
    for (int j = 0; j < 32; j++) packed[k / 4][4 * j + k % 4] = b8[k][j];
  configure(&whole);
  for (int i = 0; i < 32; i += 16)
    for (int j = 0; j < 32; j += 16) {
      _tile_zero(0);
      _tile_loadd(1, a8[i], 64);
      _tile_stream_loadd(2, packed[0] + 4 * j, 128);
      _tile_dpbssd(0, 1, 2);
      _tile_stored(0, &c32[i][j], 128);
    }
  int wrong = 0;
  uint32_t sum = 0;
  for (int i = 0; i < 32; i++)
    for (int j = 0; j < 32; j++) {
      int32_t c = 0;
      for (int k = 0; k < 64; k++) c += a8[i][k] * b8[k][j];
      wrong += c != c32[i][j];
      sum = sum * 31 + c32[i][j];
    }
  printf("bytes: %d wrong, %08x\n", wrong, sum);
}

/* Small whole numbers, which every format holds: sums are exact whatever their order. */
static void pairs(const char *name, uint16_t one(int), void multiply(void), int element(int, int, int, int)) {
  static uint16_t a[16][32], b[16][32];
  static float c[16][16];
  int x[16][32], y[16][32], wrong = 0;
  double sum = 0;
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < 32; j++) {
      a[i][j] = one(x[i][j] = (int)(draw() >> 28) - 8);
      b[i][j] = one(y[i][j] = (int)(draw() >> 28) - 8);
      c[i][j / 2] = (i - j) / 2.0f;
    }
  configure(&whole);
  _tile_loadd(0, c, 64);
  _tile_loadd(1, a, 64);
  _tile_loadd(2, b, 64);
  multiply();
  _tile_stored(0, c, 64);
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < 16; j++) {
      float wanted = (i - (2 * j + 1)) / 2.0f;
      for (int k = 0; k < 16; k++) wanted += element(x[i][2 * k], x[i][2 * k + 1], y[k][2 * j], y[k][2 * j + 1]);
      wrong += wanted != c[i][j];
      sum = sum / 2 + c[i][j];
    }
  printf("%s: %d wrong, %.3f\n", name, wrong, sum);
}

static uint16_t bfloat(int n) {
  float f = n;
  uint32_t bits;
  memcpy(&bits, &f, 4);
  return bits >> 16;
}
static uint16_t half(int n) {
  if (n == 0) return 0;
  int size = abs(n), e = 31 - __builtin_clz(size);
  return (n < 0) << 15 | (e + 15) << 10 | ((size << (10 - e)) & 0x3ff);
}
static void dp_bf16(void) { _tile_dpbf16ps(0, 1, 2); }
/* tmm0 += tmm1 · tmm2 */
static void dp_fp16(void) { __asm__ volatile(".byte 0xc4,0xe2,0x6b,0x5c,0xc1"); }
static void complex_real(void) { __asm__ volatile(".byte 0xc4,0xe2,0x68,0x6c,0xc1"); }
static void complex_imaginary(void) { __asm__ volatile(".byte 0xc4,0xe2,0x69,0x6c,0xc1"); }
static int dot(int a, int b, int c, int d) { return a * c + b * d; }
static int real(int a, int b, int c, int d) { return a * c - b * d; }
static int imaginary(int a, int b, int c, int d) { return a * d + b * c; }

/* ---- a signal in between ---- */

static _Alignas(8) char held[1024], other[1024], seen[1024];

static void on_usr1(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)info;
  static const struct config small = {1, 0, {0}, {8}, {2}};
  char *state = (char *)((ucontext_t *)context)->uc_mcontext.fpregs;
  uint32_t *sw = (uint32_t *)(state + 464);
  uint64_t present;
  memcpy(&present, state + 512, 8);
  printf("frame: %u bytes, features %x, tiles %s, end %s\n", sw[4], sw[2],
         present >> 17 == 3 && same(state + TILE_DATA_AT, held) ? "in it" : "not in it",
         *(uint32_t *)(state + sw[4]) == 0x46505845 ? "marked" : "not marked");
  /* The handler's own tiles; and one byte of the other's in the frame. */
  configure(&small);
  _tile_loadd(0, other, 8);
  _tile_release();
  state[TILE_DATA_AT + 5] ^= 1;
}

static void signalled(void) {
  struct sigaction action = {.sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaction(SIGUSR1, &action, NULL);
  for (int i = 0; i < 1024; i++) held[i] = draw() >> 24;
  memset(other, 0x77, sizeof other);
  configure(&whole);
  _tile_loadd(0, held, 64);
  raise(SIGUSR1);
  _tile_stored(0, seen, 64);
  held[5] ^= 1;
  printf("behind the signal: %s\n", same(held, seen) ? "as the frame had it" : "lost");
}

/* ---- threads and processes ---- */

static void *spin(void *from) {
  _Alignas(8) char mine[1024], back[1024];
  long lost = 0;
  memset(mine, (int)(intptr_t)from, sizeof mine);
  configure(&whole);
  _tile_loadd(3, mine, 64);
  for (int i = 0; i < 60; i++) {
    if (i % 10 == 0) syscall(SYS_sched_yield);
    _tile_stored(3, back, 64);
    lost += !same(mine, back);
  }
  return (void *)lost;
}

static void threads(void) {
  pthread_t thread[3];
  long lost = 0;
  void *one;
  for (intptr_t n = 0; n < 3; n++) pthread_create(&thread[n], NULL, spin, (void *)(n + 1));
  for (int n = 0; n < 3; n++) {
    pthread_join(thread[n], &one);
    lost += (long)one;
  }
  printf("threads: %ld lost\n", lost);
}

static void forked(void) {
  configure(&whole);
  _tile_loadd(0, held, 64);
  fflush(stdout);
  if (fork() == 0) {
    static const _Alignas(8) char zeros[1024];
    struct config config;
    _tile_storeconfig(&config);
    _tile_stored(0, seen, 64);
    printf("child: configuration %s, tiles %s\n", memcmp(&config, &whole, 64) == 0 ? "kept" : "lost",
           same(seen, zeros) ? "initial" : "not initial");
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  _tile_stored(0, seen, 64);
  printf("parent: %s\n", same(held, seen) ? "kept" : "lost");
}

int main(void) {
  if (!(states(ARCH_GET_XCOMP_SUPP) >> TILE_DATA & 1)) {
    printf("no tiles: %s\n", result(syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA)));
    return 1;
  }
  printf("permitted %lx\n", states(ARCH_GET_XCOMP_PERM) >> 17);
  without();
  altstack(8192);
  printf("permission: %s\n", result(syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA)));
  altstack(getauxval(AT_MINSIGSTKSZ));
  printf("permission: %s\n", result(syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA)));
  printf("permitted %lx\n", states(ARCH_GET_XCOMP_PERM) >> 17);
  altstack(8192);
  bytes();
  pairs("bfloats", bfloat, dp_bf16, dot);
  pairs("halves", half, dp_fp16, dot);
  pairs("complex halves, real", half, complex_real, real);
  pairs("complex halves, imaginary", half, complex_imaginary, imaginary);
  signalled();
  threads();
  forked();
  _tile_release();
  return 0;
}
