#include "namespace_handle.h"

#include <atomic>

namespace fairlead::edge {

namespace {

// Any fixed random number does: it tells our objects from others before they are unwrapped.
constexpr napi_type_tag kTag = {0x9d1f6a2be34c4705, 0xb0a77d52c86ef113};

std::atomic<int64_t> open_count{0};

}  // namespace

void NamespaceHandle::define(Napi::Env env) {
  auto constructor = DefineClass(
      env, "NativeNamespace",
      {InstanceAccessor<&NamespaceHandle::fd>("fd"), InstanceAccessor<&NamespaceHandle::inode>("inode"),
       InstanceMethod<&NamespaceHandle::close>("close")});
  Environment::of(env).namespace_class = Napi::Persistent(constructor);
}

Napi::Value NamespaceHandle::make(Napi::Env env, sys::OpenedNamespace& opened) {
  auto& environment = Environment::of(env);
  return environment.construct(environment.namespace_class, &opened);
}

const NamespaceHandle* NamespaceHandle::from(const Napi::Object& object) {
  return object.CheckTypeTag(&kTag) ? Unwrap(object) : nullptr;
}

int64_t NamespaceHandle::openCount() {
  return open_count.load();
}

NamespaceHandle::NamespaceHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  void* adopted = Environment::of(info.Env()).takeAdopted("openNamespace()");
  info.This().As<Napi::Object>().TypeTag(&kTag);
  space_ = std::move(*static_cast<sys::OpenedNamespace*>(adopted));
  open_count += 1;
}

NamespaceHandle::~NamespaceHandle() {
  release();
}

sys::NamespaceFd NamespaceHandle::descriptor() const {
  return space_.fd ? space_.fd : std::make_shared<const sys::Descriptor>();
}

Napi::Value NamespaceHandle::fd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), descriptor()->get());
}

Napi::Value NamespaceHandle::inode(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), space_.inode);
}

void NamespaceHandle::close(const Napi::CallbackInfo&) {
  release();
}

void NamespaceHandle::release() {
  if (!space_.fd) return;
  space_.fd.reset();
  open_count -= 1;
}

}  // namespace fairlead::edge
