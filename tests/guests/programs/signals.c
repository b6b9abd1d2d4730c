// Handlers, masks, queues, alternate stacks, restarts, timers, faults and jumps out of handlers.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t count, depth, last;
static char order[64];
static sigjmp_buf back;
static void note(int signal) {
  count++;
  last = signal;
}
static void queued(int signal, siginfo_t *info, void *context) {
  (void)context;
  char text[16];
  snprintf(text, sizeof text, "%d:%d ", signal - SIGRTMIN, info->si_value.sival_int);
  strcat(order, text);
}
static void nested(int signal) {
  depth++;
  if (depth == 1) raise(signal == SIGUSR1 ? SIGUSR2 : SIGUSR1);
  count += depth;
}
static char page[8192] __attribute__((aligned(4096)));
static void fault(int signal, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  printf("fault %d code %d at %ld trap %lld\n", signal, info->si_code, (long)((char *)info->si_addr - page),
         uc->uc_mcontext.gregs[REG_TRAPNO]);
  siglongjmp(back, 1);
}
static void *alt_base;
static void on_alt(int signal) {
  char here;
  printf("on alternate stack %d\n", &here > (char *)alt_base && &here < (char *)alt_base + SIGSTKSZ);
  (void)signal;
}
static void clobber(int signal) {
  (void)signal;
  __asm__ volatile("pxor %%xmm7,%%xmm7\n\tfldz\n\tfstp %%st(0)\n\tmov $0,%%r12" ::: "xmm7", "r12");
}
static void skip(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}
static void install(int signal, void *handler, int flags) {
  struct sigaction action = {0};
  action.sa_sigaction = (void (*)(int, siginfo_t *, void *))handler;
  action.sa_flags = flags;
  sigaction(signal, &action, NULL);
}

int main(void) {
  sigset_t set, old;
  setvbuf(stdout, NULL, _IONBF, 0);
  install(SIGUSR1, note, 0);
  raise(SIGUSR1);
  kill(getpid(), SIGUSR1);
  printf("handled %d\n", count);

  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, &old);
  for (int i = 0; i < 5; i++) raise(SIGUSR1);
  printf("blocked %d", count);
  sigprocmask(SIG_SETMASK, &old, NULL);
  printf(" then %d\n", count);

  for (int i = 0; i < 3; i++) install(SIGRTMIN + i, queued, SA_SIGINFO);
  sigemptyset(&set);
  for (int i = 0; i < 3; i++) sigaddset(&set, SIGRTMIN + i);
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < 6; i++) sigqueue(getpid(), SIGRTMIN + 2 - i % 3, (union sigval){.sival_int = i});
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  printf("queue %s\n", order);

  count = 0;
  install(SIGUSR1, nested, 0);
  install(SIGUSR2, nested, 0);
  raise(SIGUSR1);
  printf("nested %d depth %d\n", count, depth);
  install(SIGUSR1, note, SA_RESETHAND);
  raise(SIGUSR1);
  struct sigaction now;
  sigaction(SIGUSR1, NULL, &now);
  printf("reset %d\n", now.sa_handler == SIG_DFL);

  int ends[2];
  char byte;
  pipe(ends);
  for (int restart = 0; restart < 2; restart++) {
    install(SIGALRM, note, restart ? SA_RESTART : 0);
    pid_t child = -1;
    if (restart && (child = fork()) == 0) {
      usleep(30000);
      write(ends[1], "r", 1);
      _exit(0);
    }
    struct itimerval soon = {{0, 0}, {0, 5000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    ssize_t got = read(ends[0], &byte, 1);
    printf("read %zd %d\n", got, got < 0 ? errno == EINTR : byte == 'r');
    if (child > 0) waitpid(child, NULL, 0);
  }

  install(SIGALRM, note, 0);
  alarm(1);
  struct timespec long_time = {100, 0}, left;
  int slept = nanosleep(&long_time, &left);
  printf("sleep %d %d left %d\n", slept, errno == EINTR, left.tv_sec == 98 || left.tv_sec == 99);

  stack_t stack = {.ss_sp = alt_base = malloc(SIGSTKSZ), .ss_size = SIGSTKSZ};
  sigaltstack(&stack, NULL);
  install(SIGUSR1, on_alt, SA_ONSTACK);
  raise(SIGUSR1);

  mprotect(page + 4096, 4096, PROT_READ);
  install(SIGSEGV, fault, SA_SIGINFO | SA_ONSTACK);
  if (!sigsetjmp(back, 1)) page[5000] = 1;
  if (!sigsetjmp(back, 1)) *(volatile char *)(page - 0x10000000) = 1;
  install(SIGFPE, fault, SA_SIGINFO);
  install(SIGILL, skip, SA_SIGINFO);
  volatile int zero = 0;
  __asm__ volatile("ud2");
  printf("skipped ud2\n");
  install(SIGFPE, skip, SA_SIGINFO);
  __asm__ volatile("xor %%edx,%%edx\n\tmov $1,%%eax\n\tdiv %0" ::"r"(zero) : "rax", "rdx");
  printf("skipped div\n");

  install(SIGUSR2, clobber, 0);
  double before = 1.5, after;
  long kept = 0x1234;
  __asm__ volatile(
      "movsd %2,%%xmm7\n\tmov %3,%%r12\n\tmov $39,%%eax\n\tsyscall\n\tmov %%eax,%%edi\n\tmov $12,%%esi\n\tmov $62,%%eax\n\tsyscall\n\t"
      "movsd %%xmm7,%0\n\tmov %%r12,%1"
      : "=m"(after), "=r"(kept)
      : "m"(before), "r"(kept)
      : "rax", "rcx", "rdx", "rsi", "rdi", "r11", "r12", "xmm7", "memory");
  printf("registers %g %lx\n", after, kept);

  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR2);
  siginfo_t info;
  printf("sigwaitinfo %d %d\n", sigwaitinfo(&set, &info) == SIGUSR2, info.si_pid == getpid());
  struct timespec none = {0, 1000};
  printf("sigtimedwait %d\n", sigtimedwait(&set, NULL, &none) == -1 && errno == EAGAIN);
  int fd = signalfd(-1, &set, 0);
  kill(getpid(), SIGUSR2);
  struct signalfd_siginfo read_info;
  read(fd, &read_info, sizeof read_info);
  printf("signalfd %d\n", read_info.ssi_signo == SIGUSR2);
  sigprocmask(SIG_UNBLOCK, &set, NULL);

  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
  order[0] = 0;
  timer_create(CLOCK_MONOTONIC, &event, &timer);
  timer_settime(timer, 0, &(struct itimerspec){{0, 0}, {0, 1000000}}, NULL);
  sigemptyset(&set);
  sigsuspend(&set);
  printf("timer %s\n", order);
  timer_delete(timer);

  struct itimerval virtual = {{0, 0}, {0, 1000}};
  count = 0;
  install(SIGVTALRM, note, 0);
  setitimer(ITIMER_VIRTUAL, &virtual, NULL);
  while (!count) {}
  printf("virtual %d\n", count);
  raise(SIGSEGV + 0 == SIGSEGV ? SIGWINCH : 0);
  install(SIGTERM, SIG_DFL, 0);
  raise(SIGTERM);
  return 0;
}
