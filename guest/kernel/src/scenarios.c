/* What can be booted: each a before and an after, chosen on the command line. */
#include "kernel.h"

#define CR4_LASS (1ul << 27)

/* Work for CPUs that are in user mode: their loop asks for it by SYSCALL. */
static void (*volatile functions[MAX_CPUS])(u64);
static volatile u64 arguments[MAX_CPUS];
static volatile u32 finished[MAX_CPUS];

void ap_work(struct regs *regs)
{
	u32 cpu = this_cpu->cpu;
	void (*function)(u64) = functions[cpu];

	(void)regs;
	functions[cpu] = 0;
	if (function)
		function(arguments[cpu]);
	__atomic_store_n(&finished[cpu], 1, __ATOMIC_RELEASE);
}

void start_on_cpu(u32 cpu, void (*function)(u64), u64 arg)
{
	finished[cpu] = 0;
	arguments[cpu] = arg;
	functions[cpu] = function;
	__atomic_store_n(&mailboxes[cpu].work, 1, __ATOMIC_RELEASE);
}

static int in_user(u32 cpu) { return (percpus[cpu].ct_state & 3) == CT_USER; }

/* Until it is done and the CPU is in user mode again. */
void wait_cpu(u32 cpu)
{
	while (!__atomic_load_n(&finished[cpu], __ATOMIC_ACQUIRE) || !in_user(cpu))
		cpu_relax();
}

void on_cpu(u32 cpu, void (*function)(u64), u64 arg)
{
	start_on_cpu(cpu, function, arg);
	wait_cpu(cpu);
}

/* Until every other CPU is in user mode. */
void users_only(void)
{
	for (u32 cpu = 1; cpu < nr_cpus; cpu++)
		while (!in_user(cpu))
			cpu_relax();
}

noinline void nohz_full_kick_func(void *info) { (void)info; }

static void kick(u32 cpu)
{
	static struct csd csd;

	csd.func = nohz_full_kick_func;
	smp_call_function_single_async(cpu, &csd);
	while (__atomic_load_n(&csd.locked, __ATOMIC_ACQUIRE) || !in_user(cpu))
		cpu_relax();
}

/* A function whose first five bytes are patched to and fro. */
asm(".text; .balign 16; .globl patched; patched: .byte 0x0f, 0x1f, 0x44, 0, 0; ret");
extern u8 patched[];
static const u8 nop5[5] = { 0x0f, 0x1f, 0x44, 0, 0 };
static const u8 jmp5[5] = { 0xe9, 0, 0, 0, 0 };

/* An afternoon of a housekeeping CPU: unmappings, code patching, and a timer or two that must be looked at. */
static void scenario_ipi(void)
{
	u64 flushes = option_value("flushes", 297), pokes = option_value("pokes", 12), small = option_value("small", 2);
	u64 kicks = option_value("kicks", opt_defer ? 2 : 3);

	users_only();
	__builtin_memcpy(current->comm, "housekeeping", 13);
	current->pid = 42;
	for (u64 n = 0; n < flushes; n++)
		flush_tlb_kernel_range(VMALLOC, VMALLOC + (34 + n % 100) * PAGE);
	for (u64 n = 0; n < pokes; n++)
		text_poke_bp(patched, n & 1 ? nop5 : jmp5, 5);
	for (u64 n = 0; n < small; n++)
		flush_tlb_kernel_range(VMALLOC, VMALLOC + (1 + 32 * (n & 1)) * PAGE);
	for (u64 n = 0; n < kicks; n++)
		kick(1 + n % (nr_cpus - 1));
	kprintf("ipi %s: %u flushes, %u pokes, %u small, %u kicks\n", opt_defer ? "deferred" : "sent", flushes, pokes, small, kicks);
}

static void nothing(u64 arg) { (void)arg; }

static u32 word_inside;
static void note_word(u64 arg) { (void)arg; word_inside = this_cpu->ct_state; }

static u32 work_of(u32 word) { return word >> ct->work_shift & ((1u << ct->work_bits) - 1); }

/* The packed word over n round trips of CPU 1, in user mode all the while but for them. */
static void scenario_ct_word(void)
{
	u64 rounds = option_value("rounds", 5);
	u32 before, after;

	users_only();
	percpus[1].ct_state += (u32)option_value("counter", 0) << ct->counter_shift;
	before = percpus[1].ct_state;
	for (u64 n = 0; n < rounds; n++)
		on_cpu(1, note_word, 0);
	after = percpus[1].ct_state;
	kprintf("ct %s: rounds %u counter +%u of %u bits, state in the kernel %u, outside %u, work %x\n", ct->name, rounds,
		(u64)((ct_counter(after) - ct_counter(before)) & ((1ul << ct->counter_bits) - 1)), (u64)ct->counter_bits, (u64)(word_inside & 3), (u64)(after & 3),
		(u64)work_of(after));
	/* Work that nobody has done is gone at the next way out. */
	kprintf("ct set: %u", (u64)ct_set_cpu_work(1, WORK_SYNC));
	kprintf(" word %x", (u64)work_of(percpus[1].ct_state));
	on_cpu(1, note_word, 0);
	kprintf(" in the kernel %x then %x\n", (u64)work_of(word_inside), (u64)work_of(percpus[1].ct_state));
}

static volatile u32 stage;

/* Holds CPU 1 in a state until it is told to go on. */
static void hold(u64 state)
{
	if (state)
		ct_enter(state);
	stage = 1;
	while (stage != 2)
		cpu_relax();
	if (state)
		ct_exit();
}

static void deferrals(const char *name, u32 state)
{
	u32 ipis, set;

	stage = 0;
	if (state != CT_USER) {
		start_on_cpu(1, hold, state);
		while (stage != 1)
			cpu_relax();
	}
	ipis = percpus[1].nr_ipi;
	set = ct_set_cpu_work(1, WORK_SYNC);
	if (!set)
		smp_call_function_many_cond(2, do_sync_core, 0, 0);
	kprintf("%s: returns %u, interrupts %u\n", name, (u64)set, (u64)(percpus[1].nr_ipi - ipis));
	stage = 2;
	if (state != CT_USER)
		wait_cpu(1);
	else
		on_cpu(1, nothing, 0);
}

static void scenario_ct_set(void)
{
	users_only();
	deferrals("user", CT_USER);
	deferrals("kernel", CT_KERNEL);
	deferrals("idle", CT_IDLE);
	deferrals("guest", CT_GUEST);
}

static int race_place;

/* Lets CPU 1 go to user mode just here. */
static void race(int place)
{
	if (place != race_place)
		return;
	stage = 2;
	wait_cpu(1);
	race_place = 0;
}

/* The sender reads «in the kernel», the other goes to user mode, the sender decides. */
static void scenario_ct_race(void)
{
	u32 ipis;
	int set;

	users_only();
	ct_do_while = option("do-while");
	race_place = option("late") ? 2 : 1;
	stage = 0;
	start_on_cpu(1, hold, CT_KERNEL);
	while (stage != 1)
		cpu_relax();
	ipis = percpus[1].nr_ipi;
	ct_hook = race;
	set = ct_set_cpu_work(1, WORK_SYNC);
	ct_hook = 0;
	if (stage != 2) {
		stage = 2;
		wait_cpu(1);
	}
	if (!set)
		smp_call_function_many_cond(2, do_sync_core, 0, 0);
	kprintf("race %s%s: deferred %u, interrupts in user mode %u\n", ct_do_while ? "do-while" : "while", option("late") ? " late" : "",
		(u64)set, (u64)(percpus[1].nr_ipi - ipis));
}

static void scenario_ct_coalesce(void)
{
	u32 syncs, flushes, set = 0;

	users_only();
	syncs = percpus[1].nr_sync;
	flushes = percpus[1].nr_flush;
	for (u32 n = 0; n < 1000; n++)
		set += ct_set_cpu_work(1, WORK_SYNC);
	for (u32 n = 0; n < 500; n++)
		set += ct_set_cpu_work(1, WORK_TLBI);
	kprintf("deferred %u, queue %u", (u64)set, (u64)(percpus[1].queue != 0));
	on_cpu(1, nothing, 0);
	kprintf(": sync_core %u, flush %u\n", (u64)(percpus[1].nr_sync - syncs), (u64)(percpus[1].nr_flush - flushes));
}

static void scenario_flush_threshold(void)
{
	users_only();
	for (u64 pages = 32; pages <= 35; pages++) {
		u32 single[MAX_CPUS], all[MAX_CPUS], equal = 0;

		for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
			single[cpu] = percpus[cpu].nr_invlpg;
			all[cpu] = percpus[cpu].nr_flush;
		}
		flush_tlb_kernel_range(VMALLOC, VMALLOC + pages * PAGE);
		for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
			single[cpu] = percpus[cpu].nr_invlpg - single[cpu];
			all[cpu] = percpus[cpu].nr_flush - all[cpu];
			equal += single[cpu] == single[0] && all[cpu] == all[0];
		}
		kprintf("%u pages: INVLPG %u, flushes %u on each of %u CPUs\n", pages, (u64)single[0], (u64)all[0], (u64)equal);
	}
}

static volatile u64 seen[3];
static volatile u32 order_broken, looping;
void note_old(void) { seen[0]++; if (seen[2]) order_broken = 1; }
void note_new(void) { seen[2]++; }
/* A call that is sent elsewhere, a no-op that becomes a jump, a short jump that becomes a no-op. */
asm(".text; .balign 64; .globl poked; poked: sub $8,%rsp; nopl (%rax); .globl poked_call; poked_call: call note_old; nopl (%rax); "
    ".globl poked_nop; poked_nop: .byte 0x0f, 0x1f, 0x44, 0, 0; xor %eax,%eax; jmp 2f; 1: mov $1,%eax; 2: "
    ".globl poked_short; poked_short: jmp 3f; or $2,%eax; 3: add $8,%rsp; ret; .globl poked_target; poked_target = 1b");
extern u8 poked_call[], poked_nop[], poked_short[], poked_target[];
extern u32 poked(void);
static volatile u32 ways, way_order_broken;

static void loop(u64 arg)
{
	u32 last = 0;

	(void)arg;
	while (looping) {
		u32 way = poked();

		ways |= 1u << way;
		/* Each bit comes once and stays. */
		if (last & ~way)
			way_order_broken = 1;
		last = way;
	}
}

static void pause_for(u32 rounds)
{
	for (u64 from = mailboxes[2].loops; mailboxes[2].loops - from < rounds;)
		cpu_relax();
}

static void scenario_text_poke(void)
{
	u8 call[5] = { 0xe8 }, jump[5] = { 0xe9 };
	static const u8 nop2[2] = { 0x66, 0x90 };

	*(int *)(call + 1) = (u64)note_new - (u64)(poked_call + 5);
	*(int *)(jump + 1) = (u64)poked_target - (u64)(poked_nop + 5);
	users_only();
	poke_steps_left_out = option_value("without", 0);
	looping = 1;
	start_on_cpu(1, loop, 0);
	while (seen[0] < 100)
		cpu_relax();
	pause_for(1000);
	text_poke_bp(poked_call, call, 5);
	pause_for(1000);
	text_poke_bp(poked_nop, jump, 5);
	pause_for(1000);
	text_poke_bp(poked_short, nop2, 2);
	pause_for(1000);
	looping = 0;
	wait_cpu(1);
	kprintf("text_poke: old %s, new %s, order %s, ways %x %s\n", seen[0] ? "seen" : "never", seen[2] ? "seen" : "never",
		order_broken ? "broken" : "kept", (u64)ways, way_order_broken ? "broken" : "kept");
}

/* Many ways into the kernel and out of it. */
static void scenario_round_trips(void)
{
	u64 rounds = option_value("rounds", 100);

	users_only();
	for (u64 n = 0; n < rounds; n++)
		on_cpu(1, nothing, 0);
	kprintf("round trips: %u, pti %u, pcid %u\n", rounds, (u64)opt_pti, (u64)opt_pcid);
}

static struct task tasks[2];
static u8 task_stacks[2][STACK_SIZE] __attribute__((aligned(16)));
static struct task *seen_cached, *seen_reloaded;

/* Whose stack an address is in; null: nobody's. */
struct task *stack_owner(u64 rsp)
{
	for (u32 i = 0; i < 2; i++)
		if (rsp > tasks[i].stack_low && rsp <= tasks[i].stack_high)
			return &tasks[i];
	return 0;
}

static void task_main(void)
{
	switch_probe = 0;
	seen_reloaded = current;
	switch_stacks(&tasks[1], &tasks[0]);
}

/* A fault between the switch of stacks and the write of `current` sees the task before. */
static void scenario_switch(void)
{
	struct expected *expected = &this_ptr->expected;
	struct task *idle = current;
	u64 *stack = (u64 *)(task_stacks[1] + STACK_SIZE);

	for (u32 i = 0; i < 2; i++) {
		tasks[i].pid = i + 1;
		__builtin_memcpy(tasks[i].comm, "task/?", 7);
		tasks[i].comm[5] = '1' + i;
		tasks[i].stack_low = (u64)task_stacks[i];
		tasks[i].stack_high = (u64)task_stacks[i] + STACK_SIZE;
	}
	stack -= 2;
	*stack = (u64)task_main;
	stack -= 6;
	tasks[1].rsp = (u64)stack;
	current = &tasks[0];
	seen_cached = current;
	switch_probe = option("probe");
	if (switch_probe)
		expected->resume = (u64)switch_probed;
	asm volatile("" ::: "memory");
	switch_stacks(&tasks[0], &tasks[1]);
	kprintf("switch: cached read %u, reloaded read %u, back in %u\n", (u64)seen_cached->pid, (u64)seen_reloaded->pid, (u64)current->pid);
	if (option("probe"))
		kprintf("window: vector %u, current %u on the stack of %u\n", expected->vector, expected->pid,
			(u64)(expected->rsp - tasks[1].stack_low < STACK_SIZE ? 2 : 1));
	current = idle;
}

static int option_lass;

/* Sends this CPU's user to the read, and lets the fault come back into its loop. */
static void user_read(u64 arg)
{
	struct regs *regs = (struct regs *)this_cpu->stack - 1;

	(void)arg;
	this_ptr->expected.vector = 0;
	this_ptr->expected.cr2 = 0;
	asm volatile("mov %0, %%cr2" ::"r"(0ul));
	if (option_lass)
		write_cr4(read_cr4() | CR4_LASS);
	this_ptr->expected.resume = regs->rip;
	regs->rip = USER_TEXT + (user_kernel_read - user_start);
	regs->rcx = regs->rip;
}

static void scenario_early(void)
{
	users_only();
	on_cpu(1, early_oops, option("loaded"));
}

/* A user that reads where only the kernel may: with and without linear-address space separation. */
static void scenario_user_read(void)
{
	struct expected *expected = &percpus[1].expected;

	users_only();
	option_lass = option("lass");
	start_on_cpu(1, user_read, 0);
	while (!__atomic_load_n(&expected->vector, __ATOMIC_ACQUIRE))
		cpu_relax();
	kprintf("user read, lass %u: vector %u error %x cr2 %x\n", (u64)option_lass, expected->vector, expected->error, expected->cr2);
}

static void touch(u64 at) { entry_value = *(volatile u64 *)at; }

/* A vmalloc page gets another frame; CPU 1 is told to flush at its next entry, and looks there before or behind that. */
static void scenario_vunmap(void)
{
	u64 old = alloc_page(), reused = alloc_page();

	*(u64 *)direct(old) = 1;
	*(u64 *)direct(reused) = 2;
	users_only();
	opt_defer = 1;
	map_page(VMALLOC, old, PTE_P | PTE_W);
	on_cpu(1, touch, VMALLOC);
	*pte_of(VMALLOC) = 0;
	flush_tlb_kernel_range(VMALLOC, VMALLOC + PAGE);
	map_page(VMALLOC, reused, PTE_P | PTE_W);
	entry_reads = option("read-early") ? READ_EARLY : READ_LATE;
	on_cpu(1, nothing, 0);
	entry_reads = 0;
	kprintf("vunmap: CPU 1 read %s\n", entry_value == 2 ? "the new frame" : "the old frame");
}

/* Far from what anybody uses; its page table has no other page. */
#define AREA (VMALLOC + 0x400000)
#define FREED_DATA 0x200001ul

/*
 * An area of vmalloc memory is unmapped while CPU 1, which has used it, puts off its flush. With free-table its page table goes too,
 * and becomes a page of data that has the looks of an entry.
 */
static void scenario_free_table(void)
{
	u64 page = alloc_page(), table, *data;

	users_only();
	opt_defer = 1;
	map_page(AREA, page, PTE_P | PTE_W);
	on_cpu(1, touch, AREA);
	table = *pde_of(AREA) & 0xfffffffff000;
	*pte_of(AREA) = 0;
	if (!option("leaf-only"))
		*pde_of(AREA) = 0;
	flush_tlb_kernel_range(AREA, AREA + PAGE);
	data = direct(table);
	if (!option("leaf-only"))
		free_page(table);
	if (!option("leaf-only"))
		for (u32 i = 0; i < 512; i++)
			data[i] = FREED_DATA;
	on_cpu(1, nothing, 0);
	if (option("leaf-only"))
		kprintf("free-table: the table stays\n");
	else
		kprintf("free-table: frame %x word 1 was %x, is %x\n", table, FREED_DATA, data[1]);
}

/* The table of a part of the kernel's half is freed, and everybody flushes; but the user's tables have a copy of the entry above it. */
static void scenario_user_copy(void)
{
	u64 *pgd = direct(kernel_pgd), index = VMALLOC >> 39 & 511, table = pgd[index] & 0xfffffffff000, *data = direct(table), loops;

	users_only();
	share_vmalloc();
	pgd[index] = 0;
	flush_tlb_kernel_range(VMALLOC, VMALLOC + 34 * PAGE);
	free_page(table);
	for (u32 i = 0; i < 512; i++)
		data[i] = FREED_DATA;
	/* Time in user mode. */
	loops = mailboxes[1].loops;
	while (mailboxes[1].loops - loops < 1000)
		cpu_relax();
	kprintf("user-copy: frame %x word 0 was %x, is %x\n", table, FREED_DATA, data[0]);
}

/* What does an entry walk before it has switched CR3? Somebody speculates; A of a page that nobody uses tells. */
static void scenario_entry_walk(void)
{
	users_only();
	map_page(AREA, alloc_page(), PTE_P | PTE_W);
	*pde_of(AREA) &= ~PTE_A;
	if (option("share-vmalloc"))
		share_vmalloc();
	on_cpu(1, nothing, 0);
	kprintf("entry-walk: PDE %s\n", *pde_of(AREA) & PTE_A ? "accessed" : "not accessed");
}

extern void set_tss(u64 *at, u64 low, u64 high), set_tss_swapped(u64 *at, u64 low, u64 high);

/* A task-state segment whose descriptor is written before LTR reads it, or behind. */
static void scenario_ltr(void)
{
	struct expected *expected = &this_ptr->expected;
	u64 *at = &this_ptr->gdt[8], low = at[0] & ~(2ul << 40), high = at[1];

	at[0] = at[1] = 0;
	expected->vector = 0;
	if (option("swapped"))
		/* The fault leaves the return address on the stack. */
		asm volatile("lea 1f(%%rip), %%rax; mov %%rax, (%3); call set_tss_swapped; jmp 2f; 1: add $8, %%rsp; 2:"
			:: "D"(at), "S"(low), "d"(high), "r"(&expected->resume) : "rax", "memory");
	else
		set_tss(at, low, high);
	expected->resume = 0;
	kprintf("ltr: vector %u error %x, type %x\n", expected->vector, expected->error, at[0] >> 40 & 15);
}

/*
 * A key is enabled whose sites CPU 1 passes before and behind the work that was deferred: what does it find there? With ro-key it is
 * the other one, whose site was patched before there was a second CPU.
 */
static void scenario_static_key(void)
{
	struct percpu *pc = &percpus[1];
	u64 entries = option_value("entries", 3);
	u32 *early = option("ro-key") ? pc->nr_key_ro : pc->nr_key;
	u32 off, late;

	users_only();
	opt_defer = !option("sent");
	on_cpu(1, nothing, 0);
	kprintf("static key: %s", static_key_enable(option("ro-key") ? &early_key_ro : &early_key) ? "on" : "off");
	off = early[0];
	late = pc->nr_key_late[0];
	for (u64 n = 0; n < entries; n++)
		on_cpu(1, nothing, 0);
	kprintf(", %u entries, stale %u", entries, (u64)(early[0] - off));
	if (!option("ro-key"))
		kprintf(", behind the work %u", (u64)(pc->nr_key_late[0] - late));
	kprintf("\n");
}

extern u32 current_pid_smp(void), current_pid_up(void);
extern void set_current_smp(struct task *task), set_current_up(struct task *task);

/* `current` as kernels for several CPUs and for one have it. */
static void scenario_slots(void)
{
	static struct task task = { .pid = 7 };
	struct task *was = current;
	u32 smp, up;

	set_current_smp(&task);
	set_current_up(&task);
	smp = current_pid_smp();
	up = current_pid_up();
	current = was;
	kprintf("slots: smp %u, up %u\n", (u64)smp, (u64)up);
}

static void load_idt(u64 base, u16 limit)
{
	struct { u16 limit; u64 base; } __attribute__((packed)) idtr = { limit, base };

	asm volatile("lidt %0" ::"m"(idtr) : "memory");
}

static void load_gdt(u64 base, u16 limit)
{
	struct { u16 limit; u64 base; } __attribute__((packed)) gdtr = { limit, base };

	asm volatile("lgdt %0" ::"m"(gdtr) : "memory");
}

/* Beyond what a machine has, in the direct map and outside it. */
#define BEYOND 0xf0000000ul

/* Ways to die that nobody handles. */
static void scenario_die(void)
{
	u64 *pgd = direct(kernel_pgd);

	if (option("triple")) {
		load_idt(DIRECT, 0);
		asm volatile("ud2");
	} else if (option("jump")) {
		load_idt(DIRECT, 0);
		asm volatile("jmp *%0" ::"r"(0x123456789000ul));
	} else if (option("gdt")) {
		load_gdt(DIRECT + BEYOND, 0x7f);
		asm volatile("int3");
	} else if (option("gdt-unmapped")) {
		load_gdt(0xffffa00000000000ul, 0x7f);
		asm volatile("mov %0, %%ds" ::"r"(0x18));
	} else if (option("cr3")) {
		write_cr3(BEYOND);
	} else if (option("table")) {
		pgd[511] = BEYOND | PTE_P | PTE_W;
		write_cr3(kernel_pgd);
	} else if (option("self")) {
		for (u32 i = 0; i < 512; i++)
			pgd[i] = kernel_pgd | PTE_P | PTE_W;
		write_cr3(kernel_pgd);
	} else if (option("apic")) {
		wrmsr(0x8ff, 1);
	} else if (option("deadlock"))
		asm volatile("cli; hlt");
}

struct scenario { const char *name; void (*run)(void); };
static const struct scenario scenarios[] = {
	{ "ipi", scenario_ipi },
	{ "ct-word", scenario_ct_word },
	{ "ct-set", scenario_ct_set },
	{ "ct-race", scenario_ct_race },
	{ "ct-coalesce", scenario_ct_coalesce },
	{ "flush-threshold", scenario_flush_threshold },
	{ "text-poke", scenario_text_poke },
	{ "round-trips", scenario_round_trips },
	{ "switch", scenario_switch },
	{ "vunmap", scenario_vunmap },
	{ "early", scenario_early },
	{ "user-read", scenario_user_read },
	{ "static-key", scenario_static_key },
	{ "slots", scenario_slots },
	{ "ltr", scenario_ltr },
	{ "die", scenario_die },
	{ "free-table", scenario_free_table },
	{ "user-copy", scenario_user_copy },
	{ "entry-walk", scenario_entry_walk },
};

void run_scenario(void)
{
	u32 ran = 0;

	for (u32 i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
		if (option(scenarios[i].name)) {
			scenarios[i].run();
			ran++;
		}
	if (!ran) {
		kprintf("%u CPUs are there; name a scenario:", (u64)nr_cpus);
		for (u32 i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
			kprintf(" %s", scenarios[i].name);
		kprintf("\n");
	}
	done(0);
}
