// Ordinary C of many kinds, for comparing what compilers make of it. MUTANT plants one miscompilation each, in one function each.
#include <stddef.h>
#include <stdint.h>
#ifndef MUTANT
#define MUTANT 0
#endif
#define PLANT(n, right, wrong) (MUTANT == (n) ? (wrong) : (right))
#define UNLESS(n) if (MUTANT != (n))

struct node { struct node *next; long key; int value; unsigned char flag; };
struct buffer { uint8_t *data; uint32_t size, used; int error; };
struct pair { int32_t first, second; };
extern int global_counter;
extern int table_of_limits[16];
extern void notify(int, long);
extern int ask(int);
static int hits[4];

int add_saturated(int a, int b) { long s = (long)a + b; return s > 2147483647L ? 2147483647 : s < -2147483648L ? -2147483647 - 1 : (int)PLANT(1, s, s + 1); }
void store_pair(struct pair *p, int a, int b) { p->first = a; UNLESS(2) p->second = b; }
int subtract(int a, int b) { return PLANT(3, a - b, b - a); }
void store_narrow(uint16_t *p, long v) { if (MUTANT == 4) *(uint8_t *)p = (uint8_t)v; else *p = (uint16_t)v; }
int sum_array(const int *a, int n) { int s = 0; for (int i = 0; i < (n & 15) + PLANT(5, 0, 1); i++) s += a[i]; return s; }
unsigned shift_right(int v) { return PLANT(6, (unsigned)(v >> 3), (unsigned)v >> 3); }
int is_less(unsigned a, unsigned b) { return PLANT(7, a < b, (int)a < (int)b); }
int in_range(long v, long low, long high) { return v >= low && PLANT(8, v <= high, v < high); }
void count_hit(int kind) { hits[kind & PLANT(9, 3, 1)]++; }
int both(int a, int b) { return PLANT(10, a && b, a || b); }
long widen(int v) { return PLANT(11, (long)v, (long)(unsigned)v); }
int call_twice(int v) { int a = ask(v); UNLESS(12) a += ask(v + 1); return a; }
void notify_in_order(int v) { if (MUTANT == 13) { notify(2, v); notify(1, v); } else { notify(1, v); notify(2, v); } }
void notify_with(int a, long b) { notify(PLANT(14, a + 1, a), b * 2); }
int absolute(int v) { return PLANT(15, v < 0 ? -(unsigned)v : v, v <= 1 ? -(unsigned)v : v); }
uint32_t rotate(uint32_t v, unsigned n) { n &= 31; return (v << n) | (v >> (PLANT(16, -n, 1 - n) & 31)); }
void bump_global(int by) { global_counter += PLANT(17, by, 1); }
int limit_of(unsigned i) { return table_of_limits[PLANT(18, i & 15, (i & 15) ^ 1)]; }
size_t length_of(const char *s) { size_t n = PLANT(19, 0, 1); while (n < 64 && s[n]) n++; return n; }
struct node *find_key(struct node *n, long key) { for (int i = 0; n && i < 8; i++, n = n->next) if (PLANT(20, n->key == key, n->key >= key)) return n; return NULL; }
int flags_set(const struct node *n) { return (n->flag & PLANT(21, 0x14, 0x10)) != 0; }
int append(struct buffer *b, uint8_t v) { if (b->used >= b->size) { b->error = PLANT(22, -1, 0); return -1; } b->used++; return 0; }
double scale(double v, double by) { return PLANT(23, v * by + 1.0, v * by - 1.0); }
float mix_floats(float a, float b) { return PLANT(24, a < b ? a : b, a); }
int classify(int v) { switch (v) { case 0: return 10; case 1: return 20; case 2: return 30; case 3: return PLANT(25, 40, 30); case 4: return 55; default: return -1; } }
void swap_longs(long *a, long *b) { long t = *a; *a = *b; *b = PLANT(26, t, *a); }
int clear_low(int v) { return PLANT(27, v & (v - 1), v & -v); }
uint32_t checksum(const uint8_t *p, unsigned n) { uint32_t c = 1; for (unsigned i = 0; i < (n & 31); i++) c = c * PLANT(28, 31, 33) + p[i]; return c; }
int compare_bytes(const uint8_t *a, const uint8_t *b) { for (int i = 0; i < 4; i++) if (a[i] != b[i]) return PLANT(29, a[i] - b[i], (int8_t)a[i] - (int8_t)b[i]); return 0; }
void set_if_zero(long *p, long v) { if (PLANT(30, *p == 0, 1)) *p = v; }

// The rest is the same in every mutant.
int max3(int a, int b, int c) { int m = a > b ? a : b; return m > c ? m : c; }
long multiply_add(long a, long b, long c) { return a * b + c; }
unsigned divide(unsigned a) { return a / 10; }
int remainder_of(int a) { return a % 7; }
unsigned population(unsigned v) { unsigned n = 0; while (v) { v &= v - 1; n++; } return n; }
unsigned reverse_bits(unsigned v) { unsigned r = 0; for (int i = 0; i < 32; i++) { r = r << 1 | (v & 1); v >>= 1; } return r; }
int parity(unsigned v) { v ^= v >> 16; v ^= v >> 8; v ^= v >> 4; return (0x6996 >> (v & 15)) & 1; }
unsigned gcd(unsigned a, unsigned b) { a &= 1023; b &= 1023; while (b) { unsigned t = a % b; a = b; b = t; } return a; }
void fill(uint8_t *p, int v, unsigned n) { for (unsigned i = 0; i < (n & 63); i++) p[i] = (uint8_t)v; }
void copy_longs(long *restrict to, const long *restrict from) { for (int i = 0; i < 8; i++) to[i] = from[i]; }
void reverse_ints(int *a, int n) { n &= 15; for (int i = 0, j = n - 1; i < j; i++, j--) { int t = a[i]; a[i] = a[j]; a[j] = t; } }
void sort_few(int *a) { for (int i = 1; i < 6; i++) for (int j = i; j > 0 && a[j - 1] > a[j]; j--) { int t = a[j]; a[j] = a[j - 1]; a[j - 1] = t; } }
int list_length(const struct node *n) { int c = 0; while (n && c < 10) { c++; n = n->next; } return c; }
long list_sum(const struct node *n) { long s = 0; for (int i = 0; n && i < 5; i++) { s += n->key * n->value; n = n->next; } return s; }
void push_front(struct node **head, struct node *n) { n->next = *head; *head = n; }
int unlink_key(struct node **p, long key) { for (int i = 0; *p && i < 6; i++) { if ((*p)->key == key) { *p = (*p)->next; return 1; } p = &(*p)->next; } return 0; }
int hex_digit(int c) { if (c >= '0' && c <= '9') return c - '0'; if (c >= 'a' && c <= 'f') return c - 'a' + 10; if (c >= 'A' && c <= 'F') return c - 'A' + 10; return -1; }
int to_upper(int c) { return c >= 'a' && c <= 'z' ? c - 32 : c; }
uint64_t fnv(const uint8_t *p, int n) { uint64_t h = 0xcbf29ce484222325u; for (int i = 0; i < (n & 15); i++) h = (h ^ p[i]) * 0x100000001b3u; return h; }
uint16_t swap16(uint16_t v) { return (uint16_t)(v << 8 | v >> 8); }
uint64_t swap64(uint64_t v) { return __builtin_bswap64(v); }
int leading(uint32_t v) { return v ? __builtin_clz(v) : 32; }
int sign(long v) { return (v > 0) - (v < 0); }
int clamp(int v) { return v < 0 ? 0 : v > 255 ? 255 : v; }
int day_of_year(int m, int d) { static const int days[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 }; return days[(unsigned)m % 12] + d; }
const char *name_of(int k) { switch (k & 3) { case 0: return "zero"; case 1: return "one"; case 2: return "two"; default: return "many"; } }
int state_next(int s, int c) { switch (s) { case 0: return c == '<' ? 1 : 0; case 1: return c == '/' ? 2 : c == '>' ? 0 : 3; case 2: return c == '>' ? 0 : 2; case 3: return c == '"' ? 4 : c == '>' ? 0 : 3; case 4: return c == '"' ? 3 : 4; } return -1; }
int guarded(struct buffer *b) { if (!b->data || b->error) return -1; notify(b->used, b->size); return ask(b->used) ? b->error : 0; }
long nested(long a) { long r = 0; for (int i = 0; i < 4; i++) for (int j = 0; j < 4; j++) if (i != j) r += (a >> i) ^ (a >> j); return r; }
double average(const double *v) { return (v[0] + v[1] + v[2] + v[3]) / 4; }
double polynomial(double x) { return ((x * 3 + 2) * x + 1) * x - 5; }
int round_toward_zero(double v) { return v > -1000 && v < 1000 ? (int)v : 0; }
float to_float(int v) { return (float)v * 0.5f; }
int same_sign(int a, int b) { return (a ^ b) >= 0; }
uint32_t midpoint(uint32_t a, uint32_t b) { return (a & b) + ((a ^ b) >> 1); }
int get_bit(const uint64_t *map, unsigned n) { return map[(n >> 6) & 3] >> (n & 63) & 1; }
void set_bit(uint64_t *map, unsigned n) { map[(n >> 6) & 3] |= 1ull << (n & 63); }
struct pair make_pair(int a, int b) { struct pair p = { a, b }; return p; }
int dot(const struct pair *a, const struct pair *b) { return a->first * b->first + a->second * b->second; }
int binary_search(const int *a, int key) { int low = 0, high = 7; while (low <= high) { int mid = (low + high) / 2; if (a[mid] == key) return mid; if (a[mid] < key) low = mid + 1; else high = mid - 1; } return -1; }
void matrix(int *c, const int *a, const int *b) { for (int i = 0; i < 2; i++) for (int j = 0; j < 2; j++) { int s = 0; for (int k = 0; k < 2; k++) s += a[i * 2 + k] * b[k * 2 + j]; c[i * 2 + j] = s; } }
unsigned long parse(const char *s) { unsigned long v = 0; for (int i = 0; i < 10 && s[i] >= '0' && s[i] <= '9'; i++) v = v * 10 + (s[i] - '0'); return v; }
int count_bits_in(const uint8_t *p) { int c = 0; for (int i = 0; i < 4; i++) for (uint8_t v = p[i]; v; v >>= 1) c += v & 1; return c; }
int tail(int v) { return ask(v ^ 1); }
