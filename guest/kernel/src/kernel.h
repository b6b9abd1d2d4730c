/* A small kernel that does at its doorway what Linux does, to be looked at from outside. */
#pragma once
#include "layout.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define MAX_CPUS 40
#define BASE 0xffffffff80000000ul
#define DIRECT 0xffff800000000000ul
#define VMALLOC 0xffffc90000000000ul
#define USER_TEXT 0x400000ul
#define USER_DATA 0x500000ul
#define PAGE 0x1000ul
#define noinline __attribute__((noinline))
#define entry_data __attribute__((section(".entry.bss")))
/* What nobody may trace (Linux include/linux/compiler_types.h), and what is not written behind the start. */
#define noinstr noinline __attribute__((section(".noinstr.text")))
#define ro_after_init __attribute__((section(".data..ro_after_init")))
#define RET_IP ((u64)__builtin_return_address(0))

#define PTE_P 1ul
#define PTE_W 2ul
#define PTE_U 4ul
#define PTE_A 0x20ul
#define PTE_G 0x100ul

#define VECTOR_CALL 0xfc
#define VECTOR_CALL_SINGLE 0xfb
#define VECTOR_RESCHEDULE 0xfd

struct regs {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error, rip, cs, flags, rsp, ss;
};

struct task {
	u64 rsp;
	u32 pid;
	char comm[16];
	struct mm *active_mm;
	u64 stack_low, stack_high;
};

struct csd {
	struct csd *next;
	void (*func)(void *);
	void *info;
	volatile u32 locked;
};

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, iomap;
} __attribute__((packed));

/* A fault that somebody waits for: where to go on, and what it was. */
struct expected {
	u64 resume, vector, error, cr2, flags, rsp, pid;
};

struct percpu {
	struct percpu *self;
	struct task *task;
	u64 stack, user_rsp, kernel_cr3, user_cr3, kernel_cr3_loaded;
	u32 cpu, preempt, in_irq, online;
	volatile u32 ct_state;
	u32 nr_sync, nr_flush, nr_invlpg, nr_ipi, entries;
	/* Entries that found a key off, and on: in front of the work that was deferred, the read-only one there, and behind the work. */
	u32 nr_key[2], nr_key_ro[2], nr_key_late[2];
	struct csd *volatile queue;
	struct csd csds[MAX_CPUS];
	struct csd single;
	struct expected expected;
	struct task idle;
	u64 gdt[16];
	struct tss tss;
	u8 trace_record[96] __attribute__((aligned(32)));
	u8 ist[2][0x800] __attribute__((aligned(16)));
	u8 kernel_stack[STACK_SIZE] __attribute__((aligned(4096)));
} __attribute__((aligned(4096)));

extern struct percpu percpus[MAX_CPUS];
#define this_cpu ((struct percpu __seg_gs *)0)
#define current (this_cpu->task)
#define this_ptr (this_cpu->self)

/* What the loop of a CPU in user mode looks at; one cache line each. */
struct mailbox {
	volatile u64 work, loops, done, arg;
	u64 pad[4];
};
extern struct mailbox mailboxes[MAX_CPUS];

extern u32 nr_cpus;
extern int opt_pti, opt_pcid, opt_defer, opt_v7_flush;

#define barrier() asm volatile("" ::: "memory")
static inline void cpu_relax(void) { asm volatile("pause" ::: "memory"); }
static inline void outb(u16 port, u8 v) { asm volatile("outb %0,%1" ::"a"(v), "Nd"(port)); }
static inline void outw(u16 port, u16 v) { asm volatile("outw %0,%1" ::"a"(v), "Nd"(port)); }
static inline void outl(u16 port, u32 v) { asm volatile("outl %0,%1" ::"a"(v), "Nd"(port) : "memory"); }
static inline u8 inb(u16 port) { u8 v; asm volatile("inb %1,%0" : "=a"(v) : "Nd"(port)); return v; }
static inline u32 inl(u16 port) { u32 v; asm volatile("inl %1,%0" : "=a"(v) : "Nd"(port)); return v; }
static inline void wrmsr(u32 n, u64 v) { asm volatile("wrmsr" ::"c"(n), "a"((u32)v), "d"((u32)(v >> 32)) : "memory"); }
static inline u64 rdmsr(u32 n) { u32 a, d; asm volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(n)); return a | (u64)d << 32; }
static inline u64 read_cr3(void) { u64 v; asm volatile("mov %%cr3,%0" : "=r"(v)); return v; }
static inline void write_cr3(u64 v) { asm volatile("mov %0,%%cr3" ::"r"(v) : "memory"); }
static inline u64 read_cr4(void) { u64 v; asm volatile("mov %%cr4,%0" : "=r"(v)); return v; }
static inline void write_cr4(u64 v) { asm volatile("mov %0,%%cr4" ::"r"(v) : "memory"); }
static inline u64 read_cr2(void) { u64 v; asm volatile("mov %%cr2,%0" : "=r"(v)); return v; }
static inline void invlpg(u64 at) { asm volatile("invlpg (%0)" ::"r"(at) : "memory"); }
static inline u64 irq_save(void) { u64 f; asm volatile("pushfq; pop %0; cli" : "=r"(f)::"memory"); return f; }
static inline void irq_restore(u64 f) { asm volatile("push %0; popfq" ::"r"(f) : "memory", "cc"); }
static inline u64 phys(const void *p) { u64 a = (u64)p; return a >= BASE ? a - BASE : a >= DIRECT ? a - DIRECT : a; }
static inline void *direct(u64 physical) { return (void *)(DIRECT + physical); }

/* console.c */
void kprintf(const char *format, ...);
void done(u32 value) __attribute__((noreturn));
void *memset(void *at, int byte, u64 size);
int streq(const char *a, const char *b);
int option(const char *name);
u64 option_value(const char *name, u64 otherwise);

/* trace.c */
enum { EV_SEND_CPU = 1, EV_SEND_CPUMASK = 2, EV_QUEUE = 6, EV_FUNC_ENTRY = 7, EV_FUNC_EXIT = 8, EV_STACK_OWNER = 9, EV_PAGE_FREE = 10 };
void trace_init(void);
void trace(u32 event, u64 a, u64 b, u64 c, u64 d, u64 mask);

/* mm.c */
u64 alloc_page(void);
void free_page(u64 page);
void mm_init(void);
u64 *pte_of(u64 linear);
u64 *pde_of(u64 linear);
void share_vmalloc(void);
void map_page(u64 linear, u64 physical, u64 flags);
void flush_tlb_kernel_range(u64 start, u64 end);
void do_flush_tlb_all(void *info);
void do_kernel_range_flush(void *info);
extern u64 kernel_pgd;

/* smp.c */
typedef int cond_fn(u32 cpu);
void apic_init(void);
void send_ipi(u32 cpu, u32 vector);
void start_cpus(void);
void smp_call_function_many_cond(u64 mask, void (*func)(void *), void *info, cond_fn *cond);
void smp_call_function_single_async(u32 cpu, struct csd *csd);
void generic_smp_call_function_single_interrupt(void);
u64 others(void);

/* context.c */
enum { CT_KERNEL = 0, CT_IDLE = 1, CT_USER = 2, CT_GUEST = 3 };
enum { WORK_SYNC = 1, WORK_TLBI = 2 };
struct ct_layout { const char *name; u32 work_shift, work_bits, counter_shift, counter_bits; };
extern const struct ct_layout *ct;
extern void (*ct_hook)(int place);
extern int ct_do_while;
void ct_init(void);
void ct_enter(u32 state);
void ct_exit(void);
int ct_set_cpu_work(u32 cpu, u32 work);
u32 ct_counter(u32 word);

/* text.c */
void sync_core(void);
void do_sync_core(void *info);
void text_poke_bp(u8 *at, const u8 *bytes, u32 length);
int poke_int3(struct regs *regs);
extern u32 poke_steps_left_out;
/* Static keys as Linux has them (include/linux/jump_label.h): 16 bytes, whose sites stand in a table of distances. */
struct static_key { u32 enabled; u64 type; };
struct jump_entry { int code, target; long key; };
enum { KEY_FLAGS = 3 };
extern struct static_key early_key, early_key_ro;
int static_key_enable(struct static_key *key);
/* Off at first. The site is aligned, so that its halves are never of different ages. */
static inline __attribute__((always_inline)) int static_branch(struct static_key *key)
{
	asm goto(".balign 4; 1: .byte 0x0f, 0x1f, 0x44, 0, 0; .pushsection __jump_table, \"aw\"; .balign 8; .long 1b - ., %l1 - .; .quad %c0 - .; .popsection"
		:: "i"(key) :: on);
	return 0;
on:
	return 1;
}
void text_poke_early(u8 *at, const u8 *bytes, u32 length);

/* entry.S */
void enter_user(u64 rip, u64 rsp, u64 arg) __attribute__((noreturn));
void switch_stacks(struct task *prev, struct task *next);
extern char user_start[], user_end[], user_loop[], user_kernel_read[], entry_start[], entry_bss_start[], entry_bss_end[];
extern char idt_stubs[], entry_syscall[], kernel_end[], switch_window[], switch_probed[];
extern u64 switch_probe;

enum { READ_EARLY = 1, READ_LATE = 2 };
extern volatile u32 entry_reads;
extern volatile u64 entry_value;

/* scenarios */
void run_scenario(void);
void ap_work(struct regs *regs);
void nohz_full_kick_func(void *info);
extern void (*volatile ap_function)(u64 arg);
void on_cpu(u32 cpu, void (*function)(u64), u64 arg);
void start_on_cpu(u32 cpu, void (*function)(u64), u64 arg);
void wait_cpu(u32 cpu);
void users_only(void);
struct task *stack_owner(u64 rsp);
void early_oops(u64 loaded);
