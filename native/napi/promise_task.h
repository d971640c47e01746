// The usual shape of a native call: a plain request goes off the main thread, a plain result settles a
// promise.
#pragma once

#include <napi.h>

#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "../linux/result.h"
#include "environment.h"
#include "errors.h"

namespace fairlead::edge {

/**
 * @tparam Work    () -> sys::Result<T>; holds the request by value
 * @tparam Convert (Napi::Env, T&) -> Napi::Value; may throw Napi::Error, which rejects
 */
template <typename Work, typename Convert>
class PromiseTask final : public Task {
 public:
  PromiseTask(Napi::Env env, Work work, Convert convert)
      : work_(std::move(work)), convert_(std::move(convert)), deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void run() override {
    try {
      outcome_.emplace(work_());
    } catch (const std::bad_alloc&) {
      outcome_.emplace(sys::SysError::of(ENOMEM, "malloc"));
    }
  }

  void refuse(sys::SysError error) override { outcome_.emplace(std::move(error)); }

  void settle(Napi::Env env) override {
    if (!outcome_->ok()) return deferred_.Reject(toError(env, outcome_->error()).Value());
    try {
      deferred_.Resolve(convert_(env, outcome_->value()));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

 private:
  Work work_;
  Convert convert_;
  Napi::Promise::Deferred deferred_;
  std::optional<decltype(std::declval<Work&>()())> outcome_;
};

template <typename Work, typename Convert>
Napi::Value promiseOnPool(Napi::Env env, Work work, Convert convert) {
  auto task = std::make_unique<PromiseTask<Work, Convert>>(env, std::move(work), std::move(convert));
  auto promise = task->promise();
  Environment::of(env).runOnPool(std::move(task));
  return promise;
}

template <typename Work, typename Convert>
Napi::Value promiseOnThread(Napi::Env env, Work work, Convert convert) {
  auto task = std::make_unique<PromiseTask<Work, Convert>>(env, std::move(work), std::move(convert));
  auto promise = task->promise();
  Environment::of(env).runOnThread(std::move(task));
  return promise;
}

inline Napi::Value rejected(Napi::Env env, const sys::SysError& error) {
  auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(toError(env, error).Value());
  return deferred.Promise();
}

}  // namespace fairlead::edge
