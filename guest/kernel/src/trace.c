/* Tracepoints: a record in the CPU's own buffer, its physical address to the trace port. */
#include "kernel.h"

#define TRACE_PORT 0x5e0

struct record {
	u32 event, pid, flags, preempt;
	char comm[16];
	u64 values[4];
	u64 mask[4];
};

static u32 enabled;

void trace_init(void) { enabled = inl(TRACE_PORT); }

void trace(u32 event, u64 a, u64 b, u64 c, u64 d, u64 mask)
{
	struct record *record;
	struct task *task;
	u64 flags;

	if (!(enabled & 1u << event))
		return;
	flags = irq_save();
	record = (struct record *)this_ptr->trace_record;
	task = current;
	*record = (struct record){
		.event = event, .pid = task->pid, .flags = (flags & 0x200 ? 0 : 1) | (this_cpu->in_irq ? 2 : 0),
		.preempt = this_cpu->preempt, .values = { a, b, c, d }, .mask = { mask },
	};
	__builtin_memcpy(record->comm, task->comm, 16);
	outl(TRACE_PORT, phys(record));
	irq_restore(flags);
}
