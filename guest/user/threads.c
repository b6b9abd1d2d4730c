/* Four threads that share a counter under a mutex, a condition variable, and thread-local storage. */
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 4, ROUNDS = 2000 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static long counter, turn;
static _Thread_local long own;

static void *work(void *argument) {
  long id = (long)argument;
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&lock);
    counter++;
    pthread_mutex_unlock(&lock);
    own += id;
  }
  pthread_mutex_lock(&lock);
  while (turn != id) pthread_cond_wait(&turn_changed, &lock);
  printf("thread %ld own %ld\n", id, own);
  turn++;
  pthread_cond_broadcast(&turn_changed);
  pthread_mutex_unlock(&lock);
  return (void *)(own * 2);
}

int main(void) {
  pthread_t thread[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, work, (void *)i);
  long joined = 0;
  for (long i = 0; i < THREADS; i++) {
    void *result;
    pthread_join(thread[i], &result);
    joined = joined * 7 + (long)result;
  }
  printf("joined %ld\n", joined);
  printf("counter %ld, own %ld\n", counter, own);
  return 0;
}
