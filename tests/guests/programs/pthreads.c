// Mutexes, conditions, barriers, read-write locks, keys, cancellation and semaphores of a C library's threads.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 2000 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t semaphore;
static __thread int own;
static int counter, initialised, serial, readers, destroyed, turn, cleaned;

static void initialise(void) { initialised++; }
static void destroy(void *value) { __atomic_add_fetch(&destroyed, (int)(long)value, __ATOMIC_RELAXED); }

static void *work(void *number) {
  long n = (long)number;
  pthread_once(&once, initialise);
  pthread_setspecific(key, (void *)(n + 1));
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&mutex);
    counter++;
    own++;
    pthread_mutex_unlock(&mutex);
  }
  if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) __atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
  for (int i = 0; i < 100; i++) {
    if (i % 10 == n) {
      pthread_rwlock_wrlock(&lock);
      readers++;
    } else {
      pthread_rwlock_rdlock(&lock);
    }
    pthread_rwlock_unlock(&lock);
  }
  pthread_mutex_lock(&mutex);
  while (turn != n) pthread_cond_wait(&condition, &mutex);
  printf("thread %ld in turn, own %d\n", n, own);
  turn++;
  pthread_cond_broadcast(&condition);
  pthread_mutex_unlock(&mutex);
  sem_post(&semaphore);
  return (void *)(n * n);
}

static void cleanup(void *flag) { *(int *)flag = 1; }
static void *endless(void *unused) {
  pthread_cleanup_push(cleanup, &cleaned);
  for (;;) pause();
  pthread_cleanup_pop(0);
  return unused;
}

static void *recursive(void *unused) {
  pthread_mutexattr_t attributes;
  pthread_mutex_t mine;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&mine, &attributes);
  printf("recursive %d %d\n", pthread_mutex_lock(&mine), pthread_mutex_lock(&mine));
  pthread_mutex_unlock(&mine);
  pthread_mutex_unlock(&mine);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&mine, &attributes);
  pthread_mutex_lock(&mine);
  printf("errorcheck %d\n", pthread_mutex_lock(&mine) == EDEADLK);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&mine, &attributes);
  printf("pi %d", pthread_mutex_lock(&mine));
  printf(" %d\n", pthread_mutex_unlock(&mine));
  return unused;
}

static pthread_mutex_t robust;
static void *dies(void *unused) {
  pthread_mutex_lock(&robust);
  return unused;
}

int main(void) {
  pthread_t threads[THREADS];
  long sum = 0;
  setvbuf(stdout, NULL, _IONBF, 0);
  pthread_key_create(&key, destroy);
  pthread_barrier_init(&barrier, NULL, THREADS);
  sem_init(&semaphore, 0, 0);
  for (long n = 0; n < THREADS; n++)
    if (pthread_create(&threads[n], NULL, work, (void *)n)) abort();
  for (int n = 0; n < THREADS; n++) sem_wait(&semaphore);
  for (int n = 0; n < THREADS; n++) {
    void *result;
    pthread_join(threads[n], &result);
    sum += (long)result;
  }
  printf("counter %d initialised %d serial %d written %d destroyed %d sum %ld\n", counter, initialised, serial, readers,
         destroyed, sum);

  pthread_t thread;
  void *result;
  pthread_create(&thread, NULL, endless, NULL);
  usleep(1000);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  printf("cancelled %d cleaned %d\n", result == PTHREAD_CANCELED, cleaned);

  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec += 2000000;
  if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
  pthread_mutex_lock(&mutex);
  printf("timed wait %d\n", pthread_cond_timedwait(&condition, &mutex, &soon) == ETIMEDOUT);
  printf("timed lock %d\n", pthread_mutex_timedlock(&mutex, &soon) == ETIMEDOUT);
  pthread_mutex_unlock(&mutex);
  printf("semaphore %d\n", sem_timedwait(&semaphore, &soon) == -1 && errno == ETIMEDOUT);

  pthread_create(&thread, NULL, recursive, NULL);
  pthread_join(thread, NULL);

  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust, &attributes);
  pthread_create(&thread, NULL, dies, NULL);
  pthread_join(thread, NULL);
  printf("owner died %d\n", pthread_mutex_lock(&robust) == EOWNERDEAD);
  printf("consistent %d", pthread_mutex_consistent(&robust));
  printf(" %d\n", pthread_mutex_unlock(&robust));
  return 0;
}
