// NativeNetlinkSocket: the queue of requests on one netlink socket.
#pragma once

#include <napi.h>

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "../linux/netlink_exchange.h"
#include "environment.h"

namespace fairlead::edge {

struct SocketOptions {
  int protocol = 0;
  uint32_t max_batch_bytes = 0;
  uint32_t max_queued = 0;
};

/** What SocketHandle::make adopts. */
struct OpenedSocket {
  sys::NetlinkOpened opened;
  SocketOptions options;
};

/** Shared by the handle and the run that is under way; the descriptor closes with the last of them. */
struct SocketCore {
  sys::Descriptor fd;
  std::atomic<bool> closed{false};
};

/** One request of JavaScript's, from exchange() until its promise settles. */
struct PendingExchange {
  Napi::Promise::Deferred deferred;
  std::vector<uint8_t> copy;   // a small batch, or
  Napi::ObjectReference kept;  // the caller's own bytes
  sys::Exchange exchange;
};

using ExchangeQueue = std::deque<std::unique_ptr<PendingExchange>>;

/**
 * The queue lives on the main thread; one run at a time takes requests from its front to the pool, so that
 * one socket never holds more than one of the pool's threads. The handle is kept from garbage collection
 * while requests are pending.
 */
class SocketHandle final : public Napi::ObjectWrap<SocketHandle>, public Closable {
 public:
  static void define(Napi::Env env);
  static Napi::Value make(Napi::Env env, OpenedSocket& opened);
  static int64_t openCount();

  explicit SocketHandle(const Napi::CallbackInfo& info);
  ~SocketHandle() override;

  void abandon() override;

  /** A run has ended: `finished` of its requests, from the front, have an outcome; the others go on. */
  void finishRun(Napi::Env env, ExchangeQueue requests, std::size_t finished);

 private:
  Napi::Value portId(const Napi::CallbackInfo& info);
  Napi::Value pending(const Napi::CallbackInfo& info);
  Napi::Value exchange(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  std::unique_ptr<PendingExchange> parse(const Napi::CallbackInfo& info) const;
  Napi::Value enqueue(std::unique_ptr<PendingExchange> request);
  ExchangeQueue takeRun();
  void startRun();
  void cancelUnsent();
  void settle(Napi::Env env, PendingExchange& request);
  std::size_t pendingCount() const { return queue_.size() + running_; }
  sys::SysError failure(int code) const;

  // Destroyed in reverse: the queue with its references first, then the descriptor's share. The
  // environment is null once it has abandoned us.
  Environment* environment_ = nullptr;
  SocketOptions options_;
  uint32_t port_id_ = 0;
  std::shared_ptr<SocketCore> core_;  // null once closed and idle
  std::size_t running_ = 0;           // requests of the run that is under way
  bool closed_ = false;
  ExchangeQueue queue_;
};

}  // namespace fairlead::edge
