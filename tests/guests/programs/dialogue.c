// Runs a program under a terminal of its own: dialogue EXPECTED TYPED ... -- PROGRAM ARGUMENTS
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **arguments) {
  int master = posix_openpt(O_RDWR | O_NOCTTY), at = 1;
  char name[64], got[65536];
  unlockpt(master);
  ptsname_r(master, name, sizeof name);
  int dashes = 1;
  while (strcmp(arguments[dashes], "--")) dashes++;
  struct winsize size = {24, 80, 0, 0};
  ioctl(master, TIOCSWINSZ, &size);
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    int slave = open(name, O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(slave, fd);
    if (slave > 2) close(slave);
    close(master);
    execv(arguments[dashes + 1], arguments + dashes + 1);
    _exit(127);
  }
  size_t length = 0, from = 0;
  ssize_t n;
  while (length < sizeof got - 1 && (n = read(master, got + length, 1)) > 0) {
    got[++length] = 0;
    if (at + 1 >= dashes || !strstr(got + from, arguments[at])) continue;
    from = length;
    write(master, arguments[at + 1], strlen(arguments[at + 1]));
    at += 2;
  }
  int status;
  waitpid(pid, &status, 0);
  fwrite(got, 1, length, stdout);
  printf("\nleft %d, status %x\n", dashes - at, status);
  return 0;
}
