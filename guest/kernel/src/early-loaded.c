/* The alias is the linker's: the compiler knows nothing of the value, and reads it. */
#include "early.h"

extern const struct hot __seg_gs const_pcpu_hot;

noinline void adopt_mm_loaded(void) { adopt_mm(const_pcpu_hot.current_task); }
