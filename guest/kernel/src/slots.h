/* One operation on a variable of the CPU, as a kernel for one CPU and one for several compile it. */
#include "early.h"

#ifdef SMP
#define this_cpu_slot const_pcpu_hot
#define variant(name) name##_smp
extern struct hot __seg_gs this_cpu_slot;
#else
#define this_cpu_slot up_hot
#define variant(name) name##_up
struct hot this_cpu_slot;
#endif

noinline u32 variant(current_pid)(void) { return this_cpu_slot.current_task->pid; }
noinline void variant(set_current)(struct task *task) { this_cpu_slot.current_task = task; }
