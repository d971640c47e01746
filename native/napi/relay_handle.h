// NativeRelay: a relay, its frontends and what it has counted.
#pragma once

#include <napi.h>

#include "../linux/relay/relay.h"
#include "environment.h"

namespace fairlead::edge {

using SharedRelay = std::shared_ptr<sys::relay::Relay>;

/** It owns a share of the relay; work that was started with it holds another. The last one stops its threads.
 */
class RelayHandle final : public Napi::ObjectWrap<RelayHandle> {
 public:
  static void define(Napi::Env env);
  static Napi::Value make(Napi::Env env, SharedRelay& relay);
  static int64_t openCount();

  explicit RelayHandle(const Napi::CallbackInfo& info);
  ~RelayHandle() override;

 private:
  Napi::Value ports(const Napi::CallbackInfo& info);
  Napi::Value update(const Napi::CallbackInfo& info);
  Napi::Value counts(const Napi::CallbackInfo& info);
  Napi::Value frontendCounts(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  SharedRelay release();

  SharedRelay relay_;
};

}  // namespace fairlead::edge
