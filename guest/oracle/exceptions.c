/*
 * Runs pieces of machine code as a user program and tells what the kernel says of each: the signal with its siginfo and
 * frame, or every address at which single-stepping traps. Cases come on standard input, one a line:
 *
 *     NAME|exc|HEX            at CODE, behind it a RET
 *     NAME|end|HEX            so that it ends with the last byte before a page that may not be touched
 *     NAME|tf|HEX|RCX|FLAGS   with TF set, from these values on
 *     vdso                    tells where the kernel's own page is
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { CODE_BASE_PAGES = 2, PAGE = 4096, IN_PAGE = 0x100, MOST_BYTES = 64, MOST_TRAPS = 64 };
#define WANTED ((void *)0x7ff7a8000000)

static unsigned char *base;
static const char *name;
static unsigned char *code;
static unsigned long length;
static int stepping, traps, code_of_traps;
static volatile int signalled;
static long trap[MOST_TRAPS];
static unsigned long first_rcx, first_flags;

/* Runs `at` with RAX, RCX, RFLAGS and XMM as given; whatever it does, `resume` gets back. */
void enter(void *at, unsigned long rcx, unsigned long flags);
extern char resume[];
asm(".globl enter, resume\n"
    "enter:\n"
    "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "  mov %rsp, saved(%rip)\n"
    "  sub $8, %rsp\n"
    "  mov %rdi, %r11; mov %rsi, %rcx\n"
    "  xor %eax, %eax\n"
    "  push %rdx; popfq\n"
    "  call *%r11\n"
    "resume:\n"
    "  mov saved(%rip), %rsp\n"
    "  cld\n"
    "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "  ret\n"
    ".local saved\n.comm saved, 8, 8\n");

static void handler(int signal, siginfo_t *info, void *context) {
  asm volatile("pushfq; andl $~0x40000, (%%rsp); popfq" : : : "cc", "memory"); /* the kernel leaves AC as it was */
  ucontext_t *uc = context;
  greg_t *r = uc->uc_mcontext.gregs;
  if (stepping && signal == SIGTRAP) {
    if (traps == 0) first_rcx = r[REG_RCX], first_flags = r[REG_EFL];
    if (traps < MOST_TRAPS) trap[traps++] = r[REG_RIP] - (long)code;
    code_of_traps = info->si_code;
    return;
  }
  stepping = 0;
  signalled = 1;
  if (r[REG_TRAPNO] == 17)
    printf("%s sig=%d code=%d trapno=%lld err=%llx addr=%lx\n", name, signal, info->si_code, r[REG_TRAPNO], r[REG_ERR],
           (long)info->si_addr);
  else
    printf("%-40s sig=%d code=%d addr=%lx trapno=%lld err=%llx rip=+%lld cr2=%llx RF=%d\n", name, signal, info->si_code,
           (long)info->si_addr, r[REG_TRAPNO], r[REG_ERR], r[REG_RIP] - (long)code,
           r[REG_TRAPNO] == 14 ? r[REG_CR2] : 0, (int)(r[REG_EFL] >> 16) & 1);
  r[REG_RIP] = (greg_t)resume;
  r[REG_EFL] = 0x202;
  r[REG_CSGSFS] = (r[REG_CSGSFS] & ~0xffffL) | 0x33;
}

static unsigned long parse(const char *hex, unsigned char *to) {
  unsigned long n = 0;
  for (int used; sscanf(hex, " %2hhx%n", to + n, &used) == 1; hex += used) n++;
  return n;
}

/* No code of the last case is left. */
static void forget(void) {
  memset(base + IN_PAGE - MOST_BYTES, 0xcc, 3 * MOST_BYTES);
  memset(base + CODE_BASE_PAGES * PAGE - MOST_BYTES, 0xcc, MOST_BYTES);
}

static void exceptions(const char *hex, int at_end) {
  unsigned char bytes[MOST_BYTES];
  length = parse(hex, bytes);
  forget();
  code = at_end ? base + CODE_BASE_PAGES * PAGE - length : base + IN_PAGE;
  memcpy(code, bytes, length);
  if (!at_end) code[length] = 0xc3;
  signalled = 0;
  enter(code, 0, 0x202);
  if (!signalled) printf("%-40s returned OK\n", name);
}

static void steps(const char *hex, unsigned long rcx, unsigned long flags) {
  static const unsigned char on[] = {0x9c, 0x81, 0x0c, 0x24, 0, 1, 0, 0, 0x9d}; /* pushfq; or $0x100,(%rsp); popfq */
  static const unsigned char off[] = {0x9c, 0x81, 0x24, 0x24, 0xff, 0xfe, 0xff, 0xff, 0x9d, 0xc3};
  unsigned char bytes[MOST_BYTES];
  length = parse(hex, bytes);
  forget();
  code = base + IN_PAGE;
  memcpy(code - sizeof on, on, sizeof on);
  memcpy(code, bytes, length);
  memcpy(code + length, off, sizeof off);
  traps = 0;
  stepping = 1;
  enter(code - sizeof on, rcx, flags);
  stepping = 0;
  printf("%-28s code@+0 (len %lu) end@%lu traps:", name, length, length);
  for (int i = 0; i < traps; i++) printf(" %ld", trap[i]);
  printf(" codes=%d rcx0=%lu efl0=%lx\n", code_of_traps, first_rcx, first_flags);
}

int main(void) {
  static char line[512], alternate[1 << 16];
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  static const int signals[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV};
  sigaltstack(&stack, 0);
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, 0);
  base = mmap(WANTED, (CODE_BASE_PAGES + 1) * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (base != WANTED || mprotect(base + CODE_BASE_PAGES * PAGE, PAGE, PROT_NONE)) {
    puts("no memory at the place of the code");
    return 1;
  }
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    name = strtok(line, "|");
    const char *kind = strtok(0, "|"), *hex = strtok(0, "|"), *rcx = strtok(0, "|"), *flags = strtok(0, "|");
    if (name && !strcmp(name, "vdso")) printf("vdso %lx\n", getauxval(AT_SYSINFO_EHDR));
    else if (!hex) return 2;
    else if (!strcmp(kind, "tf")) steps(hex, strtoul(rcx, 0, 0), strtoul(flags, 0, 0));
    else exceptions(hex, !strcmp(kind, "end"));
  }
  return 0;
}
