// Calls that few programs make: many messages at once, splice and tee, policies, strict seccomp, keys of memory.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *result(long value) {
  static char text[8][32];
  static int next;
  char *out = text[next++ % 8];
  if (value < 0) snprintf(out, 32, "%s", strerrorname_np(errno));
  else snprintf(out, 32, "%ld", value);
  return out;
}
#define R(call) printf("%s %s\n", #call, result(call))

static void messages(void) {
  int pair[2];
  socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
  char text[4][8] = {"one", "three", "", "four"}, got[6][8];
  struct iovec out[4], in[6];
  struct mmsghdr send[4] = {0}, receive[6] = {0};
  for (int i = 0; i < 4; i++) {
    out[i] = (struct iovec){text[i], strlen(text[i])};
    send[i].msg_hdr.msg_iov = &out[i], send[i].msg_hdr.msg_iovlen = 1;
  }
  for (int i = 0; i < 6; i++) {
    in[i] = (struct iovec){got[i], sizeof got[i]};
    receive[i].msg_hdr.msg_iov = &in[i], receive[i].msg_hdr.msg_iovlen = 1;
  }
  printf("sendmmsg %d:", sendmmsg(pair[0], send, 4, 0));
  for (int i = 0; i < 4; i++) printf(" %u", send[i].msg_len);
  printf("\nrecvmmsg %d:", recvmmsg(pair[1], receive, 2, 0, 0));
  for (int i = 0; i < 2; i++) printf(" %.*s", receive[i].msg_len, got[i]);
  printf("\nrecvmmsg %d:", recvmmsg(pair[1], receive, 6, MSG_WAITFORONE, 0));
  for (int i = 0; i < 2; i++) printf(" %.*s", receive[i].msg_len, got[i]);
  struct timespec wrong = {0, 2000000000};
  printf("\n");
  R(recvmmsg(pair[1], receive, 6, MSG_DONTWAIT, 0));
  R(recvmmsg(pair[1], receive, 6, 0, &wrong));
  R(recvmmsg(pair[1], receive, 0, 0, 0));
  R(sendmmsg(open("/dev/null", O_RDWR), send, 1, 0));
  if (fork() == 0) {
    for (int i = 0; i < 3; i++) usleep(2000), sendmmsg(pair[0], send, 1, 0);
    _exit(0);
  }
  R(recvmmsg(pair[1], receive, 3, 0, 0));
  wait(0);
}

static void splicing(void) {
  int a[2], b[2], file = memfd_create("f", 0);
  char got[64];
  pipe(a), pipe(b);
  write(file, "0123456789", 10);
  loff_t at = 2;
  R(splice(file, &at, a[1], 0, 5, 0));
  printf("at %ld\n", (long)at);
  R(tee(a[0], b[1], 3, 0));
  R(read(b[0], got, sizeof got));
  printf("%.3s\n", got);
  R(splice(a[0], 0, b[1], 0, 4, 0));
  at = 20;
  R(splice(b[0], 0, file, &at, 64, 0));
  R(lseek(file, 0, SEEK_END));
  R(pread(file, got, 4, 20));
  printf("%.4s at %ld\n", got, (long)at);
  R(read(a[0], got, sizeof got));
  R(splice(a[0], 0, file, 0, 5, SPLICE_F_NONBLOCK));
  R(splice(a[0], &at, file, 0, 5, 0));
  R(splice(file, 0, file, 0, 5, 0));
  R(splice(a[0], 0, a[1], 0, 5, 0));
  R(splice(a[1], 0, file, 0, 5, 0));
  R(splice(a[0], 0, file, 0, 5, 64));
  R(splice(a[0], 0, file, 0, 0, 0));
  R(tee(a[0], a[1], 5, 0));
  R(tee(file, a[1], 5, 0));
  R(tee(a[0], b[1], 5, SPLICE_F_NONBLOCK));
  if (fork() == 0) {
    usleep(2000);
    write(a[1], "late", 4);
    _exit(0);
  }
  R(splice(a[0], 0, b[1], 0, 64, 0));
  wait(0);
  close(a[1]);
  R(splice(a[0], 0, b[1], 0, 64, 0));
  signal(SIGPIPE, SIG_IGN);
  close(b[0]);
  R(splice(file, &at, b[1], 0, 1, 0));
  R(sync_file_range(file, 0, 10, 7));
  R(sync_file_range(file, 0, 10, 8));
  R(sync_file_range(file, -1, 10, 0));
  R(sync_file_range(a[0], 0, 10, 0));
}

struct attr {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t least, most;
};

static void scheduling(void) {
  struct sched_param zero = {0}, one = {1};
  struct timespec slice;
  struct attr attr = {0};
  R(sched_getscheduler(0));
  R(sched_setparam(0, &zero));
  R(sched_setparam(0, &one));
  R(sched_setparam(0, 0));
  R(sched_setparam(-1, &zero));
  R(sched_setparam(999999, &zero));
  R(sched_setscheduler(0, SCHED_BATCH, &zero));
  R(sched_getscheduler(0));
  R(sched_setscheduler(0, SCHED_BATCH, &one));
  R(sched_setscheduler(0, 4, &zero));
  R(sched_setscheduler(0, 77, &zero));
  R(sched_setscheduler(0, SCHED_FIFO, &zero));
  R(syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0));
  printf("%u %u %d %u\n", attr.size, attr.policy, attr.nice, attr.priority);
  attr.nice = 5;
  R(syscall(SYS_sched_setattr, 0, &attr, 0));
  R(syscall(SYS_sched_getattr, 0, &attr, 48, 0));
  printf("%u %u %d %u\n", attr.size, attr.policy, attr.nice, attr.priority);
  R(syscall(SYS_sched_getattr, 0, &attr, 47, 0));
  R(syscall(SYS_sched_getattr, 0, &attr, 48, 1));
  R(syscall(SYS_sched_getattr, 0, 0, 48, 0));
  attr.size = 40;
  R(syscall(SYS_sched_setattr, 0, &attr, 0));
  printf("%u\n", attr.size);
  R(syscall(SYS_sched_setattr, 0, &attr, 1));
  R(sched_rr_get_interval(0, &slice));
  R(sched_rr_get_interval(-1, &slice));
  R(sched_rr_get_interval(999999, &slice));
  R(syscall(SYS_ioprio_set, 1, 0, (2 << 13) | 3));
  R(syscall(SYS_ioprio_get, 1, 0));
  R(syscall(SYS_ioprio_set, 1, 0, (2 << 13) | 8));
  R(syscall(SYS_ioprio_set, 1, 0, (4 << 13)));
  R(syscall(SYS_ioprio_set, 1, 0, 3));
  R(syscall(SYS_ioprio_set, 4, 0, 0));
  R(syscall(SYS_ioprio_get, 0, 0));
  R(syscall(SYS_ioprio_get, 1, 999999));
}

static void rights(void) {
  uint32_t header[2] = {7, 0}, data[6];
  R(syscall(SYS_capget, header, data));
  printf("%x\n", header[0]);
  R(syscall(SYS_capget, header, data));
  header[1] = -1;
  R(syscall(SYS_capget, header, data));
  header[1] = 999999;
  R(syscall(SYS_capget, header, data));
  R(syscall(SYS_capset, header, data));
  header[1] = 0;
  memset(data, 0, sizeof data);
  R(syscall(SYS_capset, header, data));
  data[0] = 1;
  R(syscall(SYS_capset, header, data));
  R(syscall(SYS_seccomp, 0, 1, 0));
  R(syscall(SYS_seccomp, 9, 0, 0));
  R(prctl(PR_SET_SECCOMP, 5, 0, 0, 0));
  int status;
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    write(1, "strict\n", 7);
    syscall(SYS_exit, 3);
  }
  waitpid(pid, &status, 0);
  printf("%x\n", status);
  fflush(stdout);
  pid = fork();
  if (pid == 0) {
    syscall(SYS_seccomp, 0, 0, 0);
    getpid();
    _exit(3);
  }
  waitpid(pid, &status, 0);
  printf("%x\n", status);
  char *page = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  R(pkey_mprotect(page, 4096, PROT_READ | PROT_WRITE, -1));
  *page = 1;
  R(pkey_mprotect(page, 4096, PROT_READ, 12));
  R(pkey_alloc(1, 0));
  R(pkey_alloc(0, 4));
  R(pkey_free(12));
}

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  messages();
  splicing();
  scheduling();
  rights();
  return 0;
}
