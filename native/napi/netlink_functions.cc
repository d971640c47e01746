#include "arguments.h"
#include "bpf_handle.h"
#include "functions.h"
#include "namespace_handle.h"
#include "promise_task.h"
#include "relay_handle.h"
#include "socket_handle.h"
#include "subscription_handle.h"

namespace fairlead::edge {

namespace {

// MAX_LINKS, include/uapi/linux/netlink.h.
constexpr uint32_t kMostProtocols = 32;
constexpr uint32_t kMostGroups = 1024;

sys::NetlinkOpenRequest openArguments(const Napi::Object& options) {
  sys::NetlinkOpenRequest request;
  request.protocol =
      static_cast<int>(integerArgument(options.Get("protocol"), "options.protocol", 0, kMostProtocols - 1));
  request.target = namespaceArgument(options.Get("namespace"), "options.namespace");
  request.receive_buffer_bytes =
      integerArgument(options.Get("receiveBufferBytes"), "options.receiveBufferBytes", 1, kMostInt);
  return request;
}

std::vector<uint32_t> groupsArgument(const Napi::Value& value) {
  if (!value.IsArray()) throw argumentError(value.Env(), "options.groups", "an array of group numbers");
  const auto array = value.As<Napi::Array>();
  if (array.Length() == 0 || array.Length() > kMostGroups) {
    throw argumentError(value.Env(), "options.groups",
                        "1 to " + std::to_string(kMostGroups) + " group numbers");
  }
  std::vector<uint32_t> groups;
  for (uint32_t index = 0; index < array.Length(); index++) {
    const Napi::Value group = array.Get(index);
    groups.push_back(integerArgument(group, "options.groups[" + std::to_string(index) + "]", 1, kMostInt));
  }
  return groups;
}

Napi::Number number(Napi::Env env, int64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

}  // namespace

Napi::Value openNetlink(const Napi::CallbackInfo& info) {
  const auto options = objectArgument(info[0], "options");
  auto request = openArguments(options);
  request.strict_checking = booleanArgument(options.Get("strictChecking"), "options.strictChecking");
  SocketOptions kept;
  kept.protocol = request.protocol;
  kept.max_batch_bytes = integerArgument(options.Get("maxBatchBytes"), "options.maxBatchBytes", 1, kMostInt);
  kept.max_queued = integerArgument(options.Get("maxQueued"), "options.maxQueued", 1, kMostInt);
  auto work = [request = std::move(request)] { return sys::openNetlink(request); };
  return promiseOnPool(info.Env(), std::move(work), [kept](Napi::Env env, sys::NetlinkOpened& opened) {
    OpenedSocket socket{std::move(opened), kept};
    return SocketHandle::make(env, socket);
  });
}

Napi::Value subscribeNetlink(const Napi::CallbackInfo& info) {
  const auto options = objectArgument(info[0], "options");
  auto request = openArguments(options);
  request.groups = groupsArgument(options.Get("groups"));
  const uint32_t most =
      integerArgument(options.Get("maxBytesPerTurn"), "options.maxBytesPerTurn", 1, kMostInt);
  auto callback = Napi::Persistent(functionArgument(info[1], "onDatagrams"));
  auto work = [request = std::move(request)] { return sys::openNetlink(request); };
  return promiseOnPool(
      info.Env(), std::move(work),
      [most, callback = std::move(callback)](Napi::Env env, sys::NetlinkOpened& opened) -> Napi::Value {
        OpenedSubscription subscription{std::move(opened), most};
        return SubscriptionHandle::make(env, subscription, callback.Value());
      });
}

Napi::Value openHandles(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto counts = Napi::Object::New(env);
  counts.Set("namespaces", number(env, NamespaceHandle::openCount()));
  counts.Set("sockets", number(env, SocketHandle::openCount()));
  counts.Set("programs", number(env, BpfHandle::openCount()));
  counts.Set("relays", number(env, RelayHandle::openCount()));
  counts.Set("subscriptions", number(env, SubscriptionHandle::openCount()));
  return counts;
}

}  // namespace fairlead::edge
