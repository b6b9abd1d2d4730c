// Exceptions thrown in many threads at once, carried to the one that waits; std::async, condition variables, atomics.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <mutex>
#include <queue>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static int deep(int n) {
  struct Guard {
    int &count;
    ~Guard() { ++count; }
  };
  static thread_local int unwound = 0;
  Guard guard{unwound};
  if (n == 0) throw std::runtime_error("deep " + std::to_string(unwound));
  return deep(n - 1) + 1;
}

int main() {
  std::vector<std::thread> threads;
  std::vector<std::exception_ptr> caught(8);
  for (int i = 0; i < 8; i++)
    threads.emplace_back([&, i] {
      try {
        deep(i * 5);
      } catch (...) {
        caught[i] = std::current_exception();
      }
    });
  for (auto &thread : threads) thread.join();
  for (auto &pointer : caught) try {
      std::rethrow_exception(pointer);
    } catch (const std::exception &error) {
      std::puts(error.what());
    }

  std::queue<int> queue;
  std::mutex mutex;
  std::condition_variable filled;
  std::atomic<long> sum{0};
  std::thread consumer([&] {
    for (int n = 0; n < 1000; n++) {
      std::unique_lock lock(mutex);
      filled.wait(lock, [&] { return !queue.empty(); });
      sum += queue.front();
      queue.pop();
    }
  });
  for (int n = 0; n < 1000; n++) {
    std::lock_guard lock(mutex);
    queue.push(n);
    filled.notify_one();
  }
  consumer.join();
  std::printf("sum %ld\n", sum.load());
  auto future = std::async(std::launch::async, [] { return deep(3); });
  try {
    future.get();
  } catch (const std::runtime_error &error) {
    std::printf("future: %s\n", error.what());
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return 0;
}
