// A terminal of one's own: line editing, echo, signals, job control, sizes, hanging up.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master;

/* Everything up to and with `end`, control characters written out. */
static void expect(const char *end) {
  char got[4096];
  size_t length = 0;
  while (length < sizeof got - 1) {
    ssize_t n = read(master, got + length, 1);
    if (n <= 0) {
      snprintf(got + length, sizeof got - length, "<%s>", n == 0 ? "end" : strerrorname_np(errno));
      length = strlen(got);
      break;
    }
    length++;
    got[length] = 0;
    if (length >= strlen(end) && !strcmp(got + length - strlen(end), end)) break;
  }
  got[length] = 0;
  for (const char *c = got; *c; c++)
    if (*c == '\r') printf("\\r");
    else if (*c == '\n') printf("\\n");
    else if (*c < 32) printf("\\%d", *c);
    else putchar(*c);
  putchar('\n');
  fflush(stdout);
}

static void type(const char *text) { write(master, text, strlen(text)); }

static volatile sig_atomic_t caught;
static void handler(int signal) { caught = signal; }

static void say(const char *text) { write(1, text, strlen(text)); }

static void waitSignal(const char *ready) {
  sigset_t all, old;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &old);
  caught = 0;
  say(ready);
  sigdelset(&all, SIGINT);
  sigdelset(&all, SIGQUIT);
  sigdelset(&all, SIGTSTP);
  sigdelset(&all, SIGWINCH);
  sigdelset(&all, SIGHUP);
  while (!caught) sigsuspend(&all);
  sigprocmask(SIG_SETMASK, &old, 0);
  char text[64];
  snprintf(text, sizeof text, "signal %d\n", caught);
  say(text);
}

static void line(const char *prompt) {
  char buffer[256], text[600] = "[";
  say(prompt);
  ssize_t n = read(0, buffer, sizeof buffer);
  for (ssize_t i = 0; i < n; i++) sprintf(text + strlen(text), buffer[i] >= 32 ? "%c" : "(%d)", buffer[i]);
  sprintf(text + strlen(text), "] %zd\n", n);
  say(text);
}

static void child(const char *name) {
  char text[256];
  setsid();
  int tty = open("/dev/tty", O_RDWR);
  int error = errno;
  int slave = open(name, O_RDWR | O_NOCTTY);
  int before = tcgetpgrp(slave);
  int wrong = errno;
  int control = ioctl(slave, TIOCSCTTY, 0);
  dup2(slave, 0);
  dup2(slave, 1);
  dup2(slave, 2);
  if (slave > 2) close(slave);
  snprintf(text, sizeof text, "tty %d %s, group %d %s, control %d, mine %d %d, isatty %d\n", tty,
           strerrorname_np(error), before, strerrorname_np(wrong), control, tcgetpgrp(0) == getpid(),
           tcgetsid(0) == getpid(), isatty(0));
  say(text);
  struct sigaction action = {.sa_handler = handler};
  for (int signal = 1; signal < 32; signal++)
    if (signal == SIGINT || signal == SIGQUIT || signal == SIGTSTP || signal == SIGWINCH || signal == SIGHUP)
      sigaction(signal, &action, 0);

  line("line> ");
  line("edit> ");
  line("kill> ");
  line("word> ");
  line("literal> ");
  line("end> ");
  line("part> ");
  line("rest> ");
  waitSignal("int> ");
  waitSignal("quit> ");
  waitSignal("stop> ");
  waitSignal("size> ");
  struct winsize size;
  ioctl(0, TIOCGWINSZ, &size);
  snprintf(text, sizeof text, "%d x %d\n", size.ws_row, size.ws_col);
  say(text);

  struct termios old, raw;
  tcgetattr(0, &old);
  snprintf(text, sizeof text, "%x %x %x %x\n", old.c_iflag, old.c_oflag, old.c_cflag, old.c_lflag);
  say(text);
  raw = old;
  raw.c_lflag &= ~ECHO;
  tcsetattr(0, TCSAFLUSH, &raw);
  line("secret> ");
  cfmakeraw(&raw);
  raw.c_cc[VMIN] = 3;
  tcsetattr(0, TCSANOW, &raw);
  line("raw> ");
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 1;
  tcsetattr(0, TCSANOW, &raw);
  line("time> ");
  tcsetattr(0, TCSADRAIN, &old);

  /* Job control: a background child stops when it reads, and its write passes. */
  signal(SIGTTOU, SIG_IGN);
  pid_t job = fork();
  if (job == 0) {
    setpgid(0, 0);
    signal(SIGTTOU, SIG_DFL);
    say("background\n");
    char c;
    ssize_t n = read(0, &c, 1);
    snprintf(text, sizeof text, "job read %zd '%c'\n", n, c);
    say(text);
    _exit(5);
  }
  setpgid(job, job);
  int status;
  waitpid(job, &status, WUNTRACED);
  snprintf(text, sizeof text, "stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
  say(text);
  snprintf(text, sizeof text, "foreground %d\n", tcsetpgrp(0, job));
  say(text);
  kill(-job, SIGCONT);
  waitpid(job, &status, WUNTRACED);
  snprintf(text, sizeof text, "exit %d, back %d\n", WEXITSTATUS(status), tcsetpgrp(0, getpid()));
  say(text);
  int again = open("/dev/tty", O_RDWR);
  write(again, "through /dev/tty\n", 17);
  int nobody = tcsetpgrp(0, 30000);
  snprintf(text, sizeof text, "nobody %d %s\n", nobody, strerrorname_np(errno));
  say(text);
  line("last> ");
  waitSignal("hang up> ");
  _exit(3);
}

int main(void) {
  master = posix_openpt(O_RDWR | O_NOCTTY);
  grantpt(master);
  char name[64];
  ptsname_r(master, name, sizeof name);
  int opened = open(name, O_RDWR | O_NOCTTY);
  printf("%.9s locked %d %s\n", name, opened, strerrorname_np(errno));
  unlockpt(master);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    close(master);
    /* Nothing of it may appear twice: the report goes to the terminal. */
    int out = dup(1);
    fcntl(out, F_SETFD, FD_CLOEXEC);
    child(name);
  }
  expect("isatty 1\r\n");
  expect("line> "), type("hello\r"), expect("6\r\n");
  expect("edit> "), type("abx\177\001\177c\n"), expect("4\r\n");
  expect("kill> "), type("gone\025new\n"), expect("4\r\n");
  expect("word> "), type("one two\027three\n"), expect("10\r\n");
  expect("literal> "), type("\026\003x\n"), expect("3\r\n");
  expect("end> "), type("\004"), expect("0\r\n");
  expect("part> "), type("par\004"), expect("3\r\n");
  expect("rest> "), type("t\n"), expect("2\r\n");
  expect("int> "), type("\003"), expect("signal 2\r\n");
  expect("quit> "), type("\034"), expect("signal 3\r\n");
  expect("stop> "), type("\032"), expect("signal 20\r\n");
  expect("size> ");
  struct winsize size = {33, 111, 0, 0};
  ioctl(master, TIOCSWINSZ, &size);
  expect("signal 28\r\n"), expect("111\r\n"), expect("\r\n");
  expect("secret> "), type("unseen\n"), expect("7\r\n");
  expect("raw> "), type("\003\r"), type("z"), expect("3\n");
  expect("time> "), expect("0\n");
  expect("background\r\n"), expect("by 21\r\n"), expect("foreground 0\r\n");
  type("j\n");
  expect("job read 1 'j'\r\n"), expect("back 0\r\n");
  expect("tty\r\n"), expect("nobody"), expect("\r\n");
  /* The job has left the end of its line. */
  expect("last> "), expect("1\r\n");
  expect("hang up> ");
  struct pollfd event = {master, POLLIN | POLLOUT};
  int ready = poll(&event, 1, 0);
  printf("poll %d %x\n", ready, event.revents);
  fflush(stdout);
  close(master);
  int status;
  waitpid(pid, &status, 0);
  printf("status %x\n", status);
  return 0;
}
