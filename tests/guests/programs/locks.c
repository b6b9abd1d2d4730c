// Locks on files among processes: ranges, kinds, waiting, deadlock, open files, flock.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];
static int up[2], down[2];

static const char *lock(int fd, int command, int type, long start, long length) {
  struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  return fcntl(fd, command, &l) ? strerrorname_np(errno) : "ok";
}

static void ask(int fd, int command, int type, long start, long length, pid_t other) {
  struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  int result = fcntl(fd, command, &l);
  if (result) printf("ask %s\n", strerrorname_np(errno));
  else if (l.l_type == F_UNLCK) printf("ask %ld+%ld: free\n", start, length);
  else
    printf("ask %ld+%ld: %s %ld+%ld by %s\n", start, length, l.l_type == F_WRLCK ? "write" : "read", (long)l.l_start,
           (long)l.l_len, l.l_pid == other ? "the other" : l.l_pid == -1 ? "an open file" : "?");
  fflush(stdout);
}

static void tell(int fd) { write(fd, "x", 1); }
static void hear(int fd) { char c; read(fd, &c, 1); }

static void child(void) {
  int fd = open(path, O_RDWR);
  lock(fd, F_SETLK, F_WRLCK, 10, 10);
  lock(fd, F_SETLK, F_RDLCK, 20, 5);
  lock(fd, F_SETLK, F_WRLCK, 100, 0);
  tell(up[1]), hear(down[0]);
  lock(fd, F_SETLK, F_UNLCK, 13, 4);
  tell(up[1]), hear(down[0]);
  close(open(path, O_RDONLY)); /* lets go of everything */
  tell(up[1]), hear(down[0]);
  lock(fd, F_SETLK, F_WRLCK, 0, 1);
  tell(up[1]);
  lock(fd, F_SETLKW, F_WRLCK, 1, 1); /* the parent has it, and will want ours */
  _exit(7);
}

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  sprintf(path, "/tmp/locks-%d", getpid());
  int fd = open(path, O_RDWR | O_CREAT, 0600);
  pipe(up), pipe(down);
  write(fd, "0123456789", 10);
  pid_t pid = fork();
  if (pid == 0) child();
  hear(up[0]);
  ask(fd, F_GETLK, F_RDLCK, 0, 10, pid);
  ask(fd, F_GETLK, F_RDLCK, 0, 11, pid);
  ask(fd, F_GETLK, F_RDLCK, 20, 5, pid);
  ask(fd, F_GETLK, F_WRLCK, 20, 5, pid);
  ask(fd, F_GETLK, F_WRLCK, 1000, 0, pid);
  printf("%s %s %s\n", lock(fd, F_SETLK, F_WRLCK, 5, 6), lock(fd, F_SETLK, F_RDLCK, 22, 2), lock(fd, F_SETLK, 9, 0, 1));
  printf("%s %s\n", lock(fd, F_SETLK, F_WRLCK, 12, -3), lock(fd, F_SETLK, F_WRLCK, 1, -3));
  tell(down[1]), hear(up[0]);
  ask(fd, F_GETLK, F_WRLCK, 13, 4, pid);
  ask(fd, F_GETLK, F_WRLCK, 12, 4, pid);
  ask(fd, F_GETLK, F_WRLCK, 13, 5, pid);
  tell(down[1]), hear(up[0]);
  ask(fd, F_GETLK, F_WRLCK, 0, 0, pid);
  int only = open(path, O_RDONLY);
  printf("%s\n", lock(only, F_SETLK, F_WRLCK, 0, 1));
  close(only);
  lock(fd, F_SETLK, F_WRLCK, 1, 1);
  tell(down[1]), hear(up[0]);
  usleep(100000);
  printf("deadlock %s\n", lock(fd, F_SETLKW, F_WRLCK, 0, 1));
  printf("unlock %s\n", lock(fd, F_SETLK, F_UNLCK, 0, 0));
  int status;
  waitpid(pid, &status, 0);
  printf("status %x\n", status);

  /* Open files: the same process is another owner. */
  int other = open(path, O_RDWR), same = dup(fd);
  printf("ofd %s %s", lock(fd, F_OFD_SETLK, F_WRLCK, 0, 5), lock(other, F_OFD_SETLK, F_RDLCK, 4, 1));
  printf(" %s", lock(same, F_OFD_SETLK, F_RDLCK, 4, 1));
  printf(" %s\n", lock(other, F_OFD_SETLK, F_RDLCK, 4, 1));
  ask(other, F_OFD_GETLK, F_WRLCK, 0, 3, pid);
  ask(other, F_GETLK, F_WRLCK, 0, 3, pid);
  close(fd);
  printf("%s", lock(other, F_OFD_SETLK, F_WRLCK, 0, 3));
  close(same);
  printf(" %s\n", lock(other, F_OFD_SETLK, F_WRLCK, 0, 3));
  struct flock l = {.l_type = F_RDLCK, .l_pid = 3};
  int result = fcntl(other, F_OFD_SETLK, &l);
  printf("%d %s\n", result, strerrorname_np(errno));

  /* flock(2) sees neither. */
  fd = open(path, O_RDONLY);
  printf("flock %d", flock(fd, LOCK_EX | LOCK_NB));
  result = flock(other, LOCK_SH | LOCK_NB);
  printf(" %d %s", result, strerrorname_np(errno));
  printf(" %d", flock(fd, LOCK_SH));
  printf(" %d", flock(other, LOCK_SH | LOCK_NB));
  result = flock(fd, LOCK_EX | LOCK_NB);
  printf(" %d %s", result, strerrorname_np(errno));
  result = flock(fd, LOCK_NB);
  printf(" %d %s\n", result, strerrorname_np(errno));
  flock(other, LOCK_EX);
  pid = fork();
  if (pid == 0) {
    close(other);
    int mine = open(path, O_RDONLY);
    int first = flock(mine, LOCK_EX | LOCK_NB);
    tell(up[1]);
    _exit(first == -1 && flock(mine, LOCK_EX) == 0 ? 9 : 1);
  }
  hear(up[0]);
  close(other);
  close(fd);
  waitpid(pid, &status, 0);
  printf("status %x\n", status);
  unlink(path);
  return 0;
}
