/*
 * Runs single floating-point instructions on the host CPU. Each request on stdin is an FXSAVE image, the instruction, RAX,
 * RFLAGS and the memory it may address as [rdi]; each response on stdout is the same record afterwards, RDI excepted.
 * An unmasked SSE exception ends the instruction: `signal` is then SIGFPE and the image is the one the kernel saved.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

struct record {
	uint8_t image[512];
	uint8_t code[16]; /* zero-padded; `length` bytes count */
	uint64_t rax, rflags;
	uint64_t length, signal;
	uint8_t memory[128];
};

static struct record r __attribute__((aligned(64)));
static uint8_t clean[512] __attribute__((aligned(64)));
static uint8_t *page;
static sigjmp_buf back;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	(void)info;
	memcpy(r.image, uc->uc_mcontext.fpregs, 512);
	r.rflags = uc->uc_mcontext.gregs[REG_EFL];
	r.rax = uc->uc_mcontext.gregs[REG_RAX];
	r.signal = sig;
	siglongjmp(back, 1);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	sigaction(SIGFPE, &sa, 0);
	sigaction(SIGILL, &sa, 0);
	sigaction(SIGSEGV, &sa, 0);
	page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return 1;
	__asm__ volatile("fninit; fxsave %0" : "=m"(clean));
	while (fread(&r, sizeof r, 1, stdin) == 1) {
		memcpy(page, r.code, r.length);
		page[r.length] = 0xc3;
		r.signal = 0;
		if (!sigsetjmp(back, 1)) {
			__asm__ volatile(
				"fxrstor %[image]\n\t"
				"push %[flags]\n\t"
				"popf\n\t"
				"call *%[page]\n\t"
				"fxsave %[image]\n\t"
				"pushf\n\t"
				"pop %[flags]\n\t"
				: [image] "+m"(r.image), [flags] "+b"(r.rflags), "+a"(r.rax)
				: [page] "r"(page), "D"(r.memory)
				: "memory", "cc", "rcx", "rdx");
		}
		__asm__ volatile("fxrstor %0" : : "m"(clean));
		fwrite(&r, sizeof r, 1, stdout);
	}
	return 0;
}
