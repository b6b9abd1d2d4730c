/* Code that is patched while others run it: INT3 first, the tail, then the first byte; everybody synchronises in between. */
#include "kernel.h"

static struct { u8 *volatile at; u8 bytes[8]; volatile u32 length; } poke;
/* For a look at what goes wrong: bits of steps without synchronisation. */
u32 poke_steps_left_out;

noinstr void do_sync_core(void *info)
{
	(void)info;
	this_cpu->nr_sync++;
	sync_core();
}

static int needs_sync_ipi(u32 cpu) { return !ct_set_cpu_work(cpu, WORK_SYNC); }

static void sync_all(u32 step)
{
	if (poke_steps_left_out >> step & 1) {
		/* Nobody is told; time passes all the same. */
		for (u32 n = 0; n < 60; n++)
			cpu_relax();
		return;
	}
	smp_call_function_many_cond(others(), do_sync_core, 0, opt_defer ? needs_sync_ipi : 0);
	do_sync_core(0);
}

static void store(u8 *at, u8 byte) { *(volatile u8 *)direct(phys(at)) = byte; }

noinline void text_poke_bp(u8 *at, const u8 *bytes, u32 length)
{
	for (u32 i = 0; i < length; i++)
		poke.bytes[i] = bytes[i];
	poke.length = length;
	__atomic_store_n(&poke.at, at, __ATOMIC_RELEASE);
	store(at, 0xcc);
	sync_all(1);
	for (u32 i = 1; i < length; i++)
		store(at + i, bytes[i]);
	sync_all(2);
	store(at, bytes[0]);
	sync_all(3);
	poke.at = 0;
}

static int system_running(void) { return percpus[0].online; }

extern struct jump_entry __start___jump_table[], __stop___jump_table[];
extern struct static_key __start_ro_after_init[], __end_ro_after_init[];

/* While nobody else runs. */
void text_poke_early(u8 *at, const u8 *bytes, u32 length)
{
	for (u32 i = 0; i < length; i++)
		store(at + i, bytes[i]);
	sync_core();
}

static void enable_site(const struct jump_entry *entry)
{
	u8 *site = (u8 *)&entry->code + entry->code, *target = (u8 *)&entry->target + entry->target;
	u8 jump[5] = { 0xe9 };
	int distance = target - (site + sizeof jump);

	__builtin_memcpy(jump + 1, &distance, sizeof distance);
	if (system_running())
		text_poke_bp(site, jump, sizeof jump);
	else
		text_poke_early(site, jump, sizeof jump);
}

/* Its no-ops become jumps. Keys that are read-only behind the start can only be set before. */
int static_key_enable(struct static_key *key)
{
	if (key->enabled || (system_running() && key >= __start_ro_after_init && key < __end_ro_after_init))
		return key->enabled;
	for (const struct jump_entry *entry = __start___jump_table; entry < __stop___jump_table; entry++)
		if ((((u64)&entry->key + entry->key) & ~(u64)KEY_FLAGS) == (u64)key)
			enable_site(entry);
	key->enabled = 1;
	return 1;
}

/* A CPU that has met the INT3 does what the new instruction would. */
int poke_int3(struct regs *regs)
{
	u8 *at = (u8 *)regs->rip - 1;

	if (poke.at != at)
		return 0;
	switch (poke.bytes[0]) {
	case 0xe8:
		regs->rsp -= 8;
		*(u64 *)regs->rsp = (u64)at + 5;
		/* fall through */
	case 0xe9:
		regs->rip = (u64)at + 5 + *(int *)(poke.bytes + 1);
		return 1;
	case 0xeb:
		regs->rip = (u64)at + 2 + (signed char)poke.bytes[1];
		return 1;
	default: /* a no-op */
		regs->rip = (u64)at + poke.length;
		return 1;
	}
}
