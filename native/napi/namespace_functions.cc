#include "../linux/file.h"
#include "../linux/named_namespace.h"
#include "arguments.h"
#include "functions.h"
#include "namespace_handle.h"
#include "promise_task.h"

namespace fairlead::edge {

namespace {

Napi::Value nothing(Napi::Env env, sys::Done&) {
  return env.Undefined();
}

Napi::Value toBuffer(Napi::Env env, std::vector<uint8_t>& bytes) {
  return Napi::Buffer<uint8_t>::Copy(env, bytes.data(), bytes.size());
}

}  // namespace

Napi::Value openNamespace(const Napi::CallbackInfo& info) {
  auto work = [target = namespaceArgument(info[0], "ref")] { return sys::openNamespace(target); };
  return promiseOnPool(info.Env(), std::move(work), NamespaceHandle::make);
}

Napi::Value createNamespace(const Napi::CallbackInfo& info) {
  return promiseOnPool(info.Env(), sys::createNamespace, NamespaceHandle::make);
}

Napi::Value createNamedNamespace(const Napi::CallbackInfo& info) {
  auto work = [path = pathArgument(info[0], "path")] { return sys::createNamedNamespace(path); };
  return promiseOnPool(info.Env(), std::move(work), NamespaceHandle::make);
}

Napi::Value deleteNamedNamespace(const Napi::CallbackInfo& info) {
  auto work = [path = pathArgument(info[0], "path")] { return sys::deleteNamedNamespace(path); };
  return promiseOnPool(info.Env(), std::move(work), nothing);
}

Napi::Value readFileInNamespace(const Napi::CallbackInfo& info) {
  sys::FileRequest request;
  request.target = namespaceArgument(info[0], "ref");
  request.path = pathArgument(info[1], "path");
  auto work = [request = std::move(request)] { return sys::readFile(request); };
  return promiseOnPool(info.Env(), std::move(work), toBuffer);
}

Napi::Value writeFileInNamespace(const Napi::CallbackInfo& info) {
  sys::FileRequest request;
  request.target = namespaceArgument(info[0], "ref");
  request.path = pathArgument(info[1], "path");
  request.data = copyBytes(bytesArgument(info[2], "data"));
  auto work = [request = std::move(request)] { return sys::writeFile(request); };
  return promiseOnPool(info.Env(), std::move(work), nothing);
}

}  // namespace fairlead::edge
