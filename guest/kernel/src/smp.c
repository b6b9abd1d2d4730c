/* Other CPUs: start them, interrupt them, have them call functions. */
#include "kernel.h"

#define X2APIC_EOI 0x80b
#define X2APIC_SVR 0x80f
#define X2APIC_ICR 0x830
#define APIC_BASE 0x1b

void apic_init(void)
{
	wrmsr(APIC_BASE, rdmsr(APIC_BASE) | 0xc00);
	wrmsr(X2APIC_SVR, 0x1ff);
}

void send_ipi(u32 cpu, u32 vector) { wrmsr(X2APIC_ICR, (u64)cpu << 32 | 0x4000 | vector); }

/* INIT and start-up to everybody else, then wait until all are there. */
void start_cpus(void)
{
	wrmsr(X2APIC_ICR, 0xc4500);
	wrmsr(X2APIC_ICR, 0xc4608);
	for (u32 cpu = 1; cpu < nr_cpus; cpu++)
		while (!__atomic_load_n(&percpus[cpu].online, __ATOMIC_ACQUIRE))
			cpu_relax();
}

u64 others(void) { return ((1ul << nr_cpus) - 1) & ~(1ul << this_cpu->cpu); }

/* True where the queue was empty: only then its CPU must be interrupted. */
static int queue_add(u32 cpu, struct csd *csd)
{
	struct csd *first = percpus[cpu].queue;

	do
		csd->next = first;
	while (!__atomic_compare_exchange_n(&percpus[cpu].queue, &first, csd, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return first == 0;
}

static void csd_wait(struct csd *csd)
{
	while (__atomic_load_n(&csd->locked, __ATOMIC_ACQUIRE))
		cpu_relax();
}

/* Has the CPUs of a mask call a function, those for which `cond` holds, and waits until they have. */
noinline void smp_call_function_many_cond(u64 mask, void (*func)(void *), void *info, cond_fn *cond)
{
	u64 queued = 0, kicked = 0;
	u32 count = 0, last = 0;

	this_cpu->preempt++;
	for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
		struct csd *csd = &this_ptr->csds[cpu];

		if (!(mask >> cpu & 1) || cpu == this_cpu->cpu || (cond && !cond(cpu)))
			continue;
		csd_wait(csd);
		csd->func = func;
		csd->info = info;
		csd->locked = 1;
		queued |= 1ul << cpu;
		trace(EV_QUEUE, cpu, RET_IP, (u64)func, (u64)csd, 0);
		if (queue_add(cpu, csd)) {
			kicked |= 1ul << cpu;
			count++;
			last = cpu;
		}
	}
	if (count == 1) {
		trace(EV_SEND_CPU, last, RET_IP, (u64)generic_smp_call_function_single_interrupt, 0, 0);
		send_ipi(last, VECTOR_CALL_SINGLE);
	} else if (count > 1) {
		trace(EV_SEND_CPUMASK, RET_IP, (u64)generic_smp_call_function_single_interrupt, 0, 0, kicked);
		for (u32 cpu = 0; cpu < nr_cpus; cpu++)
			if (kicked >> cpu & 1)
				send_ipi(cpu, VECTOR_CALL);
	}
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		if (queued >> cpu & 1)
			csd_wait(&this_ptr->csds[cpu]);
	this_cpu->preempt--;
}

/* One CPU, without waiting. */
noinline void smp_call_function_single_async(u32 cpu, struct csd *csd)
{
	csd_wait(csd);
	csd->locked = 1;
	trace(EV_QUEUE, cpu, RET_IP, (u64)csd->func, (u64)csd, 0);
	if (queue_add(cpu, csd)) {
		trace(EV_SEND_CPU, cpu, RET_IP, (u64)generic_smp_call_function_single_interrupt, 0, 0);
		send_ipi(cpu, VECTOR_CALL_SINGLE);
	}
}

/* The handler of both vectors: takes the whole queue, oldest first. */
noinline void generic_smp_call_function_single_interrupt(void)
{
	struct csd *csd, *next, *ordered = 0;

	this_cpu->nr_ipi++;
	for (csd = __atomic_exchange_n(&this_ptr->queue, 0, __ATOMIC_ACQUIRE); csd; csd = next) {
		next = csd->next;
		csd->next = ordered;
		ordered = csd;
	}
	for (csd = ordered; csd; csd = next) {
		void (*func)(void *) = csd->func;

		next = csd->next;
		trace(EV_FUNC_ENTRY, (u64)func, (u64)csd, 0, 0, 0);
		func(csd->info);
		trace(EV_FUNC_EXIT, (u64)func, (u64)csd, 0, 0, 0);
		__atomic_store_n(&csd->locked, 0, __ATOMIC_RELEASE);
	}
}
