// What a signal handler finds in the floating-point registers, what it finds of those that were interrupted, and what it leaves behind.
#define _GNU_SOURCE
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

static int drop;
static unsigned in_handler, saved;
static uint16_t control, saved_control;
static uint64_t vector[2], saved_vector;

static void noted(int number, siginfo_t *info, void *context) {
  ucontext_t *user = context;
  __asm__ volatile("stmxcsr %0\n fnstcw %1\n movdqu %%xmm5, %2" : "=m"(in_handler), "=m"(control), "=m"(vector));
  saved = user->uc_mcontext.fpregs->mxcsr;
  saved_control = user->uc_mcontext.fpregs->cwd;
  memcpy(&saved_vector, &user->uc_mcontext.fpregs->_xmm[5], 8);
  (void)number, (void)info;
  if (drop) user->uc_mcontext.fpregs = NULL;
}

static void divided(int number, siginfo_t *info, void *context) {
  ucontext_t *user = context;
  printf("signal %d code %d mxcsr %x swd %x\n", number, info->si_code, user->uc_mcontext.fpregs->mxcsr,
         user->uc_mcontext.fpregs->swd & 0xff);
  // Masked again, the instruction gives infinity.
  user->uc_mcontext.fpregs->mxcsr |= 0x1f80;
  user->uc_mcontext.fpregs->cwd |= 0x3f;
  user->uc_mcontext.fpregs->swd &= 0x7f00;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = noted, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  for (drop = 0; drop < 2; drop++) {
    unsigned mxcsr = 0x7fa0, after;
    uint16_t word = 0x27f, word_after;
    uint64_t five = 0x1234, five_after;
    __asm__ volatile("ldmxcsr %0\n fldcw %1\n movq %2, %%xmm5" ::"m"(mxcsr), "m"(word), "m"(five) : "xmm5");
    // tgkill without a library in between.
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(39) : "rcx", "r11", "memory");
    __asm__ volatile("syscall" : "=a"(result) : "a"(62), "D"(result), "S"(SIGUSR1) : "rcx", "r11", "memory");
    __asm__ volatile("stmxcsr %0\n fnstcw %1\n movq %%xmm5, %2" : "=m"(after), "=m"(word_after), "=m"(five_after));
    mxcsr = 0x1f80, word = 0x37f;
    __asm__ volatile("ldmxcsr %0\n fldcw %1" ::"m"(mxcsr), "m"(word));
    printf("in the handler %x %x %lx, saved %x %x %lx, behind it %x %x %lx\n", in_handler, control, (long)vector[0], saved,
           saved_control, (long)saved_vector, after, word_after, (long)five_after);
  }
  action.sa_sigaction = divided;
  sigaction(SIGFPE, &action, NULL);
  unsigned mxcsr = 0x1d80;
  double one = 1, zero = 0, quotient;
  __asm__ volatile("ldmxcsr %1\n movsd %2, %%xmm0\n divsd %3, %%xmm0\n movsd %%xmm0, %0"
                   : "=m"(quotient)
                   : "m"(mxcsr), "m"(one), "m"(zero)
                   : "xmm0");
  printf("%g\n", quotient);
}
