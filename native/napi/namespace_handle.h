// NativeNamespace: an open network namespace.
#pragma once

#include <napi.h>

#include "../linux/namespace.h"
#include "environment.h"

namespace fairlead::edge {

/**
 * It owns a share of the descriptor; work that was started with it holds another, so that closing the
 * handle never takes the descriptor from under it. Garbage collection closes what was forgotten.
 */
class NamespaceHandle final : public Napi::ObjectWrap<NamespaceHandle> {
 public:
  static void define(Napi::Env env);
  static Napi::Value make(Napi::Env env, sys::OpenedNamespace& opened);
  /** Null when the object is not a namespace handle. */
  static const NamespaceHandle* from(const Napi::Object& object);
  static int64_t openCount();

  explicit NamespaceHandle(const Napi::CallbackInfo& info);
  ~NamespaceHandle() override;

  /** Once closed: a descriptor that is not open, on which work fails with EBADF. */
  sys::NamespaceFd descriptor() const;

 private:
  Napi::Value fd(const Napi::CallbackInfo& info);
  Napi::Value inode(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  void release();

  sys::OpenedNamespace space_;
};

}  // namespace fairlead::edge
