/* The per-CPU structure is defined in the file in which a constant alias of it is read: the compiler sees the initial value. */
#include "early.h"

struct hot pcpu_hot = { &init_task };
extern const struct hot __seg_gs const_pcpu_hot_here __attribute__((alias("pcpu_hot")));

noinline void adopt_mm_folded(void) { adopt_mm(const_pcpu_hot_here.current_task); }
