// Sockets inside one machine: pairs, streams and datagrams by name and by port, files passed along, shut-downs, errors.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void *echo(void *listener) {
  for (int n = 0; n < 3; n++) {
    int fd = accept(*(int *)listener, NULL, NULL);
    char text[64];
    ssize_t got;
    while ((got = read(fd, text, sizeof text)) > 0) {
      for (ssize_t i = 0; i < got; i++) text[i] ^= 0x20;
      write(fd, text, got);
    }
    close(fd);
  }
  return NULL;
}

static void talk(const char *what, int family, struct sockaddr *address, socklen_t length) {
  int fd = socket(family, SOCK_STREAM, 0);
  char text[64] = {0};
  printf("%s connect %d", what, connect(fd, address, length));
  send(fd, "hello", 5, 0);
  ssize_t got = recv(fd, text, sizeof text, MSG_WAITALL & 0);
  printf(" got %zd %s", got, text);
  shutdown(fd, SHUT_WR);
  printf(" end %zd\n", read(fd, text, sizeof text));
  close(fd);
}

static void pass(int socket, int file) {
  char control[CMSG_SPACE(sizeof(int))], byte = 'f';
  struct iovec vector = {&byte, 1};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &file, sizeof file);
  printf("pass %zd\n", sendmsg(socket, &message, 0));
}

static int take(int socket) {
  char control[CMSG_SPACE(sizeof(int))], byte = 0;
  struct iovec vector = {&byte, 1};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  int file = -1;
  printf("take %zd %c", recvmsg(socket, &message, 0), byte);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header) memcpy(&file, CMSG_DATA(header), sizeof file);
  printf(" %d %d\n", header && header->cmsg_type == SCM_RIGHTS, file >= 0);
  return file;
}

int main(void) {
  int pair[2], ends[2], status;
  char text[64];
  setvbuf(stdout, NULL, _IONBF, 0);
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  write(pair[0], "abc", 3);
  write(pair[0], "def", 3);
  printf("stream %zd", read(pair[1], text, sizeof text));
  send(pair[1], "xyz", 3, 0);
  printf(" peek %zd", recv(pair[0], text, 2, MSG_PEEK));
  printf(" %zd\n", recv(pair[0], text, 64, 0));
  printf("nothing %d\n", recv(pair[0], text, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
  pipe(ends);
  pass(pair[0], ends[1]);
  int passed = take(pair[1]);
  write(passed, "through", 7);
  memset(text, 0, sizeof text);
  ssize_t came = read(ends[0], text, 64);
  printf("passed %zd %s\n", came, text);
  struct pollfd fds = {pair[0], POLLIN | POLLRDHUP, 0};
  close(pair[1]);
  printf("poll %d", poll(&fds, 1, 0));
  printf(" %x\n", fds.revents);
  signal(SIGPIPE, SIG_IGN);
  printf("closed %zd", read(pair[0], text, 1));
  printf(" %d\n", write(pair[0], "x", 1) == -1 && errno == EPIPE);
  close(pair[0]);

  socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
  send(pair[0], "one", 3, 0);
  send(pair[0], "three", 5, 0);
  printf("packets %zd", recv(pair[1], text, 64, 0));
  printf(" %zd", recv(pair[1], text, 2, MSG_TRUNC));
  printf(" %d\n", recv(pair[1], text, 2, MSG_DONTWAIT) == -1 && errno == EAGAIN);

  struct sockaddr_un name = {AF_UNIX, "/tmp/swapgs-test-socket"};
  unlink(name.sun_path);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  printf("refused %d", connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&name, sizeof name) == -1 && errno == ENOENT);
  printf(" bind %d", bind(listener, (void *)&name, sizeof name));
  printf(" %d", connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&name, sizeof name) == -1 && errno == ECONNREFUSED);
  printf(" again %d", bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&name, sizeof name) == -1 && errno == EADDRINUSE);
  printf(" listen %d\n", listen(listener, 4));
  pthread_t thread;
  pthread_create(&thread, NULL, echo, &listener);
  for (int i = 0; i < 3; i++) talk("unix", AF_UNIX, (void *)&name, sizeof name);
  pthread_join(thread, NULL);
  unlink(name.sun_path);

  int tcp = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in port = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}};
  bind(tcp, (void *)&port, sizeof port);
  listen(tcp, 5);
  socklen_t length = sizeof port;
  getsockname(tcp, (void *)&port, &length);
  printf("port %d length %d\n", ntohs(port.sin_port) > 1024, length);
  pid_t child = fork();
  if (child == 0) {
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    int fd = accept4(tcp, (void *)&from, &size, SOCK_CLOEXEC);
    long sum = 0;
    for (ssize_t got; (got = read(fd, text, sizeof text)) > 0;) sum += got;
    dprintf(fd, "%ld from %s", sum, inet_ntoa(from.sin_addr));
    _exit(0);
  }
  int client = socket(AF_INET, SOCK_STREAM, 0);
  printf("tcp %d\n", connect(client, (void *)&port, sizeof port));
  static char big[1 << 20];
  printf("sent %zd", write(client, big, sizeof big));
  printf(" %zd\n", send(client, big, sizeof big, 0));
  shutdown(client, SHUT_WR);
  memset(text, 0, sizeof text);
  came = read(client, text, sizeof text);
  printf("counted %zd %s\n", came, text);
  waitpid(child, &status, 0);
  close(tcp);
  printf("nobody %d\n", connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&port, sizeof port) == -1 && errno == ECONNREFUSED);

  int udp[2];
  struct sockaddr_in places[2];
  for (int i = 0; i < 2; i++) {
    udp[i] = socket(AF_INET, SOCK_DGRAM, 0);
    places[i] = (struct sockaddr_in){AF_INET, 0, {htonl(INADDR_LOOPBACK)}};
    bind(udp[i], (void *)&places[i], sizeof places[i]);
    length = sizeof places[i];
    getsockname(udp[i], (void *)&places[i], &length);
  }
  sendto(udp[0], "datagram", 8, 0, (void *)&places[1], sizeof places[1]);
  struct sockaddr_in from;
  length = sizeof from;
  printf("udp %zd", recvfrom(udp[1], text, 64, 0, (void *)&from, &length));
  printf(" from %d\n", from.sin_port == places[0].sin_port);
  int type;
  length = sizeof type;
  getsockopt(udp[0], SOL_SOCKET, SO_TYPE, &type, &length);
  printf("type %d domain %d\n", type, socket(999, SOCK_STREAM, 0) == -1 && errno == EAFNOSUPPORT);
  printf("no socket %d\n", send(ends[0], "x", 1, 0) == -1 && errno == ENOTSOCK);
  return 0;
}
