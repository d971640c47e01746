#include "relay_handle.h"

#include <atomic>

#include "functions.h"
#include "promise_task.h"
#include "relay_arguments.h"

namespace fairlead::edge {

namespace {

using sys::relay::Counts;
using sys::relay::Ports;

std::atomic<int64_t> open_count{0};

Napi::Value nothing(Napi::Env env, sys::Done&) {
  return env.Undefined();
}

Napi::Value toNumbers(Napi::Env env, const Ports& ports) {
  auto array = Napi::Array::New(env, ports.size());
  for (uint32_t index = 0; index < ports.size(); index++)
    array.Set(index, Napi::Number::New(env, ports[index]));
  return array;
}

Napi::Value toBytes(Napi::Env env, const std::string& bytes) {
  return Napi::Buffer<char>::Copy(env, bytes.data(), bytes.size());
}

Napi::Value toCounts(Napi::Env env, const Counts& counts) {
  auto object = Napi::Object::New(env);
  object.Set("connections", Napi::Number::New(env, counts.connections));
  object.Set("flows", Napi::Number::New(env, counts.flows));
  object.Set("overflows", Napi::BigInt::New(env, counts.overflows));
  object.Set("strangers", Napi::BigInt::New(env, counts.strangers));
  object.Set("shortages", Napi::BigInt::New(env, counts.shortages));
  return object;
}

sys::SysError closed() {
  return sys::SysError::of(EBADF, "relay", "relay");
}

}  // namespace

void RelayHandle::define(Napi::Env env) {
  auto constructor = DefineClass(
      env, "NativeRelay",
      {InstanceAccessor<&RelayHandle::ports>("ports"), InstanceMethod<&RelayHandle::update>("update"),
       InstanceMethod<&RelayHandle::counts>("counts"),
       InstanceMethod<&RelayHandle::frontendCounts>("frontendCounts"),
       InstanceMethod<&RelayHandle::close>("close")});
  Environment::of(env).relay_class = Napi::Persistent(constructor);
}

Napi::Value RelayHandle::make(Napi::Env env, SharedRelay& relay) {
  auto& environment = Environment::of(env);
  return environment.construct(environment.relay_class, &relay);
}

int64_t RelayHandle::openCount() {
  return open_count.load();
}

RelayHandle::RelayHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  relay_ = std::move(*static_cast<SharedRelay*>(Environment::of(info.Env()).takeAdopted("openRelay()")));
  open_count += 1;
}

RelayHandle::~RelayHandle() {
  release();
}

Napi::Value RelayHandle::ports(const Napi::CallbackInfo& info) {
  return toNumbers(info.Env(), relay_ ? relay_->ports() : Ports());
}

Napi::Value RelayHandle::update(const Napi::CallbackInfo& info) {
  auto change = std::make_shared<sys::relay::Change>(relayChange(info[0]));
  auto work = [relay = relay_, change]() -> sys::Result<Ports> {
    if (!relay) return closed();
    return relay->update(std::move(*change));
  };
  return promiseOnPool(info.Env(), std::move(work), toNumbers);
}

Napi::Value RelayHandle::counts(const Napi::CallbackInfo& info) {
  auto work = [relay = relay_]() -> sys::Result<Counts> {
    if (!relay) return closed();
    return relay->counts();
  };
  return promiseOnPool(info.Env(), std::move(work), toCounts);
}

Napi::Value RelayHandle::frontendCounts(const Napi::CallbackInfo& info) {
  auto work = [relay = relay_]() -> sys::Result<std::string> {
    if (!relay) return closed();
    return relay->frontendCounts();
  };
  return promiseOnPool(info.Env(), std::move(work), toBytes);
}

/** Off the main thread, as the workers' last turns are waited for. */
Napi::Value RelayHandle::close(const Napi::CallbackInfo& info) {
  auto work = [relay = release()]() mutable -> sys::Status {
    relay.reset();
    return sys::Done{};
  };
  return promiseOnPool(info.Env(), std::move(work), nothing);
}

SharedRelay RelayHandle::release() {
  if (relay_) open_count -= 1;
  return std::exchange(relay_, nullptr);
}

Napi::Value openRelay(const Napi::CallbackInfo& info) {
  auto work = [options = relayOptions(info[0])] { return sys::relay::Relay::open(options); };
  return promiseOnPool(info.Env(), std::move(work), RelayHandle::make);
}

}  // namespace fairlead::edge
