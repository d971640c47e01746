// NativeNetlinkSubscription: multicast datagrams, delivered on the event loop.
#pragma once

#include <napi.h>
#include <uv.h>

#include "../linux/netlink_socket.h"
#include "environment.h"

namespace fairlead::edge {

/** What SubscriptionHandle::make adopts. */
struct OpenedSubscription {
  sys::NetlinkOpened opened;
  uint32_t max_bytes_per_turn = 0;
};

/**
 * The socket is watched by libuv and read on the main thread, a bounded amount in a turn. The handle keeps
 * itself from garbage collection until it is closed: a subscription ends when somebody says so.
 *
 * Destruction order: the poll is stopped and asked to close, then the descriptor closes, then libuv's
 * close callback frees the poll (it owns itself, because it outlives the handle).
 */
class SubscriptionHandle final : public Napi::ObjectWrap<SubscriptionHandle>, public Closable {
 public:
  static void define(Napi::Env env);
  /** Throws what toError makes when libuv refuses the descriptor. */
  static Napi::Value make(Napi::Env env, OpenedSubscription& opened, const Napi::Function& callback);
  static int64_t openCount();

  explicit SubscriptionHandle(const Napi::CallbackInfo& info);
  ~SubscriptionHandle() override;

  void abandon() override;

 private:
  struct Poll;
  struct Turn;

  static void onReadable(uv_poll_t* poll, int status, int events);

  void close(const Napi::CallbackInfo& info);
  void start(Napi::Env env, const Napi::Function& callback);
  Turn readTurn();
  void deliver(Napi::Env env, const Turn& turn);
  void call(Napi::Function callback, Napi::Value error, Napi::Array datagrams);
  bool isOpen() const { return poll_ != nullptr; }
  void stop();

  Environment* environment_ = nullptr;
  uint32_t max_bytes_per_turn_ = 0;
  sys::Descriptor fd_;
  Poll* poll_ = nullptr;  // owned by libuv from uv_close until its callback
  Napi::FunctionReference callback_;
};

}  // namespace fairlead::edge
