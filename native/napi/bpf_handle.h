// NativeBpfProgram: a loaded program and its maps.
#pragma once

#include <napi.h>

#include "../linux/bpf.h"
#include "environment.h"

namespace fairlead::edge {

/** It owns a share of the descriptors; work that was started with it holds another. */
class BpfHandle final : public Napi::ObjectWrap<BpfHandle> {
 public:
  static void define(Napi::Env env);
  static Napi::Value make(Napi::Env env, sys::SharedProgram& program);
  static int64_t openCount();

  explicit BpfHandle(const Napi::CallbackInfo& info);
  ~BpfHandle() override;

 private:
  Napi::Value fd(const Napi::CallbackInfo& info);
  Napi::Value id(const Napi::CallbackInfo& info);
  Napi::Value name(const Napi::CallbackInfo& info);
  Napi::Value tag(const Napi::CallbackInfo& info);
  Napi::Value update(const Napi::CallbackInfo& info);
  Napi::Value remove(const Napi::CallbackInfo& info);
  Napi::Value attach(const Napi::CallbackInfo& info);
  Napi::Value detach(const Napi::CallbackInfo& info);
  Napi::Value entries(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  void release();
  /** Once closed: a program without maps, on which work fails with ENOENT. */
  sys::SharedProgram program() const;

  sys::SharedProgram program_;
};

}  // namespace fairlead::edge
