// Time and the CPU's number from the vDSO, against the system calls.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long nanoseconds(struct timespec t) { return t.tv_sec * 1000000000L + t.tv_nsec; }

int main(void) {
  static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE};
  for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
    struct timespec before, between, after;
    syscall(SYS_clock_gettime, clocks[i], &before);
    int result = clock_gettime(clocks[i], &between);
    syscall(SYS_clock_gettime, clocks[i], &after);
    printf("clock %d: %d in order %d\n", clocks[i], result,
           nanoseconds(before) <= nanoseconds(between) && nanoseconds(between) <= nanoseconds(after));
  }
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  usleep(20000);
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("slept %d\n", nanoseconds(end) - nanoseconds(start) >= 20000000);
  struct timeval now;
  gettimeofday(&now, NULL);
  printf("seconds %d\n", time(NULL) - now.tv_sec <= 1);
  unsigned cpu = 77, node = 77;
  syscall(SYS_getcpu, &cpu, &node, NULL);
  printf("cpu %d node %u\n", sched_getcpu() >= 0 && cpu < 64, node);
  printf("bad clock %d\n", clock_gettime(99, &end));
  const char *image = (const char *)getauxval(AT_SYSINFO_EHDR);
  printf("image %d\n", image && !memcmp(image, "\177ELF", 4));
  return 0;
}
