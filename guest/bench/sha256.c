/* Rotates, adds and logic on 32 bits: SHA-256 (FIPS 180-4) of a 1 MiB buffer, again and again. argv[1]: percent of the default work. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUFFER = 1 << 20, ROUNDS = 350 };
static uint8_t buffer[BUFFER];
static uint32_t constants[64];

/* The constants are the fractions of the cube roots of the first 64 primes; taken here with integers only. */
static uint32_t cube_root_fraction(uint64_t prime) {
  unsigned __int128 target = (unsigned __int128)prime << 96;
  uint64_t root = 0;
  for (int bit = 35; bit >= 0; bit--) {
    uint64_t trial = root | (1ull << bit);
    if ((unsigned __int128)trial * trial * trial <= target) root = trial;
  }
  return (uint32_t)root;
}

static void make_constants(void) {
  int found = 0;
  for (uint64_t n = 2; found < 64; n++) {
    uint64_t d = 2;
    while (d * d <= n && n % d) d++;
    if (d * d > n) constants[found++] = cube_root_fraction(n);
  }
}

static inline uint32_t ror(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void compress(uint32_t state[8], const uint8_t *block) {
  uint32_t w[64];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    uint32_t x = w[i - 15], y = w[i - 2];
    w[i] = w[i - 16] + (ror(x, 7) ^ ror(x, 18) ^ x >> 3) + w[i - 7] + (ror(y, 17) ^ ror(y, 19) ^ y >> 10);
  }
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < 64; i++) {
    uint32_t choose = (e & f) ^ (~e & g), majority = (a & b) ^ (a & c) ^ (b & c);
    uint32_t t1 = h + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + choose + constants[i] + w[i];
    uint32_t t2 = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + majority;
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

int main(int argc, char **argv) {
  long rounds = ROUNDS * (argc > 1 ? atol(argv[1]) : 100) / 100;
  /* SHA-256 of the empty message is e3b0c442…; the state runs on over the blocks without the final padding. */
  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  make_constants();
  uint8_t empty[64] = {0x80};
  uint32_t check[8];
  for (int i = 0; i < 8; i++) check[i] = state[i];
  compress(check, empty);
  for (int i = 0; i < BUFFER; i++) buffer[i] = (uint8_t)(i * 7 + (i >> 8));
  for (long round = 0; round < rounds; round++)
    for (int at = 0; at < BUFFER; at += 64) compress(state, buffer + at);
  printf("sha256 %08x %08x%08x\n", check[0], state[0], state[7]);
  return 0;
}
