/* Page tables: the kernel's and, with isolation, the user's in the page behind; vmalloc; TLB shootdown. */
#include "kernel.h"

#define FLUSH_CEILING 33

u64 kernel_pgd;
static u64 next_page;
static u8 user_stacks[MAX_CPUS][0x1000] __attribute__((aligned(4096)));
struct mailbox mailboxes[MAX_CPUS] __attribute__((aligned(4096)));

u64 alloc_page(void)
{
	u64 page = __atomic_fetch_add(&next_page, PAGE, __ATOMIC_RELAXED);

	memset(direct(page), 0, PAGE);
	return page;
}

/* Nobody gets it again but who knows its address; whoever listens is told. */
void free_page(u64 page) { trace(EV_PAGE_FREE, (u64)direct(page), page / PAGE, 0, 0, 0); }

static u64 *walk(u64 pgd, u64 linear, int create, u64 flags)
{
	u64 *table = direct(pgd);

	for (int shift = 39; shift > 12; shift -= 9) {
		u64 *entry = &table[linear >> shift & 511];

		if (!*entry) {
			if (!create)
				return 0;
			*entry = alloc_page() | PTE_P | PTE_W | (flags & PTE_U);
		}
		table = direct(*entry & 0xfffffffff000);
	}
	return &table[linear >> 12 & 511];
}

u64 *pte_of(u64 linear) { return walk(kernel_pgd, linear, 0, 0); }

/* The entry of the page directory that leads to the page table of an address. */
u64 *pde_of(u64 linear)
{
	u64 *table = direct(kernel_pgd);

	for (int shift = 39; shift > 21; shift -= 9)
		table = direct(table[linear >> shift & 511] & 0xfffffffff000);
	return &table[linear >> 21 & 511];
}

/* Has user mode's tables lead to the kernel's for vmalloc memory, as where something of the entry's lies there. */
void share_vmalloc(void)
{
	u64 index = VMALLOC >> 39 & 511, *pgd = direct(kernel_pgd), *user = direct(kernel_pgd + PAGE);

	user[index] = pgd[index];
}

void map_page(u64 linear, u64 physical, u64 flags) { *walk(kernel_pgd, linear, 1, flags) = physical | flags; }

static void map_user(u64 linear, u64 physical, u64 flags)
{
	map_page(linear, physical, flags | PTE_U);
	*walk(kernel_pgd + PAGE, linear, 1, PTE_U) = physical | flags | PTE_U;
}

/* What an entry touches before it has switched CR3. */
static void map_entry(const char *from, const char *to)
{
	for (u64 at = (u64)from & -PAGE; at < (u64)to; at += PAGE)
		*walk(kernel_pgd + PAGE, at, 1, 0) = phys((void *)at) | PTE_P | PTE_W;
}

extern u64 identity[], high[];

void mm_init(void)
{
	u64 *pgd;

	next_page = (phys(kernel_end) + 0x1fff) & -0x2000ul;
	kernel_pgd = alloc_page();
	alloc_page();
	pgd = direct(kernel_pgd);
	pgd[256] = (u64)identity | 3;
	pgd[511] = (u64)high | 3;
	/* Its tables must be there before any CPU copies the entry. */
	walk(kernel_pgd, VMALLOC, 1, 0);
	for (u64 at = 0; at < (u64)(user_end - user_start); at += PAGE)
		map_user(USER_TEXT + at, phys(user_start) + at, PTE_P);
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		map_user(USER_DATA + 0x10000 + cpu * PAGE, phys(user_stacks[cpu]), PTE_P | PTE_W);
	/* A page of the supervisor where Linux has all of memory. */
	map_page(0xffff888000000000, 0, PTE_P | PTE_W);
	map_user(USER_DATA, phys(mailboxes), PTE_P | PTE_W);
	map_entry(entry_start, user_start);
	map_entry(entry_bss_start, entry_bss_end);
}

noinstr void do_flush_tlb_all(void *info)
{
	u64 cr4 = read_cr4();

	(void)info;
	this_cpu->nr_flush++;
	write_cr4(cr4 ^ CR4_PGE);
	write_cr4(cr4);
}

struct range { u64 start, end; };

noinline void do_kernel_range_flush(void *info)
{
	struct range *range = info;

	for (u64 at = range->start; at < range->end; at += PAGE) {
		invlpg(at);
		this_cpu->nr_invlpg++;
	}
}

static int needs_flush_ipi(u32 cpu)
{
	if (opt_v7_flush)
		return __atomic_load_n(&percpus[cpu].kernel_cr3_loaded, __ATOMIC_SEQ_CST) != 0;
	return !ct_set_cpu_work(cpu, WORK_TLBI);
}

/* More pages than the ceiling are not worth one INVLPG each. */
noinline void flush_tlb_kernel_range(u64 start, u64 end)
{
	struct range range = { start, end };
	cond_fn *cond = opt_defer ? needs_flush_ipi : 0;

	if ((end - start) / PAGE > FLUSH_CEILING) {
		smp_call_function_many_cond(others(), do_flush_tlb_all, 0, cond);
		do_flush_tlb_all(0);
	} else {
		smp_call_function_many_cond(others(), do_kernel_range_flush, &range, cond);
		do_kernel_range_flush(&range);
	}
}
