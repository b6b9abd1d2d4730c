// The functions that programs call instead of the kernel: time, the CPU's number, and getrandom's first question.
// What they need stands in the page before the image; RDTSC counts the nanoseconds of virtual time.
typedef unsigned long u64;
typedef long s64;
typedef unsigned int u32;

struct timespec {
  s64 seconds, nanoseconds;
};
struct timeval {
  s64 seconds, microseconds;
};
struct data {
  u64 slept;  // virtual time is the counter and this
  u64 epoch;  // wall-clock time at the start, nanoseconds
  u32 usable; // 0: time is the host's, ask the kernel
  u32 rdtscp; // 0: this CPU has no RDTSCP, ask the kernel
};
extern const struct data vvar __attribute__((visibility("hidden")));

enum { SECOND = 1000000000, COARSE = 4000000 };

static inline s64 ask(u64 number, u64 a, u64 b, u64 c) {
  s64 result;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

static inline u64 monotonic(void) {
  u32 low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return ((u64)high << 32 | low) + *(volatile const u64 *)&vvar.slept;
}

int __vdso_clock_gettime(int clock, struct timespec *out) {
  u64 time;
  if (!vvar.usable) return ask(228, clock, (u64)out, 0);
  time = monotonic();
  switch (clock) {
    case 0: case 8: case 11: // REALTIME, REALTIME_ALARM, TAI
      time += vvar.epoch;
      break;
    case 5: // REALTIME_COARSE
      time += vvar.epoch;
      time -= time % COARSE;
      break;
    case 6: // MONOTONIC_COARSE
      time -= time % COARSE;
      break;
    case 1: case 4: case 7: case 9: // MONOTONIC, MONOTONIC_RAW, BOOTTIME, BOOTTIME_ALARM
      break;
    default:
      return ask(228, clock, (u64)out, 0);
  }
  out->seconds = time / SECOND;
  out->nanoseconds = time % SECOND;
  return 0;
}

int __vdso_clock_getres(int clock, struct timespec *out) { return ask(229, clock, (u64)out, 0); }

int __vdso_gettimeofday(struct timeval *out, void *zone) {
  if (!vvar.usable || zone) return ask(96, (u64)out, (u64)zone, 0);
  if (out) {
    u64 time = monotonic() + vvar.epoch;
    out->seconds = time / SECOND;
    out->microseconds = time % SECOND / 1000;
  }
  return 0;
}

s64 __vdso_time(s64 *out) {
  if (!vvar.usable) return ask(201, (u64)out, 0, 0);
  s64 time = (monotonic() + vvar.epoch) / SECOND;
  if (out) *out = time;
  return time;
}

int __vdso_getcpu(u32 *cpu, u32 *node, void *unused) {
  u32 low, high, number;
  (void)unused;
  if (!vvar.rdtscp) return ask(309, (u64)cpu, (u64)node, 0);
  __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(number));
  if (cpu) *cpu = number & 0xfff;
  if (node) *node = number >> 12;
  return 0;
}

struct parameters {
  u32 state_bytes, mmap_protection, mmap_flags, reserved[13];
};
s64 __vdso_getrandom(void *buffer, u64 length, u32 flags, struct parameters *state, u64 state_bytes) {
  if (state_bytes == ~0ul && !buffer && !length && !flags) {
    *state = (struct parameters){.state_bytes = 144, .mmap_protection = 3, .mmap_flags = 0x22};
    return 0;
  }
  return ask(318, (u64)buffer, length, flags);
}

#define ALIAS(name) extern __typeof__(__vdso_##name) name __attribute__((weak, alias("__vdso_" #name)))
ALIAS(clock_gettime);
ALIAS(clock_getres);
ALIAS(gettimeofday);
ALIAS(time);
ALIAS(getcpu);
ALIAS(getrandom);
