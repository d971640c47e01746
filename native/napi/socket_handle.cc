#include "socket_handle.h"

#include "../linux/netlink_wire.h"
#include "arguments.h"
#include "datagrams.h"
#include "errors.h"
#include "promise_task.h"

namespace fairlead::edge {

namespace {

// Requests that one run takes besides its first, to save turns of the event loop: only small ones, because
// each waits for its neighbours. A larger batch runs alone.
constexpr std::size_t kMostPerRun = 64;
constexpr std::size_t kSmallBatchBytes = 64 * 1024;

std::atomic<int64_t> open_count{0};

/** Carries requests to the pool and back. It is destroyed where its references may be: on the main thread. */
class ExchangeRun final : public Task {
 public:
  ExchangeRun(SocketHandle& handle, std::shared_ptr<SocketCore> core, std::shared_ptr<sys::StopSignal> stop,
              ExchangeQueue requests)
      : handle_(handle), core_(std::move(core)), stop_(std::move(stop)), requests_(std::move(requests)) {}

  void run() override {
    for (auto& request : requests_) {
      if (!advance(request->exchange)) return;
      finished_ += 1;
    }
  }

  void refuse(sys::SysError) override {}  // the pool always has a thread

  void settle(Napi::Env env) override {
    core_.reset();
    handle_.finishRun(env, std::move(requests_), finished_);
  }

 private:
  /** Only the first may wait: nobody's result is held up by it. */
  bool advance(sys::Exchange& exchange) {
    if (core_->closed.load() && !exchange.isSent()) {
      exchange.fail(sys::SysError::of(ECANCELED, "exchange"));
      return true;
    }
    const auto waiting = finished_ == 0 ? sys::Waiting::kAllowed : sys::Waiting::kForbidden;
    try {
      return exchange.advance(core_->fd, *stop_, waiting);
    } catch (const std::bad_alloc&) {
      exchange.fail(sys::SysError::of(ENOMEM, "malloc"));
      return true;
    }
  }

  SocketHandle& handle_;
  std::shared_ptr<SocketCore> core_;
  std::shared_ptr<sys::StopSignal> stop_;
  ExchangeQueue requests_;
  std::size_t finished_ = 0;
};

}  // namespace

void SocketHandle::define(Napi::Env env) {
  auto constructor = DefineClass(
      env, "NativeNetlinkSocket",
      {InstanceAccessor<&SocketHandle::portId>("portId"), InstanceAccessor<&SocketHandle::pending>("pending"),
       InstanceMethod<&SocketHandle::exchange>("exchange"), InstanceMethod<&SocketHandle::close>("close")});
  Environment::of(env).socket_class = Napi::Persistent(constructor);
}

Napi::Value SocketHandle::make(Napi::Env env, OpenedSocket& opened) {
  auto& environment = Environment::of(env);
  return environment.construct(environment.socket_class, &opened);
}

int64_t SocketHandle::openCount() {
  return open_count.load();
}

SocketHandle::SocketHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  auto& environment = Environment::of(info.Env());
  void* adopted = environment.takeAdopted("openNetlink()");
  auto& opened = *static_cast<OpenedSocket*>(adopted);
  options_ = opened.options;
  port_id_ = opened.opened.port_id;
  core_ = std::make_shared<SocketCore>();
  core_->fd = std::move(opened.opened.fd);
  environment_ = &environment;
  environment.add(this);
  open_count += 1;
}

SocketHandle::~SocketHandle() {
  abandon();
}

/** Also the end of a handle that was forgotten; it has no requests then, or there is nobody to tell. */
void SocketHandle::abandon() {
  if (environment_ == nullptr) return;
  environment_->remove(this);
  environment_ = nullptr;
  queue_.clear();
  if (core_) core_->closed.store(true);
  core_.reset();
  if (!std::exchange(closed_, true)) open_count -= 1;
}

Napi::Value SocketHandle::portId(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), port_id_);
}

Napi::Value SocketHandle::pending(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(pendingCount()));
}

// --- asking ---

Napi::Value SocketHandle::exchange(const Napi::CallbackInfo& info) {
  auto request = parse(info);
  if (closed_) return rejected(info.Env(), failure(ECANCELED));
  if (pendingCount() >= options_.max_queued) return rejected(info.Env(), failure(EBUSY));
  return enqueue(std::move(request));
}

std::unique_ptr<PendingExchange> SocketHandle::parse(const Napi::CallbackInfo& info) const {
  sys::ExchangeRequest request;
  request.terminators = integerArgument(info[1], "terminators", 0, kMostInt);
  request.timeout_ms = integerArgument(info[2], "timeoutMs", 0, kMostInt);
  request.max_batch_bytes = options_.max_batch_bytes;
  auto batch = bytesArgument(info[0], "batch");
  request.batch_bytes = batch.ByteLength();
  if (request.batch_bytes < sys::kNetlinkHeaderBytes) {
    throw argumentError(info.Env(), "batch", "at least one netlink message");
  }
  // Copying a small batch is cheaper than a reference, and safe from a caller that changes it too early.
  std::vector<uint8_t> copy;
  Napi::ObjectReference kept;
  if (request.batch_bytes <= kSmallBatchBytes) {
    copy = copyBytes(batch);
    request.batch = copy.data();
  } else {
    kept = Napi::Persistent(batch.As<Napi::Object>());
    request.batch = batch.Data();
  }
  // A vector's data stays where it is when the vector is moved.
  return std::unique_ptr<PendingExchange>(new PendingExchange{
      Napi::Promise::Deferred::New(info.Env()), std::move(copy), std::move(kept), sys::Exchange(request)});
}

Napi::Value SocketHandle::enqueue(std::unique_ptr<PendingExchange> request) {
  auto promise = request->deferred.Promise();
  if (pendingCount() == 0) Ref();
  queue_.push_back(std::move(request));
  if (running_ == 0) startRun();
  return promise;
}

// --- running ---

ExchangeQueue SocketHandle::takeRun() {
  ExchangeQueue taken;
  while (!queue_.empty() && taken.size() < kMostPerRun) {
    if (!taken.empty() && queue_.front()->exchange.batchBytes() > kSmallBatchBytes) break;
    taken.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (taken.front()->exchange.batchBytes() > kSmallBatchBytes) break;
  }
  return taken;
}

void SocketHandle::startRun() {
  auto requests = takeRun();
  running_ = requests.size();
  environment_->runOnPool(
      std::make_unique<ExchangeRun>(*this, core_, environment_->stop(), std::move(requests)));
}

void SocketHandle::finishRun(Napi::Env env, ExchangeQueue requests, std::size_t finished) {
  running_ = 0;
  while (requests.size() > finished) {
    queue_.push_front(std::move(requests.back()));
    requests.pop_back();
  }
  if (closed_) cancelUnsent();
  if (!queue_.empty()) {
    startRun();  // before settling: the pool works while we build the answers
  } else if (closed_) {
    core_.reset();
  }
  for (auto& request : requests) settle(env, *request);
  // Not before: garbage collection of the handle would end the queue.
  if (pendingCount() == 0) Unref();
}

void SocketHandle::settle(Napi::Env env, PendingExchange& request) {
  if (request.exchange.hasFailed()) {
    auto& error = request.exchange.failure();
    error.subject = sys::protocolName(options_.protocol);
    request.deferred.Reject(toError(env, error).Value());
    return;
  }
  try {
    request.deferred.Resolve(toBuffers(env, request.exchange.answers()));
  } catch (const Napi::Error& error) {
    request.deferred.Reject(error.Value());  // no memory for the answers
  }
}

// --- closing ---

void SocketHandle::close(const Napi::CallbackInfo&) {
  if (std::exchange(closed_, true)) return;
  open_count -= 1;
  core_->closed.store(true);
  cancelUnsent();
  if (running_ == 0) core_.reset();
}

/** Requests are taken in order, so that one that was sent can only be the first. It ends as it ends. */
void SocketHandle::cancelUnsent() {
  const std::size_t kept = !queue_.empty() && queue_.front()->exchange.isSent() ? 1 : 0;
  while (queue_.size() > kept) {
    auto request = std::move(queue_.back());
    queue_.pop_back();
    request->exchange.fail(failure(ECANCELED));
    settle(Env(), *request);
  }
}

sys::SysError SocketHandle::failure(int code) const {
  return sys::SysError::of(code, "exchange", sys::protocolName(options_.protocol));
}

}  // namespace fairlead::edge
