// fork, vfork, wait, pipes, process groups, sessions and exec.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int global = 1;
static void say(const char *what, int status) {
  if (WIFEXITED(status)) printf("%s: exited %d\n", what, WEXITSTATUS(status));
  else if (WIFSIGNALED(status)) printf("%s: signal %d\n", what, WTERMSIG(status));
  else if (WIFSTOPPED(status)) printf("%s: stopped %d\n", what, WSTOPSIG(status));
  else if (WIFCONTINUED(status)) printf("%s: continued\n", what);
}

static char stack[65536];
static int cloned(void *argument) {
  *(int *)argument += 5;
  return 9;
}

int main(int argc, char **argv) {
  int status;
  setvbuf(stdout, NULL, _IONBF, 0);
  if (argc > 1 && !strcmp(argv[1], "exec")) {
    printf("executed %s %s fd9 %d\n", argv[2], getenv("WORD"), fcntl(9, F_GETFD));
    return 42;
  }
  printf("no child %d\n", wait(&status) == -1 && errno == ECHILD);

  pid_t child = fork();
  if (child == 0) {
    global = 2;
    _exit(7);
  }
  printf("waited %d\n", waitpid(child, &status, 0) == child);
  say("fork", status);
  printf("global %d\n", global);

  int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *shared = *private = 1;
  if ((child = fork()) == 0) {
    ++*shared;
    ++*private;
    raise(SIGKILL);
  }
  waitpid(child, &status, 0);
  say("killed", status);
  printf("shared %d private %d\n", *shared, *private);

  int ends[2];
  pipe(ends);
  if ((child = fork()) == 0) {
    close(ends[0]);
    for (int i = 0; i < 20000; i++) write(ends[1], "0123456789", 10);
    _exit(0);
  }
  close(ends[1]);
  long total = 0;
  char buffer[4096];
  for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;) total += got;
  close(ends[0]);
  waitpid(child, &status, 0);
  printf("piped %ld\n", total);

  pipe(ends);
  close(ends[0]);
  if ((child = fork()) == 0) {
    write(ends[1], "x", 1);
    _exit(1);
  }
  waitpid(child, &status, 0);
  say("broken pipe", status);

  dup2(1, 9);
  fcntl(9, F_SETFD, FD_CLOEXEC);
  if ((child = vfork()) == 0) {
    char *arguments[] = {"self", "exec", "now", NULL}, *environment[] = {"WORD=here", NULL};
    execve("/proc/self/exe", arguments, environment);
    _exit(127);
  }
  waitpid(child, &status, 0);
  say("exec", status);
  if ((child = fork()) == 0) {
    execl("/no/such/program", "x", NULL);
    _exit(errno == ENOENT ? 3 : 4);
  }
  waitpid(child, &status, 0);
  say("no program", status);

  if ((child = fork()) == 0) {
    raise(SIGSTOP);
    usleep(50000);
    _exit(5);
  }
  waitpid(child, &status, WUNTRACED);
  say("stop", status);
  kill(child, SIGCONT);
  waitpid(child, &status, WCONTINUED);
  say("cont", status);
  waitpid(child, &status, 0);
  say("end", status);

  if ((child = fork()) == 0) {
    int ok = setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid();
    _exit(ok ? 11 : 12);
  }
  siginfo_t info;
  waitid(P_PID, child, &info, WEXITED | WNOWAIT);
  printf("waitid %d %d %d\n", info.si_pid == child, info.si_code == CLD_EXITED, info.si_status);
  waitpid(child, &status, 0);
  say("session", status);

  for (int i = 0; i < 3; i++)
    if ((child = fork()) == 0) {
      setpgid(0, 0);
      pause();
    } else {
      setpgid(child, child);
      if (i) kill(child, SIGTERM);
      else kill(-child, SIGHUP);
      waitpid(-child, &status, 0);
      say("group", status);
    }

  int value = 1;
  child = clone(cloned, stack + sizeof stack, CLONE_VM | SIGCHLD, &value);
  waitpid(child, &status, 0);
  say("clone", status);
  printf("value %d\n", value);

  signal(SIGCHLD, SIG_IGN);
  if ((child = fork()) == 0) _exit(1);
  printf("ignored %d\n", waitpid(child, &status, 0) == -1 && errno == ECHILD);
  signal(SIGCHLD, SIG_DFL);

  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if ((child = fork()) == 0) {
    if (fork() == 0) {
      while (getppid() != 1 && getppid() == (pid_t)0) sched_yield();
      usleep(1000);
      _exit(33);
    }
    _exit(0);
  }
  waitpid(child, &status, 0);
  pid_t orphan = wait(&status);
  printf("orphan %d\n", orphan > 0 && orphan != child);
  say("orphan", status);
  return 0;
}
