/* Context tracking: one packed word a CPU with its state, the work that waits for its next entry, and RCU's counter. */
#include "kernel.h"

/* By version: state in bits 1:0, work above it, the counter at the top (v7: right above the work, and a narrow one carries into bits that nobody uses). */
static const struct ct_layout layouts[] = {
	{ "v2-16bit", 2, 14, 16, 16 },
	{ "v2-2bit", 2, 28, 30, 2 },
	{ "v7", 2, 2, 4, 28 },
	{ "v7-2bit", 2, 2, 4, 2 },
};
const struct ct_layout *ct = layouts;
/* Called where a race can be forced: 1 behind the first read, 2 behind a failed exchange. */
void (*ct_hook)(int place);
/* The first exchange is tried whatever was read. */
int ct_do_while;

#define STATE_MASK 3u
#define INCREMENT (1u << ct->counter_shift)
#define WORK_MASK (((1u << ct->work_bits) - 1) << ct->work_shift)

static noinstr void flush_work(u32 work)
{
	if (work & WORK_SYNC)
		do_sync_core(0);
	if (work & WORK_TLBI)
		do_flush_tlb_all(0);
}

u32 ct_counter(u32 word) { return word >> ct->counter_shift & (u32)((1ul << ct->counter_bits) - 1); }

void ct_init(void)
{
	for (u32 i = 0; i < sizeof layouts / sizeof *layouts; i++)
		if (option(layouts[i].name))
			ct = &layouts[i];
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		percpus[cpu].ct_state = INCREMENT;
}

/* Out of the kernel: what is left of the work goes, the counter becomes even (not watching). */
void ct_enter(u32 state)
{
	volatile u32 *word = &this_ptr->ct_state;
	u32 old = *word;

	while (!__atomic_compare_exchange_n(word, &old, (old & ~WORK_MASK) + INCREMENT + state, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

/* Into the kernel: the counter becomes odd, and what was deferred is done. */
noinstr void ct_exit(void)
{
	volatile u32 *word = &this_ptr->ct_state;
	u32 state = *word & STATE_MASK;
	u32 seen = __atomic_fetch_add(word, INCREMENT - state, __ATOMIC_SEQ_CST);

	flush_work((seen & WORK_MASK) >> ct->work_shift);
}

/* Asks a CPU to do something at its next entry. True: it will; false: it is in the kernel and must be interrupted. */
noinline int ct_set_cpu_work(u32 cpu, u32 work)
{
	volatile u32 *word = &percpus[cpu].ct_state;
	u32 old = *word;
	int set = 0;

	if (ct_hook)
		ct_hook(1);
	if (ct_do_while && !(old & STATE_MASK))
		/* What it would be in user mode: fails where it still is in the kernel, and tells. */
		old = (old & ~WORK_MASK) + INCREMENT + CT_USER;
	while ((old & STATE_MASK) && !set) {
		set = __atomic_compare_exchange_n(word, &old, old | work << ct->work_shift, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		if (!set && ct_hook)
			ct_hook(2);
	}
	return set;
}
