/* Signal handlers: a fault repaired in the handler, an alternate stack, masks, and a signal sent to itself. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int seen;
static char *page;
static sigjmp_buf back;

static void repair(int sig, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  printf("signal %d code %d at page+%ld write %d\n", sig, info->si_code, (long)((char *)info->si_addr - page),
         (int)(uc->uc_mcontext.gregs[REG_ERR] >> 1 & 1));
  mprotect(page, 4096, PROT_READ | PROT_WRITE);
}
static void skip(int sig, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  printf("signal %d code %d trap %d\n", sig, info->si_code, (int)uc->uc_mcontext.gregs[REG_TRAPNO]);
  uc->uc_mcontext.gregs[REG_RIP] += 2;
}
static void count(int sig) { seen += sig; }
static void deep(int sig) {
  char here;
  stack_t now;
  sigaltstack(NULL, &now);
  int inside = &here >= (char *)now.ss_sp && &here < (char *)now.ss_sp + now.ss_size;
  printf("signal %d on the alternate stack %d\n", sig, inside);
  siglongjmp(back, 1);
}
__attribute__((noinline)) static int overflow(int n) {
  volatile char frame[4096];
  frame[n & 4095] = (char)n;
  return overflow(n + 1) + frame[n & 4095];
}
static void on(int sig, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
  sigaction(sig, &action, NULL);
}

int main(void) {
  page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  on(SIGSEGV, repair, 0);
  page[24] = 7;
  printf("stored %d\n", page[24]);
  on(SIGILL, skip, 0);
  asm volatile("ud2");
  on(SIGFPE, skip, 0);
  asm volatile("xor %%ecx, %%ecx; div %%ecx" ::: "eax", "ecx", "edx");

  signal(SIGUSR1, count);
  raise(SIGUSR1);
  kill(getpid(), SIGUSR1);
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR1);
  sigpending(&pending);
  printf("seen %d pending %d\n", seen, sigismember(&pending, SIGUSR1));
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  printf("seen %d\n", seen);

  static char other[65536];
  stack_t alternate = {.ss_sp = other, .ss_size = sizeof other};
  sigaltstack(&alternate, NULL);
  struct sigaction action = {.sa_handler = deep, .sa_flags = SA_ONSTACK};
  sigaction(SIGSEGV, &action, NULL);
  if (sigsetjmp(back, 1) == 0) printf("%d\n", overflow(0));
  printf("came back\n");
  return 0;
}
