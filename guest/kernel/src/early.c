/* An early death: a worker borrows the address space of the idle task, which has none, and drops it. */
#include "early.h"

struct mm init_mm = { 2 };
struct task init_task;
static struct task worker = { .pid = 52, .comm = "kworker/u4:1" };

/* The reference is in R12. Returns whether it could be dropped. */
static noinline void begin_new_exec(struct mm *mm)
{
	struct expected *expected = &this_ptr->expected;

	asm volatile("lea 1f(%%rip), %%rax; mov %%rax, %0; mov %1, %%r12; xor %%eax, %%eax; lock decl (%%r12); 1:"
		: "=m"(expected->resume) : "r"(mm) : "rax", "r12", "memory", "cc");
	expected->resume = 0;
}

noinline void adopt_mm(struct task *task) { task->active_mm = &init_mm; }

void early_oops(u64 loaded)
{
	struct task *idle = current;
	struct expected *expected = &this_ptr->expected;

	expected->vector = 0;
	if (loaded)
		adopt_mm_loaded();
	else
		adopt_mm_folded();
	kprintf("cpu %u: idle's mm %s, init_task's mm %s\n", (u64)this_cpu->cpu, idle->active_mm ? "init_mm" : "none",
		init_task.active_mm ? "init_mm" : "none");
	worker.active_mm = idle->active_mm;
	current = &worker;
	begin_new_exec(worker.active_mm);
	if (expected->vector)
		kprintf("%s: vector %u error %x cr2 %x flags %x\n", current->comm, expected->vector, expected->error, expected->cr2, expected->flags);
	else
		kprintf("%s: dropped, %u left\n", current->comm, (u64)init_mm.count);
	current = idle;
}
