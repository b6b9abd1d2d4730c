/* One fault of the kind that argv[1] names; each ends the program by the signal that Linux gives it. */
#include <stdio.h>
#include <string.h>

static const char constant[] = "read-only";

static void null_read(void) { asm volatile("xor %%ebx, %%ebx; mov (%%rbx), %%eax" ::: "eax", "ebx"); }
static void null_write(void) { asm volatile("xor %%ebx, %%ebx; movl $1, 8(%%rbx)" ::: "ebx", "memory"); }
static void divide(void) { asm volatile("mov $7, %%eax; cltd; xor %%ecx, %%ecx; idiv %%ecx" ::: "eax", "ecx", "edx"); }
static void invalid(void) { asm volatile("ud2"); }
static void breakpoint(void) { asm volatile("int3"); }
static void misaligned(void) { asm volatile("movaps 8(%0), %%xmm0" ::"r"((unsigned long)constant & ~15ul) : "xmm0"); }
static void noncanonical(void) { asm volatile("movabs $0x8000000000000000, %%rbx; mov (%%rbx), %%eax" ::: "eax", "rbx"); }
static void privileged(void) { asm volatile("hlt"); }
static void jump_null(void) { asm volatile("xor %%eax, %%eax; jmp *%%rax" ::: "eax"); }
static void jump_data(void) { asm volatile("jmp *%0" ::"r"(constant)); }
static void write_rodata(void) { asm volatile("movb $1, (%0)" ::"r"(constant) : "memory"); }
__attribute__((noinline)) static int overflow(int n) {
  volatile char frame[4096];
  frame[n & 4095] = (char)n;
  return overflow(n + 1) + frame[n & 4095];
}
static void stack(void) { printf("%d\n", overflow(0)); }

static const struct { const char *name; void (*run)(void); } kinds[] = {
    {"null-read", null_read}, {"null-write", null_write}, {"divide", divide}, {"ud2", invalid}, {"int3", breakpoint},
    {"misaligned", misaligned}, {"noncanonical", noncanonical}, {"hlt", privileged}, {"jump-null", jump_null},
    {"jump-data", jump_data}, {"write-rodata", write_rodata}, {"stack", stack},
};

int main(int argc, char **argv) {
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (argc > 1 && strcmp(argv[1], kinds[i].name) == 0) {
      printf("%s\n", kinds[i].name);
      fflush(stdout);
      kinds[i].run();
      printf("no fault\n");
      return 1;
    }
  }
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) printf("%s\n", kinds[i].name);
  return 2;
}
