// Two reads of `current` in each way that Linux has read it, with a call, a conditional join or a compiler barrier between.
struct task { long pad[249]; long seccomp; char audit; };
struct pcpu_hot { struct task *current_task; int preempt_count; int cpu_number; };
extern struct pcpu_hot pcpu_hot;
extern void opaque(void);

#define VOLATILE_M() ({ struct task *t; asm volatile("mov %%gs:%1,%0" : "=r"(t) : "m"(pcpu_hot.current_task)); t; })
#define PLAIN_M() ({ struct task *t; asm("mov %%gs:%1,%0" : "=r"(t) : "m"(pcpu_hot.current_task)); t; })
#define STABLE_P() ({ struct task *t; asm("mov %%gs:%P1,%0" : "=r"(t) : "p"(&pcpu_hot.current_task)); t; })
#ifdef __clang__
#define SEG_GS __attribute__((address_space(256)))
#else
#define SEG_GS __seg_gs
#endif
extern const struct pcpu_hot SEG_GS const_pcpu_hot;
#define CONST_SEG() (const_pcpu_hot.current_task)

#define ACROSS_CALL(name, READ) long name##_call(void) { long a = READ()->seccomp; opaque(); return a + READ()->seccomp; }
#define AT_JOIN(name, READ) \
  long name##_join(long work) { if ((work & 32) && READ()->audit) return 1; return READ()->seccomp ? 2 : 3; }
#define ACROSS_BARRIER(name, READ) \
  long name##_barrier(void) { long a = READ()->seccomp; asm volatile("" : : : "memory"); return a + READ()->seccomp; }

ACROSS_CALL(volatile_m, VOLATILE_M)
AT_JOIN(volatile_m, VOLATILE_M)
ACROSS_CALL(plain_m, PLAIN_M)
AT_JOIN(plain_m, PLAIN_M)
ACROSS_BARRIER(plain_m, PLAIN_M)
ACROSS_CALL(stable_p, STABLE_P)
AT_JOIN(stable_p, STABLE_P)
ACROSS_BARRIER(stable_p, STABLE_P)
ACROSS_CALL(const_seg, CONST_SEG)
AT_JOIN(const_seg, CONST_SEG)
ACROSS_BARRIER(const_seg, CONST_SEG)
