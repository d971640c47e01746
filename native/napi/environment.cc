#include "environment.h"

#include <system_error>

#include "errors.h"

namespace fairlead::edge {

namespace {

// Programs that run at once. Each has a thread of its own; what comes past the bound waits.
constexpr std::size_t kMostThreads = 32;

void check(Napi::Env env, napi_status status, const char* what) {
  if (status != napi_ok) throw Napi::Error::New(env, std::string("cannot set the add-on up: ") + what);
}

}  // namespace

struct Environment::PoolEntry {
  uv_work_t work = {};
  Environment* owner = nullptr;
  std::unique_ptr<Task> task;
  bool finished = false;
};

struct Environment::ThreadEntry {
  std::unique_ptr<Task> task;
  std::thread thread;
};

void Environment::install(Napi::Env env) {
  auto stop = sys::StopSignal::create();
  if (!stop.ok()) throw toError(env, stop.error());
  std::unique_ptr<Environment, void (*)(Environment*)> self(new Environment(env),
                                                            [](Environment* e) { delete e; });
  self->stop_ = stop.value();
  check(env, napi_get_uv_event_loop(env, &self->loop_), "event loop");
  check(env, napi_async_init(env, nullptr, Napi::String::New(env, "fairlead"), &self->context_), "context");
  check(env, napi_set_instance_data(env, self.get(), nullptr, nullptr), "instance data");
  check(env, napi_add_async_cleanup_hook(env, onTeardown, self.get(), &self->hook_), "cleanup hook");
  // Cannot fail on Linux but for descriptors, which libuv has at hand since the loop was made.
  if (uv_async_init(self->loop_, &self->thread_done_, onThreadDone) != 0) {
    napi_remove_async_cleanup_hook(self->hook_);
    throw Napi::Error::New(env, "cannot set the add-on up: uv_async_init");
  }
  uv_unref(reinterpret_cast<uv_handle_t*>(&self->thread_done_));
  self->thread_done_.data = self.get();
  self->uvHandleOpened();
  self.release();
}

Environment& Environment::of(Napi::Env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Environment*>(data);
}

// --- handles ---

Napi::Object Environment::construct(const Napi::FunctionReference& handle_class, void* adopted) {
  adopted_ = adopted;
  try {
    return handle_class.New({});
  } catch (const Napi::Error&) {
    adopted_ = nullptr;  // its constructor may not have come to take it
    throw;
  }
}

void* Environment::takeAdopted(const char* use_instead) {
  void* adopted = std::exchange(adopted_, nullptr);
  if (adopted == nullptr)
    throw Napi::TypeError::New(env_, std::string("not a constructor: use ") + use_instead);
  return adopted;
}

// --- settling ---

/** Promises' continuations run when the callback scope closes, as after any callback of node's own. */
void Environment::settle(Task& task) {
  if (closing_) return;
  Napi::HandleScope handles(env_);
  try {
    Napi::CallbackScope scope(env_, context_);
    task.settle(env_);
  } catch (const Napi::Error&) {
    // A worker that is being terminated runs no JavaScript any more, and its cleanup hook is yet to come.
    // There is nobody left to tell.
  }
}

// --- libuv's pool ---

void Environment::runOnPool(std::unique_ptr<Task> task) {
  auto* entry = new PoolEntry();
  entry->owner = this;
  entry->task = std::move(task);
  entry->work.data = entry;
  pool_.insert(entry);
  uv_queue_work(loop_, &entry->work, onPoolRun, onPoolDone);
}

void Environment::onPoolRun(uv_work_t* work) {
  auto* entry = static_cast<PoolEntry*>(work->data);
  entry->task->run();
  std::lock_guard<std::mutex> lock(entry->owner->mutex_);
  entry->finished = true;
  entry->owner->pool_finished_.notify_all();
}

void Environment::onPoolDone(uv_work_t* work, int status) {
  std::unique_ptr<PoolEntry> entry(static_cast<PoolEntry*>(work->data));
  Environment* owner = entry->owner;
  owner->pool_.erase(entry.get());
  if (status == 0 && entry->task) owner->settle(*entry->task);
  entry.reset();
  owner->deleteWhenIdle();
}

// --- own threads ---

void Environment::runOnThread(std::unique_ptr<Task> task) {
  waiting_.push_back(std::move(task));
  startThreads();
}

void Environment::startThreads() {
  while (!waiting_.empty() && threads_.size() < kMostThreads) {
    auto task = std::move(waiting_.front());
    waiting_.pop_front();
    if (startThread(task)) continue;
    // Out of threads. While others run, their end is the time to try again.
    if (!threads_.empty()) {
      waiting_.push_front(std::move(task));
      return;
    }
    task->refuse(sys::SysError::of(EAGAIN, "pthread_create"));
    settle(*task);
  }
}

/** Takes the task where it could start it. */
bool Environment::startThread(std::unique_ptr<Task>& task) {
  auto entry = std::make_unique<ThreadEntry>();
  try {
    entry->thread = std::thread([this, raw = entry.get(), work = task.get()] {
      work->run();
      std::lock_guard<std::mutex> lock(mutex_);
      finished_threads_.push_back(raw);
      uv_async_send(&thread_done_);
    });
  } catch (const std::system_error&) {
    return false;
  }
  // The thread knows the task by address, and this member is read on the main thread only.
  entry->task = std::move(task);
  threads_.insert(entry.release());
  uv_ref(reinterpret_cast<uv_handle_t*>(&thread_done_));
  return true;
}

void Environment::onThreadDone(uv_async_t* async) {
  static_cast<Environment*>(async->data)->collectThreads();
}

void Environment::collectThreads() {
  std::vector<ThreadEntry*> finished;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    finished.swap(finished_threads_);
  }
  for (ThreadEntry* raw : finished) {
    std::unique_ptr<ThreadEntry> entry(raw);
    threads_.erase(raw);
    entry->thread.join();
    settle(*entry->task);
  }
  startThreads();
  if (threads_.empty()) uv_unref(reinterpret_cast<uv_handle_t*>(&thread_done_));
}

// --- the end ---

void Environment::onTeardown(napi_async_cleanup_hook_handle, void* data) {
  auto* self = static_cast<Environment*>(data);
  self->closing_ = true;
  self->stop_->raise();
  while (!self->handles_.empty()) {
    Closable* handle = *self->handles_.begin();
    self->handles_.erase(self->handles_.begin());
    handle->abandon();
  }
  self->stopPool();
  self->stopThreads();
  self->releaseReferences();
  uv_close(reinterpret_cast<uv_handle_t*>(&self->thread_done_),
           [](uv_handle_t* handle) { static_cast<Environment*>(handle->data)->uvHandleClosed(); });
}

void Environment::stopPool() {
  for (PoolEntry* entry : pool_) {
    const bool cancelled = uv_cancel(reinterpret_cast<uv_req_t*>(&entry->work)) == 0;
    if (!cancelled) {
      std::unique_lock<std::mutex> lock(mutex_);
      pool_finished_.wait(lock, [entry] { return entry->finished; });
    }
    entry->task.reset();
  }
}

void Environment::stopThreads() {
  waiting_.clear();
  for (ThreadEntry* raw : threads_) {
    std::unique_ptr<ThreadEntry> entry(raw);
    entry->thread.join();
  }
  threads_.clear();
  finished_threads_.clear();
}

void Environment::releaseReferences() {
  namespace_class.Reset();
  socket_class.Reset();
  bpf_class.Reset();
  relay_class.Reset();
  subscription_class.Reset();
  napi_async_destroy(env_, context_);
}

void Environment::uvHandleClosed() {
  open_uv_handles_ -= 1;
  deleteWhenIdle();
}

void Environment::deleteWhenIdle() {
  if (!closing_ || !pool_.empty() || open_uv_handles_ > 0) return;
  const auto hook = hook_;
  delete this;
  napi_remove_async_cleanup_hook(hook);
}

}  // namespace fairlead::edge
