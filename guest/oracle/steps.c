// Counts the instructions that a program executes, by single-stepping it: steps PROGRAM [ARGS…] prints the count on stderr.
#include <stdio.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  pid_t child = fork();
  if (child == 0) {
    char *env[] = {"PATH=/bin", "HOME=/", 0};
    personality(ADDR_NO_RANDOMIZE);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    execve(argv[1], argv + 1, env);
    _exit(127);
  }
  int status;
  long steps = 0;
  waitpid(child, &status, 0);
  while (WIFSTOPPED(status)) {
    if (ptrace(PTRACE_SINGLESTEP, child, 0, 0) < 0) break;
    if (waitpid(child, &status, 0) < 0) break;
    steps++;
  }
  fprintf(stderr, "%ld\n", steps);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
