/* Start of each CPU, and what every entry does. */
#include "kernel.h"

#define FW_CFG 0x510
#define FW_CPUS 5
#define PIC_MASTER 0x21
#define PIC_SLAVE 0xa1
#define X2APIC_EOI 0x80b
#define CR4_PCIDE 0x20000
#define CR3_NOFLUSH (1ul << 63)
#define USER_PCID 0x801ul
#define KERNEL_PCID 1ul
#define PF 14
#define BP 3

struct percpu percpus[MAX_CPUS] entry_data;
/* Where a CPU's stack ends, of the first one. */
#define TEXT(n) #n
#define VALUE(n) TEXT(n)
asm(".globl percpu_stack_top; percpu_stack_top = percpus + " VALUE(PERCPU_SIZE));
u32 nr_cpus;
int opt_pti, opt_pcid, opt_defer, opt_v7_flush;
u64 switch_probe;
/* Has CPU 1 look at vmalloc memory on its way in, before or behind the work that was deferred. */
volatile u32 entry_reads;
volatile u64 entry_value;
struct static_key early_key;
struct static_key early_key_ro ro_after_init;
static u64 idt[512] entry_data __attribute__((aligned(16)));

struct table { u16 limit; u64 base; } __attribute__((packed));

static void gate(u32 vector, u64 to, u32 ist, u32 dpl)
{
	idt[2 * vector] = (to & 0xffff) | (u64)KERNEL_CS << 16 | (u64)ist << 32 | (0x8eul | dpl << 5) << 40 | (to >> 16 & 0xffff) << 48;
	idt[2 * vector + 1] = to >> 32;
}

/* Descriptor tables as Linux has them: kernel 10 and 18, user 2b and 33, TSS 40. */
static void descriptors(struct percpu *pc)
{
	struct table gdtr = { sizeof pc->gdt - 1, (u64)pc->gdt }, idtr = { sizeof idt - 1, (u64)idt };
	u64 tss = (u64)&pc->tss;

	pc->gdt[1] = 0x00cf9b000000ffff;
	pc->gdt[2] = 0x00af9b000000ffff;
	pc->gdt[3] = 0x00cf93000000ffff;
	pc->gdt[4] = 0x00cffb000000ffff;
	pc->gdt[5] = 0x00cff3000000ffff;
	pc->gdt[6] = 0x00affb000000ffff;
	pc->gdt[8] = 0x0000890000000067 | (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
	pc->gdt[9] = tss >> 32;
	pc->tss.iomap = 0x68;
	pc->tss.rsp[0] = (u64)pc->kernel_stack + STACK_SIZE;
	for (u32 i = 0; i < 2; i++)
		pc->tss.ist[i] = (u64)pc->ist[i] + sizeof pc->ist[i];
	asm volatile("lgdt %0" ::"m"(gdtr) : "memory");
	asm volatile("lidt %0" ::"m"(idtr) : "memory");
	asm volatile("push %0; lea 1f(%%rip),%%rax; push %%rax; lretq; 1:" ::"i"(KERNEL_CS) : "rax", "memory");
	asm volatile("mov %0,%%ss; mov %0,%%ds; mov %0,%%es; mov %1,%%fs; mov %1,%%gs" ::"r"(0x18), "r"(0));
	/* The descriptor must be in memory before: hence the clobber. */
	asm volatile("ltr %w0" ::"r"(0x40) : "memory");
}

static void cpu_init(u32 cpu)
{
	struct percpu *pc = &percpus[cpu];

	pc->self = pc;
	pc->kernel_cr3_loaded = 1;
	pc->cpu = cpu;
	pc->stack = (u64)pc->kernel_stack + STACK_SIZE;
	pc->task = &pc->idle;
	pc->idle.stack_low = (u64)pc->kernel_stack;
	pc->idle.stack_high = pc->stack;
	__builtin_memcpy(pc->idle.comm, "swapper", 8);
	write_cr3(kernel_pgd);
	descriptors(pc);
	wrmsr(0xc0000101, (u64)pc);
	wrmsr(0xc0000102, 0);
	wrmsr(0xc0000081, 0x0023001000000000);
	wrmsr(0xc0000082, (u64)entry_syscall);
	wrmsr(0xc0000084, 0x257fd5);
	if (opt_pcid)
		write_cr4(read_cr4() | CR4_PCIDE);
	pc->kernel_cr3 = kernel_pgd | (opt_pcid ? KERNEL_PCID | CR3_NOFLUSH : 0);
	if (opt_pti)
		pc->user_cr3 = (kernel_pgd + PAGE) | (opt_pcid ? USER_PCID | CR3_NOFLUSH : 0);
	write_cr3(pc->kernel_cr3 & ~CR3_NOFLUSH);
	apic_init();
}

void bsp_main(u32 cpu)
{
	outb(PIC_MASTER, 0xff);
	outb(PIC_SLAVE, 0xff);
	outw(FW_CFG, FW_CPUS);
	nr_cpus = inb(FW_CFG + 1);
	opt_pti = !option("nopti");
	opt_pcid = !option("nopcid");
	opt_v7_flush = option("v7-flush");
	opt_defer = option("defer") || opt_v7_flush;
	for (u32 vector = 0; vector < 256; vector++)
		gate(vector, (u64)idt_stubs + 16 * vector, vector == 8 ? 1 : vector == 2 ? 2 : 0, vector == 3 || vector == 4 ? 3 : 0);
	mm_init();
	ct_init();
	trace_init();
	if (option("ro-key"))
		static_key_enable(&early_key_ro);
	if (nr_cpus > MAX_CPUS) {
		kprintf("%u CPUs are too many\n", (u64)nr_cpus);
		done(1);
	}
	cpu_init(cpu);
	percpus[cpu].online = 1;
	start_cpus();
	asm volatile("sti");
	run_scenario();
}

/* The others: isolated, in user mode for good. */
void ap_main(u32 cpu)
{
	cpu_init(cpu);
	current->pid = 100 + cpu;
	__builtin_memcpy(current->comm, "spin", 5);
	__atomic_store_n(&percpus[cpu].online, 1, __ATOMIC_RELEASE);
	ct_enter(CT_USER);
	enter_user(USER_TEXT + (user_loop - user_start), USER_DATA + 0x11000 + cpu * PAGE, USER_DATA + cpu * sizeof(struct mailbox));
}

static void fault(struct regs *regs)
{
	struct expected *expected = &this_ptr->expected;
	struct task *owner = regs->cs & 3 ? 0 : stack_owner(regs->rsp);

	if (owner && owner != current)
		trace(EV_STACK_OWNER, current->pid, owner->pid, regs->rsp, regs->rip, 0);

	expected->vector = regs->vector;
	expected->error = regs->error;
	expected->cr2 = read_cr2();
	expected->flags = regs->flags;
	expected->rsp = regs->rsp;
	expected->pid = current->pid;
	if (!expected->resume) {
		kprintf("CPU %u: exception %u error %x at %p cr2 %p\n", (u64)this_cpu->cpu, regs->vector, regs->error, regs->rip, read_cr2());
		done(2);
	}
	regs->rip = expected->resume;
	expected->resume = 0;
}

/* From user mode, with work that was deferred. Keys in front of it and behind it: what may be patched without an interrupt? */
noinstr void enter_from_user_mode(void)
{
	this_cpu->entries++;
	this_cpu->nr_key[static_branch(&early_key)]++;
	this_cpu->nr_key_ro[static_branch(&early_key_ro)]++;
	if (entry_reads == READ_EARLY && this_cpu->cpu == 1)
		entry_value = *(volatile u64 *)VMALLOC;
	ct_exit();
	this_cpu->nr_key_late[static_branch(&early_key)]++;
	if (entry_reads == READ_LATE && this_cpu->cpu == 1)
		entry_value = *(volatile u64 *)VMALLOC;
}

/* Every entry, by SYSCALL and by the IDT. */
void kernel_entry(struct regs *regs)
{
	int user = regs->cs & 3;

	if (user)
		enter_from_user_mode();
	switch (regs->vector) {
	case SYSCALL_VECTOR:
		asm volatile("sti");
		ap_work(regs);
		asm volatile("cli");
		break;
	case VECTOR_CALL:
	case VECTOR_CALL_SINGLE:
		wrmsr(X2APIC_EOI, 0);
		this_cpu->in_irq++;
		generic_smp_call_function_single_interrupt();
		this_cpu->in_irq--;
		break;
	case VECTOR_RESCHEDULE:
		wrmsr(X2APIC_EOI, 0);
		break;
	case BP:
		if (!poke_int3(regs))
			fault(regs);
		break;
	default:
		fault(regs);
	}
	if (user)
		ct_enter(CT_USER);
}

_Static_assert(sizeof(struct percpu) == PERCPU_SIZE, "the stack is at the end");
_Static_assert(__builtin_offsetof(struct percpu, kernel_stack) + STACK_SIZE == PERCPU_SIZE, "the stack is at the end");
_Static_assert(__builtin_offsetof(struct percpu, user_cr3) == PC_USER_CR3, "as assembly has it");
