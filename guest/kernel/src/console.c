/* The serial port, the command line, and the way out. */
#include "kernel.h"
#include <stdarg.h>

#define COM1 0x3f8
#define DEBUG_EXIT 0xf4

static volatile u32 console_lock;

static void put(char c) { outb(COM1, c); }

static void number(u64 value, u32 base, u32 width)
{
	char text[24];
	u32 n = 0;

	do {
		text[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n < width)
		text[n++] = '0';
	while (n)
		put(text[--n]);
}

/* %s %u %x %p (16 digits) %c */
void kprintf(const char *format, ...)
{
	va_list args;
	u64 flags = irq_save();

	while (__atomic_exchange_n(&console_lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
	va_start(args, format);
	for (; *format; format++) {
		if (*format != '%') {
			put(*format);
			continue;
		}
		switch (*++format) {
		case 's':
			for (const char *text = va_arg(args, const char *); *text; text++)
				put(*text);
			break;
		case 'u': number(va_arg(args, u64), 10, 0); break;
		case 'x': number(va_arg(args, u64), 16, 0); break;
		case 'p': number(va_arg(args, u64), 16, 16); break;
		case 'c': put(va_arg(args, int)); break;
		}
	}
	va_end(args);
	__atomic_store_n(&console_lock, 0, __ATOMIC_RELEASE);
	irq_restore(flags);
}

void done(u32 value)
{
	outl(DEBUG_EXIT, value);
	for (;;)
		asm volatile("cli; hlt");
}

void *memset(void *at, int byte, u64 size)
{
	void *to = at;

	asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
	return at;
}

int streq(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

extern u32 multiboot_info;

static const char *command_line(void)
{
	u32 *info = direct(*(u32 *)direct((u64)&multiboot_info));

	return info[0] & 4 ? direct(info[4]) : "";
}

/* Behind a word of the command line, or null. */
static const char *find(const char *name)
{
	const char *at = command_line();

	for (;;) {
		const char *word, *want = name;

		while (*at == ' ')
			at++;
		if (!*at)
			return 0;
		for (word = at; *want && *word == *want; word++, want++)
			;
		if (!*want && (*word == ' ' || *word == '=' || !*word))
			return word;
		while (*at && *at != ' ')
			at++;
	}
}

int option(const char *name) { return find(name) != 0; }

u64 option_value(const char *name, u64 otherwise)
{
	const char *text = find(name);
	u64 value = 0;

	if (!text || *text != '=')
		return otherwise;
	while (*++text >= '0' && *text <= '9')
		value = value * 10 + *text - '0';
	return value;
}
