#include "subscription_handle.h"

#include <atomic>
#include <optional>

#include "datagrams.h"
#include "errors.h"

namespace fairlead::edge {

namespace {

std::atomic<int64_t> open_count{0};

}  // namespace

struct SubscriptionHandle::Poll {
  uv_poll_t handle = {};
  SubscriptionHandle* subscription = nullptr;
  Environment* environment = nullptr;
};

/** What one turn of the event loop read. */
struct SubscriptionHandle::Turn {
  sys::Datagrams datagrams;
  std::optional<sys::SysError> error;
};

void SubscriptionHandle::define(Napi::Env env) {
  auto constructor =
      DefineClass(env, "NativeNetlinkSubscription", {InstanceMethod<&SubscriptionHandle::close>("close")});
  Environment::of(env).subscription_class = Napi::Persistent(constructor);
}

Napi::Value SubscriptionHandle::make(Napi::Env env, OpenedSubscription& opened,
                                     const Napi::Function& callback) {
  auto& environment = Environment::of(env);
  auto object = environment.construct(environment.subscription_class, &opened);
  Unwrap(object)->start(env, callback);
  return object;
}

int64_t SubscriptionHandle::openCount() {
  return open_count.load();
}

SubscriptionHandle::SubscriptionHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  auto& environment = Environment::of(info.Env());
  void* adopted = environment.takeAdopted("subscribeNetlink()");
  auto& opened = *static_cast<OpenedSubscription*>(adopted);
  environment_ = &environment;
  max_bytes_per_turn_ = opened.max_bytes_per_turn;
  fd_ = std::move(opened.opened.fd);
}

SubscriptionHandle::~SubscriptionHandle() {
  stop();
}

void SubscriptionHandle::start(Napi::Env env, const Napi::Function& callback) {
  auto poll = std::make_unique<Poll>();
  const int made = uv_poll_init(environment_->loop(), &poll->handle, fd_.get());
  if (made != 0) {
    fd_.reset();
    throw toError(env, sys::SysError::of(-made, "epoll_ctl"));
  }
  poll_ = poll.release();
  poll_->subscription = this;
  poll_->environment = environment_;
  poll_->handle.data = poll_;
  environment_->uvHandleOpened();
  environment_->add(this);
  open_count += 1;
  uv_poll_start(&poll_->handle, UV_READABLE, onReadable);
  uv_unref(reinterpret_cast<uv_handle_t*>(&poll_->handle));
  callback_ = Napi::Persistent(callback);
  Ref();
}

void SubscriptionHandle::close(const Napi::CallbackInfo&) {
  if (!isOpen()) return;
  stop();
  Unref();
}

void SubscriptionHandle::abandon() {
  stop();
}

void SubscriptionHandle::stop() {
  if (!isOpen()) return;
  Poll* poll = std::exchange(poll_, nullptr);
  poll->subscription = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&poll->handle), [](uv_handle_t* handle) {
    std::unique_ptr<Poll> closed(static_cast<Poll*>(handle->data));
    closed->environment->uvHandleClosed();
  });
  fd_.reset();
  callback_.Reset();
  environment_->remove(this);
  open_count -= 1;
}

// --- reading ---

/**
 * An overrun sets the socket's error, which epoll reports as EPOLLERR and libuv as status EBADF, having
 * stopped the poll (uv__poll_io). So the socket itself is asked what happened, and the poll started again.
 */
void SubscriptionHandle::onReadable(uv_poll_t* handle, int status, int) {
  auto* self = static_cast<Poll*>(handle->data)->subscription;
  Napi::Env env = self->Env();
  Napi::HandleScope scope(env);
  [[maybe_unused]] const Napi::Object alive =
      self->Value();  // the callback may close us, and garbage be collected
  try {
    self->deliver(env, self->readTurn());
  } catch (const Napi::Error&) {
    // No JavaScript can run: the worker is being terminated.
  }
  if (self->isOpen() && status != 0) uv_poll_start(handle, UV_READABLE, onReadable);
}

SubscriptionHandle::Turn SubscriptionHandle::readTurn() {
  Turn turn;
  for (;;) {
    auto next = sys::nextSize(fd_);
    if (!next.ok()) {
      turn.error = next.error();
      return turn;
    }
    const std::size_t total = turn.datagrams.totalBytes();
    const bool fits = total == 0 || total + next.value() <= max_bytes_per_turn_;
    if (next.value() == 0 || !fits) return turn;
    auto received = sys::receive(fd_);
    if (!received.ok()) {
      turn.error = received.error();
      return turn;
    }
    if (received.value().bytes == nullptr) return turn;
    turn.datagrams.add(received.value().bytes, received.value().size);
  }
}

void SubscriptionHandle::deliver(Napi::Env env, const Turn& turn) {
  Napi::Function callback = callback_.Value();
  if (turn.datagrams.count() > 0) call(callback, env.Null(), toBuffers(env, turn.datagrams));
  if (!turn.error || !isOpen()) return;
  if (turn.error->code != ENOBUFS) {
    // Final: closed before the callback is told, as nothing comes after it.
    stop();
    Unref();
  }
  call(callback, toError(env, *turn.error).Value(), Napi::Array::New(env));
}

/** What the callback throws becomes an uncaughtException, as with any callback of node's own. */
void SubscriptionHandle::call(Napi::Function callback, Napi::Value error, Napi::Array datagrams) {
  Napi::Env env = callback.Env();
  const napi_value arguments[] = {error, datagrams};
  const napi_status status =
      napi_make_callback(env, environment_->asyncContext(), env.Global(), callback, 2, arguments, nullptr);
  bool thrown = false;
  if (status != napi_pending_exception || napi_is_exception_pending(env, &thrown) != napi_ok || !thrown)
    return;
  napi_value exception = nullptr;
  napi_get_and_clear_last_exception(env, &exception);
  napi_fatal_exception(env, exception);
}

}  // namespace fairlead::edge
