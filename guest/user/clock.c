/* Every way to ask for the time, and a short sleep; what is printed does not depend on the time. */
#include <stdio.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

static long long now(clockid_t id) {
  struct timespec t;
  if (clock_gettime(id, &t)) return -1;
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int main(void) {
  long long before = now(CLOCK_MONOTONIC), real = now(CLOCK_REALTIME);
  struct timespec short_time = {0, 2000000};
  printf("sleep %d\n", nanosleep(&short_time, NULL));
  long long after = now(CLOCK_MONOTONIC);
  printf("slept at least 2 ms: %d\n", after - before >= 2000000);
  struct timeval tv;
  int error = gettimeofday(&tv, NULL);
  printf("gettimeofday %d, %d\n", error, tv.tv_sec >= real / 1000000000);
  printf("time %d\n", time(NULL) >= real / 1000000000);
  printf("clock %d, times %d\n", clock() != (clock_t)-1, times(&(struct tms){0}) != (clock_t)-1);
  printf("process time %d\n", now(CLOCK_PROCESS_CPUTIME_ID) >= 0);
  struct timespec resolution;
  error = clock_getres(CLOCK_MONOTONIC, &resolution);
  printf("resolution %d\n", error == 0 && resolution.tv_sec == 0);
  time_t fixed = 1234567890;
  char text[64];
  strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %j %a", gmtime(&fixed));
  printf("%s\n", text);
  struct tm leap = {.tm_year = 100, .tm_mon = 1, .tm_mday = 29, .tm_hour = 12};
  printf("%lld\n", (long long)mktime(&leap) % 86400);
  return 0;
}
