// What one JavaScript environment (the main thread's, or a worker's) has under way, and its orderly end.
#pragma once

#include <napi.h>
#include <uv.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_set>
#include <vector>

#include "../linux/stop_signal.h"

namespace fairlead::edge {

/** Work off the main thread. It is destroyed on the main thread, while the environment still lives. */
class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;
  /** Off the main thread: touches no JavaScript value. Must not throw. */
  virtual void run() = 0;
  /** On the main thread, once run has returned. Not called when the environment is going away. */
  virtual void settle(Napi::Env env) = 0;
  /** In place of run, where there is no thread to run on. */
  virtual void refuse(sys::SysError error) = 0;
};

/** A handle that holds libuv or N-API resources, which must go while the environment still lives. */
class Closable {
 public:
  virtual ~Closable() = default;
  /** The environment is going away: let go of everything, call nothing back. */
  virtual void abandon() = 0;
};

/**
 * Destruction order, at the environment's end (exit, or a worker's termination; Node-API's asynchronous
 * cleanup hook, which holds the event loop until it is removed):
 *   1. the stop signal is raised: what waits off the main thread returns at once;
 *   2. open handles let go of their references, queues and polls;
 *   3. work on the pool is cancelled or waited for, own threads are joined: nothing of ours runs any more,
 *      so that no buffer of JavaScript's is in use; their tasks, with their references, are destroyed;
 *   4. references to constructors and the async context go: from here on Node-API is not called;
 *   5. libuv calls back for closed handles and cancelled work, and the last of them deletes this object.
 */
class Environment {
 public:
  static void install(Napi::Env env);
  static Environment& of(Napi::Env env);

  /** Runs the task on libuv's pool: for what is short. */
  void runOnPool(std::unique_ptr<Task> task);
  /** Runs the task on a thread of its own: for what may last. Past the bound of threads it waits its turn. */
  void runOnThread(std::unique_ptr<Task> task);

  uv_loop_t* loop() const { return loop_; }
  napi_async_context asyncContext() const { return context_; }
  const std::shared_ptr<sys::StopSignal>& stop() const { return stop_; }

  void add(Closable* handle) { handles_.insert(handle); }
  void remove(Closable* handle) { handles_.erase(handle); }

  /** libuv handles of others that close with this environment: it outlives their close callbacks. */
  void uvHandleOpened() { open_uv_handles_ += 1; }
  void uvHandleClosed();

  /** Makes a handle of one of the classes; its constructor takes what it shall adopt with takeAdopted. */
  Napi::Object construct(const Napi::FunctionReference& handle_class, void* adopted);
  /** Throws when nothing is to be adopted, because it is JavaScript that calls the constructor. */
  void* takeAdopted(const char* use_instead);

  Napi::FunctionReference namespace_class;
  Napi::FunctionReference socket_class;
  Napi::FunctionReference bpf_class;
  Napi::FunctionReference relay_class;
  Napi::FunctionReference subscription_class;

 private:
  struct PoolEntry;
  struct ThreadEntry;

  explicit Environment(Napi::Env env) : env_(env) {}
  ~Environment() = default;

  static void onPoolRun(uv_work_t* work);
  static void onPoolDone(uv_work_t* work, int status);
  static void onThreadDone(uv_async_t* async);
  static void onTeardown(napi_async_cleanup_hook_handle hook, void* self);

  void settle(Task& task);
  void startThreads();
  bool startThread(std::unique_ptr<Task>& task);
  void collectThreads();
  void stopPool();
  void stopThreads();
  void releaseReferences();
  void deleteWhenIdle();

  Napi::Env env_;
  uv_loop_t* loop_ = nullptr;
  napi_async_context context_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  std::shared_ptr<sys::StopSignal> stop_;
  bool closing_ = false;
  int open_uv_handles_ = 0;
  std::set<Closable*> handles_;
  void* adopted_ = nullptr;

  std::unordered_set<PoolEntry*> pool_;
  std::deque<std::unique_ptr<Task>> waiting_;
  std::unordered_set<ThreadEntry*> threads_;
  uv_async_t thread_done_ = {};

  std::mutex mutex_;  // guards PoolEntry::finished and finished_threads_
  std::condition_variable pool_finished_;
  std::vector<ThreadEntry*> finished_threads_;
};

}  // namespace fairlead::edge
