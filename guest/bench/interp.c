/* Indirect jumps: a bytecode interpreter with computed goto that runs a small program. argv[1]: percent of the default work. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 3500 };
enum op { SET, ADD, ADDI, MUL, XOR, SHR, LOAD, STORE, LESS, BRANCH, JUMP, CALL, RETURN, HALT };
struct code { uint8_t op, a, b, c; int32_t imm; };

/* r0 sum, r1 i, r2 limit, r3 condition, r4 scratch, r5 address, r6 argument and result. */
static const struct code program[] = {
    {SET, 0, 0, 0, 1},     /*  0 */
    {SET, 1, 0, 0, 0},     /*  1 */
    {LESS, 3, 1, 2, 0},    /*  2 loop: r3 = i < limit */
    {BRANCH, 3, 0, 0, 5},  /*  3 */
    {HALT, 0, 0, 0, 0},    /*  4 */
    {XOR, 4, 1, 0, 0},     /*  5 r4 = i ^ sum */
    {ADDI, 6, 4, 0, 17},   /*  6 */
    {CALL, 0, 0, 0, 13},   /*  7 */
    {ADD, 0, 0, 6, 0},     /*  8 sum += f(r4 + 17) */
    {STORE, 1, 0, 0, 0},   /*  9 memory[i] = sum */
    {LOAD, 4, 6, 0, 0},    /* 10 r4 = memory[r6] */
    {ADD, 0, 0, 4, 0},     /* 11 */
    {JUMP, 0, 0, 0, 19},   /* 12 */
    {SET, 4, 0, 0, 2654435},/*13 f: */
    {MUL, 6, 6, 4, 0},     /* 14 */
    {SHR, 5, 6, 0, 7},     /* 15 */
    {XOR, 6, 6, 5, 0},     /* 16 */
    {ADD, 6, 6, 1, 0},     /* 17 */
    {RETURN, 0, 0, 0, 0},  /* 18 */
    {ADDI, 1, 1, 0, 1},    /* 19 i++ */
    {JUMP, 0, 0, 0, 2},    /* 20 */
};

static uint64_t memory[4096];

__attribute__((noinline)) static uint64_t run(uint64_t limit) {
  static const void *const labels[] = {&&set, &&add, &&addi, &&mul, &&xor, &&shr, &&load, &&store, &&less, &&branch, &&jump, &&call, &&ret, &&halt};
  uint64_t r[8] = {0};
  const struct code *stack[16], *pc = program;
  int depth = 0;
  r[2] = limit;
#define NEXT goto *labels[pc->op]
  NEXT;
set: r[pc->a] = (uint64_t)pc->imm; pc++; NEXT;
add: r[pc->a] = r[pc->b] + r[pc->c]; pc++; NEXT;
addi: r[pc->a] = r[pc->b] + (uint64_t)pc->imm; pc++; NEXT;
mul: r[pc->a] = r[pc->b] * r[pc->c]; pc++; NEXT;
xor: r[pc->a] = r[pc->b] ^ r[pc->c]; pc++; NEXT;
shr: r[pc->a] = r[pc->b] >> pc->imm; pc++; NEXT;
load: r[pc->a] = memory[r[pc->b] & 4095]; pc++; NEXT;
store: memory[r[pc->a] & 4095] = r[pc->b]; pc++; NEXT;
less: r[pc->a] = r[pc->b] < r[pc->c]; pc++; NEXT;
branch: if (r[pc->a]) pc = program + pc->imm; else pc++; NEXT;
jump: pc = program + pc->imm; NEXT;
call: stack[depth++ & 15] = pc + 1; pc = program + pc->imm; NEXT;
ret: pc = stack[--depth & 15]; NEXT;
halt: return r[0];
}

int main(int argc, char **argv) {
  long rounds = ROUNDS * (argc > 1 ? atol(argv[1]) : 100) / 100;
  uint64_t sum = 0;
  for (long round = 0; round < rounds; round++) sum = sum * 3 + run(20000 + (uint64_t)(round & 15));
  printf("interp %016llx\n", (unsigned long long)sum);
  return 0;
}
