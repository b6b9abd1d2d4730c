// epoll in both ways of triggering, eventfd, timerfd, poll and select among threads.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int ends[2], event;
static sem_t drained;
static void *writer(void *unused) {
  // One edge for each write: the next one waits until the pipe is empty again.
  for (int i = 0; i < 3; i++) {
    usleep(2000);
    write(ends[1], "abc", 3);
    sem_wait(&drained);
  }
  return unused;
}

int main(void) {
  pthread_t thread;
  struct epoll_event ready[4];
  setvbuf(stdout, NULL, _IONBF, 0);
  pipe2(ends, O_NONBLOCK);
  event = eventfd(2, EFD_NONBLOCK);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  printf("add %d", epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &(struct epoll_event){EPOLLIN | EPOLLET, {.u64 = 1}}));
  printf(" %d", epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &(struct epoll_event){EPOLLIN, {.u64 = 1}}) == -1 && errno == EEXIST);
  printf(" %d\n", epoll_ctl(epoll, EPOLL_CTL_MOD, event, &(struct epoll_event){EPOLLIN, {.u64 = 2}}) == -1 && errno == ENOENT);
  printf("none %d\n", epoll_wait(epoll, ready, 4, 1));
  uint64_t value;
  eventfd_read(event, &value);
  printf("event %d again %d\n", (int)value, eventfd_read(event, &value) == -1 && errno == EAGAIN);
  epoll_ctl(epoll, EPOLL_CTL_ADD, event, &(struct epoll_event){EPOLLIN | EPOLLONESHOT, {.u64 = 2}});
  pthread_create(&thread, NULL, writer, NULL);
  int edges = 0, bytes = 0;
  while (bytes < 9) {
    int n = epoll_wait(epoll, ready, 4, -1);
    for (int i = 0; i < n; i++)
      if (ready[i].data.u64 == 1) {
        char buffer[2];
        edges++;
        for (ssize_t got; (got = read(ends[0], buffer, 2)) > 0;) bytes += got;
        sem_post(&drained);
      }
  }
  pthread_join(thread, NULL);
  eventfd_write(event, 5);
  printf("edges %d bytes %d\n", edges, bytes);
  int n = epoll_wait(epoll, ready, 4, 0);
  printf("oneshot %d %d", n, (int)ready[0].data.u64);
  printf(" then %d\n", epoll_wait(epoll, ready, 4, 0));

  int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  struct itimerspec once = {{0, 0}, {0, 1000000}}, often = {{0, 1000000}, {0, 1000000}};
  timerfd_settime(timer, 0, &once, NULL);
  read(timer, &value, 8);
  printf("timer %d", (int)value);
  struct pollfd fds[2] = {{timer, POLLIN, 0}, {ends[1], POLLOUT, 0}};
  printf(" poll %d", poll(fds, 2, 0));
  printf(" %d %d", fds[0].revents, fds[1].revents);
  timerfd_settime(timer, 0, &once, NULL);
  printf(" poll %d", poll(fds, 1, 1000));
  printf(" %d\n", fds[0].revents);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(timer, &set);
  printf("select %d", select(timer + 1, &set, NULL, NULL, NULL));
  printf(" %d\n", FD_ISSET(timer, &set) != 0);
  timerfd_settime(timer, 0, &often, NULL);
  usleep(5000);
  read(timer, &value, 8);
  printf("several %d\n", value >= 2);
  close(ends[1]);
  printf("hang-up %d", epoll_wait(epoll, ready, 4, 0));
  printf(" %d\n", (ready[0].events & EPOLLHUP) != 0);
  return 0;
}
