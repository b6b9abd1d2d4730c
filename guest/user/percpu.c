// Per-CPU counters and lists by restartable sequences: percpu [threads [rounds]]; percpu plain has none and loses some.
// The C library registers rseq for every thread; `adds` is the critical section.
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/rseq.h>

enum { MOST_CPUS = 64, MOST_THREADS = 64, NODES = 200 };
struct area {
  int32_t cpu_id_start, cpu_id;
  uint64_t cs;
  uint32_t flags;
};
struct node {
  struct node *next;
};
static struct {
  long count;
  struct node *head;
} __attribute__((aligned(128))) percpu[MOST_CPUS];
long total = 0;
static int rounds = 2000, plain;

static struct area *own(void) { return (struct area *)((char *)__builtin_thread_pointer() + __rseq_offset); }

/* Adds to a CPU's counter unless the thread has left the CPU: 0, or -1 behind an abort. */
__attribute__((noinline, naked)) int adds(long *counter, struct area *area, int cpu) {
  (void)counter, (void)area, (void)cpu;
  __asm__(
      ".pushsection __rseq_table,\"aw\"\n\t.balign 32\n"
      "3:\t.long 0, 0\n\t.quad 1f, 2f - 1f, 4f\n\t.popsection\n\t"
      "lea 3b(%rip), %rax\n\t"
      "mov %rax, 8(%rsi)\n"
      "1:\tcmp %edx, 4(%rsi)\n\t"
      "jne 5f\n\t"
      "addq $1, (%rdi)\n"
      "2:\txor %eax, %eax\n\t"
      "ret\n\t"
      ".byte 0x0f, 0xb9, 0x3d\n\t.long 0x53053053\n"
      "4:\n5:\tmov $-1, %eax\n\t"
      "ret");
}

/* Pushes a node onto a CPU's list. */
__attribute__((noinline, naked)) int pushes(struct node **head, struct area *area, int cpu, struct node *node) {
  (void)head, (void)area, (void)cpu, (void)node;
  __asm__(
      ".pushsection __rseq_table,\"aw\"\n\t.balign 32\n"
      "3:\t.long 0, 0\n\t.quad 1f, 2f - 1f, 4f\n\t.popsection\n\t"
      "lea 3b(%rip), %rax\n\t"
      "mov %rax, 8(%rsi)\n"
      "1:\tcmp %edx, 4(%rsi)\n\t"
      "jne 5f\n\t"
      "mov (%rdi), %rax\n\t"
      "mov %rax, (%rcx)\n\t"
      "mov %rcx, (%rdi)\n"
      "2:\txor %eax, %eax\n\t"
      "ret\n\t"
      ".byte 0x0f, 0xb9, 0x3d\n\t.long 0x53053053\n"
      "4:\n5:\tmov $-1, %eax\n\t"
      "ret");
}

/* Pops a node: 1 for an empty list. */
__attribute__((noinline, naked)) int pops(struct node **head, struct area *area, int cpu, struct node **out) {
  (void)head, (void)area, (void)cpu, (void)out;
  __asm__(
      ".pushsection __rseq_table,\"aw\"\n\t.balign 32\n"
      "3:\t.long 0, 0\n\t.quad 1f, 2f - 1f, 4f\n\t.popsection\n\t"
      "lea 3b(%rip), %rax\n\t"
      "mov %rax, 8(%rsi)\n"
      "1:\tcmp %edx, 4(%rsi)\n\t"
      "jne 5f\n\t"
      "mov (%rdi), %rax\n\t"
      "test %rax, %rax\n\t"
      "jz 6f\n\t"
      "mov %rax, (%rcx)\n\t"
      "mov (%rax), %rax\n\t"
      "mov %rax, (%rdi)\n"
      "2:\txor %eax, %eax\n\t"
      "ret\n"
      "6:\tmov $1, %eax\n\t"
      "ret\n\t"
      ".byte 0x0f, 0xb9, 0x3d\n\t.long 0x53053053\n"
      "4:\n5:\tmov $-1, %eax\n\t"
      "ret");
}

static void *work(void *unused) {
  struct area *area = own();
  for (int i = 0; i < rounds; i++) {
    if (plain) {
      volatile long *count = &percpu[0].count;
      *count = *count + 1;
    } else {
      int cpu;
      do cpu = __atomic_load_n(&area->cpu_id_start, __ATOMIC_RELAXED);
      while (adds(&percpu[cpu].count, area, cpu));
    }
    if (i % 10 == 0 && !plain) {
      struct node *node = NULL;
      int cpu, got;
      do {
        cpu = __atomic_load_n(&area->cpu_id_start, __ATOMIC_RELAXED);
        got = pops(&percpu[cpu].head, area, cpu, &node);
      } while (got < 0);
      if (got == 0) do cpu = __atomic_load_n(&area->cpu_id_start, __ATOMIC_RELAXED);
        while (pushes(&percpu[cpu].head, area, cpu, node));
    }
  }
  return unused;
}

int main(int argc, char **argv) {
  pthread_t threads[MOST_THREADS];
  int count = 8;
  if (argc > 1 && !strcmp(argv[1], "plain")) plain = 1, argc--, argv++;
  if (argc > 1) count = atoi(argv[1]);
  if (argc > 2) rounds = atoi(argv[2]);
  struct node *nodes = calloc(NODES, sizeof *nodes);
  for (int i = 0; i < NODES; i++) {
    nodes[i].next = percpu[0].head;
    percpu[0].head = &nodes[i];
  }
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, work, NULL);
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  int left = 0, used = 0;
  for (int cpu = 0; cpu < MOST_CPUS; cpu++) {
    total += percpu[cpu].count;
    used += percpu[cpu].count != 0;
    for (struct node *node = percpu[cpu].head; node; node = node->next) left++;
  }
  printf("size %u sum %s nodes %d\n", __rseq_size, total == (long)count * rounds ? "whole" : "lost", left);
  return total != (long)count * rounds;
}
